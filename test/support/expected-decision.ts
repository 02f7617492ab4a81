import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { PathSource, type RibPeer } from "../../src/bgp/rib/source.ts";
import { ownAsn } from "./rib-harness.ts";

const llgrStale = 0xffff_0006;

export interface ExpectedCandidate {
  readonly peer: RibPeer;
  readonly attributes: PathAttributes;
  readonly pathId?: number;
}

/** RFC 4271 §9.1.2.2, RFC 4456 §9 and RFC 9494 §4.3 once more, as plainly as can be: the best of paths to one prefix. */
export function expectedWinner<Candidate extends ExpectedCandidate>(
  list: readonly Candidate[],
): Candidate | undefined {
  let left = list.filter(
    ({ attributes }) => attributes.asPath?.some(({ asns }) => asns.includes(ownAsn)) !== true,
  );
  const isExternal = ({ peer }: Candidate): boolean => peer.source === PathSource.external;
  const least = (cost: (candidate: Candidate) => number): void => {
    const best = Math.min(...left.map(cost));
    left = left.filter((candidate) => cost(candidate) === best);
  };
  const neighbour = ({ attributes }: Candidate): number => {
    const first = attributes.asPath?.[0];
    return first?.type === 2 ? (first.asns[0] ?? 0) : 0;
  };
  const med = ({ attributes }: Candidate): number => attributes.multiExitDisc ?? 0;
  // RFC 9494 §4.3
  least(({ attributes }) => (attributes.communities?.includes(llgrStale) === true ? 1 : 0));
  // LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST from another AS mean nothing.
  least((one) => (isExternal(one) ? -100 : -(one.attributes.localPref ?? 100)));
  least(({ attributes }) => (attributes.asPath ?? []).flatMap(({ asns }) => asns).length);
  least(({ attributes }) => attributes.origin ?? 2);
  left = left.filter(
    (one) => !left.some((other) => neighbour(other) === neighbour(one) && med(other) < med(one)),
  );
  least((one) => (isExternal(one) ? 0 : 1));
  least((one) =>
    isExternal(one) ? one.peer.identifier : (one.attributes.originatorId ?? one.peer.identifier),
  );
  least((one) => (isExternal(one) ? 0 : (one.attributes.clusterList ?? []).length));
  least(({ peer }) => peer.index);
  least(({ pathId = 0 }) => pathId);
  return left[0];
}

/** The best, the best of the others, and so on. */
export function expectedRanking<Candidate extends ExpectedCandidate>(
  list: readonly Candidate[],
): readonly Candidate[] {
  const winner = expectedWinner(list);
  if (winner === undefined) return [];
  return [winner, ...expectedRanking(list.filter((one) => one !== winner))];
}
