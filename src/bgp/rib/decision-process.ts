/*
 * The Decision Process, RFC 4271 §9.1.
 *
 * Phase 1, degree of preference: LOCAL_PREF as received by iBGP, 100 where it is absent.
 * Phase 2, route selection: among the paths that may be used, the one with the highest degree of preference; ties are
 *   broken by §9.1.2.2: a) shortest AS_PATH, b) lowest ORIGIN, c) lowest MULTI_EXIT_DISC among paths of the same
 *   neighbouring AS, d) eBGP before iBGP, e) lowest interior cost, f) lowest BGP identifier, g) lowest peer address.
 * Phase 3, dissemination: adj-rib-out.ts.
 *
 * Our implementation works as the RFC is written: each step eliminates from the set of candidates. It never compares
 * pairs, since MULTI_EXIT_DISC makes pairwise preference non-transitive and the winner would depend on the order of
 * arrival. Differences: a path originated here comes before all others; step e is left out, since next hops are nodes
 * at equal cost; RFC 4456 §9 puts ORIGINATOR_ID in place of the identifier and the shorter CLUSTER_LIST before g; an
 * ADD-PATH identifier breaks the last tie.
 */
import type { AdjRibIn } from "./adj-rib-in.ts";
import { AttributeTrait } from "./attribute-summary.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PathReason } from "./path-reason.ts";
import { localPeer, PathSource, type RibPeer } from "./source.ts";

/** The candidates, and what a step reads of them. */
interface Contest {
  readonly paths: AdjRibIn;
  readonly attributes: PathAttributeStore;
  readonly peer: (index: number) => RibPeer;
}

interface Step {
  /** What a path that this step eliminates is told. */
  readonly reason: PathReason;
  /** Smaller stays. */
  readonly cost: (row: number, contest: Contest) => number | string;
  /** Paths are compared only within groups of equal keys. */
  readonly group?: (row: number, contest: Contest) => number;
}

const byAttributes =
  (
    read: (store: PathAttributeStore, id: number) => number,
  ): ((row: number, contest: Contest) => number) =>
  (row, { paths, attributes }) =>
    read(attributes, paths.attributes(row));

/** The steps in their order; adding one is adding a row. */
const steps: readonly Step[] = [
  {
    reason: PathReason.notLocal,
    cost: (row, { paths }) => (paths.peer(row) === localPeer ? 0 : 1),
  },
  {
    reason: PathReason.lowerLocalPref,
    cost: byAttributes((store, id) => -store.localPref(id)),
  },
  { reason: PathReason.longerAsPath, cost: byAttributes((store, id) => store.asPathLength(id)) },
  { reason: PathReason.higherOrigin, cost: byAttributes((store, id) => store.origin(id)) },
  {
    reason: PathReason.higherMed,
    cost: byAttributes((store, id) => store.med(id)),
    group: byAttributes((store, id) => store.neighborAs(id)),
  },
  {
    reason: PathReason.internalPath,
    cost: (row, { paths, peer }) => (peer(paths.peer(row)).source === PathSource.external ? 0 : 1),
  },
  {
    reason: PathReason.higherIdentifier,
    cost: (row, { paths, attributes, peer }) => {
      const id = paths.attributes(row);
      return attributes.has(id, AttributeTrait.hasOriginatorId)
        ? attributes.originatorId(id)
        : peer(paths.peer(row)).identifier;
    },
  },
  {
    reason: PathReason.longerClusterList,
    cost: byAttributes((store, id) => store.clusterListLength(id)),
  },
  {
    reason: PathReason.higherPeerAddress,
    cost: (row, { paths, peer }) => peer(paths.peer(row)).addressOrder,
  },
  { reason: PathReason.higherPathId, cost: (row, { paths }) => paths.pathId(row) },
];

/** Selects the best path of a prefix and leaves every path its reason. */
export class DecisionProcess {
  readonly #contest: Contest;
  #candidates: number[] = [];

  constructor(paths: AdjRibIn, attributes: PathAttributeStore, peer: (index: number) => RibPeer) {
    this.#contest = { paths, attributes, peer };
  }

  /** @returns the row of the best path, or -1 when no path may be used */
  select(prefix: number): number {
    const { paths } = this.#contest;
    let count = 0;
    for (let row = paths.first(prefix); row >= 0; row = paths.next(row)) {
      const ineligible = this.#ineligible(row);
      if (ineligible !== 0) paths.setReason(row, ineligible);
      else this.#candidates[count++] = row;
    }
    for (let step = 0; count > 1 && step < steps.length; step++) {
      count = this.#eliminate(steps[step] as Step, count);
    }
    if (count === 0) return -1;
    const best = this.#candidates[0] as number;
    paths.setReason(best, PathReason.best);
    return best;
  }

  #ineligible(row: number): number {
    const { paths, attributes } = this.#contest;
    // Our own next hop is no loop on what we originate.
    if (paths.peer(row) === localPeer) return 0;
    if (paths.isFiltered(row)) return paths.refusal(row);
    return attributes.ineligible(paths.attributes(row));
  }

  #eliminate(step: Step, count: number): number {
    if (step.group !== undefined) return this.#eliminateWithinGroups(step, step.group, count);
    let least: number | string | undefined;
    for (let index = 0; index < count; index++) {
      const cost = step.cost(this.#candidates[index] as number, this.#contest);
      if (least === undefined || cost < least) least = cost;
    }
    return this.#keep(step, count, () => least as number | string);
  }

  #eliminateWithinGroups(
    step: Step,
    group: (row: number, contest: Contest) => number,
    count: number,
  ): number {
    const least = new Map<number, number | string>();
    for (let index = 0; index < count; index++) {
      const row = this.#candidates[index] as number;
      const key = group(row, this.#contest);
      const cost = step.cost(row, this.#contest);
      const before = least.get(key);
      if (before === undefined || cost < before) least.set(key, cost);
    }
    return this.#keep(step, count, (row) => least.get(group(row, this.#contest)) as number);
  }

  #keep(step: Step, count: number, least: (row: number) => number | string): number {
    let kept = 0;
    for (let index = 0; index < count; index++) {
      const row = this.#candidates[index] as number;
      if (step.cost(row, this.#contest) === least(row)) this.#candidates[kept++] = row;
      else this.#contest.paths.setReason(row, step.reason);
    }
    return kept;
  }
}
