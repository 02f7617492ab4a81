/*
 * The Decision Process, RFC 4271 §9.1.
 *
 * Phase 1, degree of preference: LOCAL_PREF as received by iBGP, 100 where it is absent.
 * Phase 2, route selection: among the paths that may be used, the one with the highest degree of preference; ties are
 *   broken by §9.1.2.2: a) shortest AS_PATH, b) lowest ORIGIN, c) lowest MULTI_EXIT_DISC among paths of the same
 *   neighbouring AS, d) eBGP before iBGP, e) lowest interior cost, f) lowest BGP identifier, g) lowest peer address.
 * Phase 3, dissemination: update-group.ts.
 *
 * Our implementation works as the RFC is written: each step eliminates from the set of candidates. It never compares
 * pairs, since MULTI_EXIT_DISC makes pairwise preference non-transitive and the winner would depend on the order of
 * arrival. Differences: a path originated here comes before all others, and one with LLGR_STALE after all others
 * (RFC 9494 §4.3); step e is left out, since next hops are nodes
 * at equal cost; RFC 4456 §9 puts ORIGINATOR_ID in place of the identifier and the shorter CLUSTER_LIST before g; an
 * ADD-PATH identifier breaks the last tie.
 *
 * Paths that are equal up to step e may be used beside the best one (multipath), where that is configured: as many as the
 * limit allows, in the order in which they would take its place, each with a next hop of its own. Which path is announced
 * does not depend on it.
 */
import type { AdjRibIn } from "./adj-rib-in.ts";
import { AttributeTrait } from "./attribute-summary.ts";
import { nextHopOnLink } from "./next-hop-on-link.ts";
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

/** How paths are compared, where the RFC leaves it to the operator; the same in all of an AS. */
export interface DecisionOptions {
  /** MULTI_EXIT_DISC is compared between paths of different neighbouring ASes, too. */
  readonly alwaysCompareMed: boolean;
  /** A path without MULTI_EXIT_DISC comes after those with one, not before. */
  readonly missingMedAsWorst: boolean;
  /** So many paths to a prefix may be used at once; 1 is no multipath. */
  readonly maximumPaths: number;
}

export const defaultDecision: DecisionOptions = {
  alwaysCompareMed: false,
  missingMedAsWorst: false,
  maximumPaths: 1,
};

function medStep({ alwaysCompareMed, missingMedAsWorst }: DecisionOptions): Step {
  const isWorst = (store: PathAttributeStore, id: number): boolean =>
    missingMedAsWorst && !store.has(id, AttributeTrait.hasMed);
  const cost = byAttributes((store, id) => (isWorst(store, id) ? worstMed : store.med(id)));
  const group = byAttributes((store, id) => store.neighborAs(id));
  return { reason: PathReason.higherMed, cost, ...(!alwaysCompareMed && { group }) };
}

/** Above every MULTI_EXIT_DISC there is. */
const worstMed = 2 ** 32;

/** The steps up to e, in their order; adding one is adding a row. */
const stepsOfCost = (options: DecisionOptions): readonly Step[] => [
  {
    reason: PathReason.notLocal,
    cost: (row, { paths }) => (paths.peer(row) === localPeer ? 0 : 1),
  },
  {
    reason: PathReason.longLivedStale,
    cost: byAttributes((store, id) => Number(store.has(id, AttributeTrait.llgrStale))),
  },
  {
    reason: PathReason.lowerLocalPref,
    cost: byAttributes((store, id) => -store.localPref(id)),
  },
  { reason: PathReason.longerAsPath, cost: byAttributes((store, id) => store.asPathLength(id)) },
  { reason: PathReason.higherOrigin, cost: byAttributes((store, id) => store.origin(id)) },
  medStep(options),
  {
    reason: PathReason.internalPath,
    cost: (row, { paths, peer }) => (peer(paths.peer(row)).source === PathSource.external ? 0 : 1),
  },
];

/** The steps after e, which choose one of equals. */
const stepsOfChoice: readonly Step[] = [
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

/** A peer that sends a thousand paths to a prefix must not have us compare each of them with each. */
const rankedPlaces = 64;

/** Selects the best path of a prefix and leaves every path its reason. */
export class DecisionProcess {
  readonly #contest: Contest;
  readonly #steps: readonly Step[];
  readonly #maximumPaths: number;
  #candidates: number[] = [];
  #spread = 0;

  constructor(
    paths: AdjRibIn,
    attributes: PathAttributeStore,
    peer: (index: number) => RibPeer,
    options: DecisionOptions = defaultDecision,
  ) {
    this.#contest = { paths, attributes, peer };
    this.#steps = stepsOfCost(options);
    this.#maximumPaths = options.maximumPaths;
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
    this.#spread = 0;
    count = this.#run(this.#steps, count);
    if (count === 0) return -1;
    const equals = count > 1 && this.#maximumPaths > 1 ? this.#candidates.slice(0, count) : [];
    this.#run(stepsOfChoice, count);
    const best = this.#candidates[0] as number;
    paths.setReason(best, PathReason.best);
    if (equals.length > 1) this.#spread = this.#spreadOver(equals);
    return best;
  }

  /**
   * Ranks the paths of a prefix that may be used: the best, the best of the others, and so on for 64 places; those behind
   * follow as they come. Reasons that it leaves with paths are worth nothing; `select` gives them anew.
   * @param rows takes the paths, in order
   * @returns how many there are
   */
  rank(prefix: number, rows: number[]): number {
    const { paths } = this.#contest;
    let count = 0;
    for (let row = paths.first(prefix); row >= 0; row = paths.next(row)) {
      if (this.#ineligible(row) === 0) rows[count++] = row;
    }
    const last = Math.min(rankedPlaces, count - 1);
    for (let place = 0; place < last; place++) {
      for (let at = place; at < count; at++) this.#candidates[at - place] = rows[at] as number;
      this.#run(stepsOfChoice, this.#run(this.#steps, count - place));
      const best = this.#candidates[0] as number;
      const at = rows.indexOf(best, place);
      rows[at] = rows[place] as number;
      rows[place] = best;
    }
    return count;
  }

  /** Tells sets of next hops apart that the last `select` chose to be used at once; 0 for a single path. */
  get spread(): number {
    return this.#spread;
  }

  #run(steps: readonly Step[], candidates: number): number {
    let count = candidates;
    for (let step = 0; count > 1 && step < steps.length; step++) {
      count = this.#eliminate(steps[step] as Step, count);
    }
    return count;
  }

  /** Has the nearest of equal paths used beside the best. @returns as `spread` */
  #spreadOver(equals: number[]): number {
    equals.sort((a, b) => this.#compareChoice(a, b));
    const used: number[] = [];
    let spread = 0;
    for (const row of equals) {
      if (used.length === this.#maximumPaths) break;
      if (used.some((other) => this.#haveSameNextHop(row, other))) continue;
      used.push(row);
      if (used.length > 1) this.#contest.paths.setReason(row, PathReason.multipath);
      const key = this.#nextHopKey(row);
      // In whatever order they come.
      spread = (spread + Math.imul(key ^ (key >>> 15), 0x2c1b3c6d)) | 0;
    }
    return used.length === 1 ? 0 : spread || 1;
  }

  /** Tells next hops apart that differ in their device only, too: two of the same peer do not. */
  #nextHopKey(row: number): number {
    const { paths, attributes } = this.#contest;
    const id = paths.attributes(row);
    const key = attributes.nextHopKey(id);
    const isIpv6 = attributes.has(id, AttributeTrait.ipv6NextHop);
    return isIpv6 ? key ^ Math.imul(paths.peer(row), 0x9e3779b1) : key;
  }

  /** That keys are equal says it of IPv4 addresses alone. */
  #haveSameNextHop(a: number, b: number): boolean {
    const { paths, attributes } = this.#contest;
    const left = paths.attributes(a);
    const right = paths.attributes(b);
    if (attributes.nextHopKey(left) !== attributes.nextHopKey(right)) return false;
    const isIpv6 = (id: number): boolean => attributes.has(id, AttributeTrait.ipv6NextHop);
    return !(isIpv6(left) || isIpv6(right)) || this.#nextHop(a) === this.#nextHop(b);
  }

  #nextHop(row: number): string | undefined {
    const { paths, attributes, peer } = this.#contest;
    return nextHopOnLink(attributes.attributes(paths.attributes(row)), peer(paths.peer(row)));
  }

  /** Which of two equal paths would be chosen first; these steps, other than those before, order paths in pairs. */
  #compareChoice(a: number, b: number): number {
    for (const { cost } of stepsOfChoice) {
      const [left, right] = [cost(a, this.#contest), cost(b, this.#contest)];
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
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
