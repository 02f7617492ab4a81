/**
 * Why a path is where it is: best, out of the running before the Decision Process began, or eliminated by one of its
 * steps. A small integer in a column; the names are stable, for scripts, the texts are for people.
 */
export const PathReason = {
  best: 0,
  filtered: 1,
  asLoop: 2,
  ownOriginatorId: 3,
  ownClusterId: 4,
  ownNextHop: 5,
  /** The leftmost AS is not the peer's. */
  foreignFirstAs: 6,
  asSet: 7,
  routeLeak: 8,
  noPolicy: 9,
  notLocal: 10,
  lowerLocalPref: 11,
  longerAsPath: 12,
  higherOrigin: 13,
  higherMed: 14,
  internalPath: 15,
  higherIdentifier: 16,
  longerClusterList: 17,
  higherPeerAddress: 18,
  higherPathId: 19,
  /** Waits for the Decision Process, which runs once a turn. */
  undecided: 20,
  /** Used beside the best path. */
  multipath: 21,
  /** Another is not kept from a session that has ended. */
  longLivedStale: 22,
  /** With what the import policy makes of them its attributes take more octets than a block can have. */
  oversized: 23,
} as const;
export type PathReason = (typeof PathReason)[keyof typeof PathReason];

const descriptions: Record<PathReason, { readonly name: string; readonly text: string }> = {
  [PathReason.best]: { name: "best", text: "best path" },
  [PathReason.filtered]: {
    name: "filtered",
    text: "import policy: outside the prefixes accepted from this peer",
  },
  [PathReason.asLoop]: { name: "as-loop", text: "own AS number in AS_PATH (RFC 4271 §9.1.2)" },
  [PathReason.ownOriginatorId]: {
    name: "own-originator-id",
    text: "ORIGINATOR_ID is our own identifier (RFC 4456 §8)",
  },
  [PathReason.ownClusterId]: {
    name: "own-cluster-id",
    text: "own cluster id in CLUSTER_LIST (RFC 4456 §8)",
  },
  [PathReason.ownNextHop]: {
    name: "own-next-hop",
    text: "next hop is an address of our own (RFC 4271 §5.1.3)",
  },
  [PathReason.foreignFirstAs]: {
    name: "foreign-first-as",
    text: "the leftmost AS of AS_PATH is not the peer's (RFC 4271 §6.3)",
  },
  [PathReason.asSet]: { name: "as-set", text: "AS_SET in AS_PATH (RFC 9774)" },
  [PathReason.routeLeak]: {
    name: "route-leak",
    text: "ONLY_TO_CUSTOMER says that it was not to come from this peer (RFC 9234 §5)",
  },
  [PathReason.noPolicy]: {
    name: "no-policy",
    text: "nothing is taken from another AS without an import policy (RFC 8212)",
  },
  [PathReason.oversized]: {
    name: "oversized",
    text: "import policy: with what it adds the attributes take more than 65535 octets",
  },
  [PathReason.notLocal]: { name: "not-local", text: "the prefix is originated here" },
  [PathReason.longLivedStale]: {
    name: "long-lived-stale",
    text: "LLGR_STALE: a last resort, as its session ended long ago (RFC 9494 §4.3)",
  },
  [PathReason.lowerLocalPref]: {
    name: "lower-local-pref",
    text: "lower LOCAL_PREF (RFC 4271 §9.1.1)",
  },
  [PathReason.longerAsPath]: {
    name: "longer-as-path",
    text: "longer AS_PATH (RFC 4271 §9.1.2.2 a)",
  },
  [PathReason.higherOrigin]: { name: "higher-origin", text: "worse ORIGIN (RFC 4271 §9.1.2.2 b)" },
  [PathReason.higherMed]: {
    name: "higher-med",
    text: "higher MULTI_EXIT_DISC from the same neighbouring AS (RFC 4271 §9.1.2.2 c)",
  },
  [PathReason.internalPath]: {
    name: "internal-path",
    text: "learned by iBGP, another by eBGP (RFC 4271 §9.1.2.2 d)",
  },
  [PathReason.higherIdentifier]: {
    name: "higher-identifier",
    text: "higher BGP identifier or ORIGINATOR_ID (RFC 4271 §9.1.2.2 f, RFC 4456 §9)",
  },
  [PathReason.longerClusterList]: {
    name: "longer-cluster-list",
    text: "longer CLUSTER_LIST (RFC 4456 §9)",
  },
  [PathReason.higherPeerAddress]: {
    name: "higher-peer-address",
    text: "higher peer address (RFC 4271 §9.1.2.2 g)",
  },
  [PathReason.higherPathId]: { name: "higher-path-id", text: "higher path identifier (RFC 7911)" },
  [PathReason.multipath]: {
    name: "multipath",
    text: "used beside the best path, with which it is equal up to RFC 4271 §9.1.2.2 e",
  },
  [PathReason.undecided]: { name: "undecided", text: "not decided yet" },
};

/** Was such a path out of the running before the Decision Process began? */
export function isIneligible(reason: number): boolean {
  if (reason === PathReason.oversized) return true;
  return reason >= PathReason.filtered && reason <= PathReason.noPolicy;
}

/** Name and text of a reason. */
export function describePathReason(reason: number): {
  readonly name: string;
  readonly text: string;
} {
  return descriptions[reason as PathReason];
}
