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
  notLocal: 6,
  lowerLocalPref: 7,
  longerAsPath: 8,
  higherOrigin: 9,
  higherMed: 10,
  internalPath: 11,
  higherIdentifier: 12,
  longerClusterList: 13,
  higherPeerAddress: 14,
  higherPathId: 15,
  /** Waits for the Decision Process, which runs once a turn. */
  undecided: 16,
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
  [PathReason.notLocal]: { name: "not-local", text: "the prefix is originated here" },
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
  [PathReason.undecided]: { name: "undecided", text: "not decided yet" },
};

/** Name and text of a reason. */
export function describePathReason(reason: number): {
  readonly name: string;
  readonly text: string;
} {
  return descriptions[reason as PathReason];
}
