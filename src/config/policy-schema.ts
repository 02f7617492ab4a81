import {
  asn,
  choice,
  communitiesOrAll,
  community,
  count,
  flag,
  ipv6Address,
  largeCommunity,
  list,
  prefix,
  speakerAddress,
} from "./fields.ts";

const metric = () => count("a number", 0, 4_294_967_295);
const communities = () => list("communities", community()).optional();
const largeCommunities = () => list("large communities", largeCommunity()).optional();

/** Rows of the table of options that say what is taken from a peer and told to it: `PeerPolicy` (src/bgp/peer-policy.ts). */
export const policyRows = {
  policy: choice(["required", "accept-all"]).default("required").meta({
    description:
      "From another AS nothing is taken, and to it nothing told, without a policy (RFC 8212); or everything.",
  }),
  importPrefixes: list("prefixes", prefix()).optional().meta({
    description: "Takes only these and what lies inside. Default: the pod pools, else everything.",
  }),
  importLocalPref: metric().optional().meta({ description: "LOCAL_PREF of what is taken." }),
  importMed: metric().optional().meta({ description: "MULTI_EXIT_DISC of what is taken." }),
  importCommunities: communities().meta({ description: "Added to what is taken." }),
  importLargeCommunities: largeCommunities().meta({ description: "Added to what is taken." }),
  allowOwnAs: count("a number of times", 0, 10).default(0).meta({
    description: "So often our own AS number may stand in AS_PATH.",
  }),
  enforceFirstAs: flag().optional().meta({
    description:
      "The leftmost AS must be the peer's. Default: of another AS that is no route server.",
  }),
  refuseAsSets: flag().default(true).meta({
    description: "Does not use paths with an AS_SET (RFC 9774).",
  }),
  gracefulShutdown: flag().default(true).meta({
    description: "GRACEFUL_SHUTDOWN from another AS makes LOCAL_PREF 0 (RFC 8326).",
  }),
  role: choice(["provider", "customer", "peer", "rs", "rs-client"]).optional().meta({
    description: "What we are to a peer in another AS (RFC 9234).",
  }),
  strictRole: flag().default(false).meta({ description: "Refuses a peer that names no role." }),
  localAs: asn().optional().meta({
    description: "The AS number that we are to a peer in another AS, in place of ours (RFC 7705).",
  }),
  localAsNoPrepend: flag().default(false).meta({
    description: "Does not put localAs before AS_PATHs from the peer.",
  }),
  localAsReplace: flag().default(false).meta({
    description: "Shows the peer localAs alone, not our own number besides.",
  }),
  advertise: choice(["all", "own", "none"]).optional().meta({
    description:
      "Announces all routes selected, those originated here, or none. Default: of a node to another AS own, else all.",
  }),
  exportPrefixes: list("prefixes", prefix()).optional().meta({
    description: "Announces only these and what lies inside. Default: everything.",
  }),
  nextHop: choice(["auto", "self", "always-self", "unchanged", "third-party"]).optional().meta({
    description:
      "Whose address goes out as next hop. Default: auto, to a route server's client unchanged.",
  }),
  nextHopIpv4: speakerAddress().optional().meta({
    description: "Our address as next hop of IPv4 routes. Default: our own, else the session's.",
  }),
  nextHopIpv6: ipv6Address().optional().meta({
    description: "Our address as next hop of IPv6 routes. Default: our own, else the session's.",
  }),
  prepend: count("a number of times", 0, 20).default(0).meta({
    description: "So often more than once our AS number stands before AS_PATH.",
  }),
  asOverride: flag().default(false).meta({
    description: "Replaces the peer's AS number in AS_PATH by ours.",
  }),
  removePrivateAs: choice(["no", "all", "replace"]).default("no").meta({
    description: "Takes private AS numbers out of AS_PATH, or puts ours in their place.",
  }),
  exportMed: metric().optional().meta({ description: "MULTI_EXIT_DISC of what goes out." }),
  exportCommunities: communities().meta({ description: "Added to what goes out." }),
  exportLargeCommunities: largeCommunities().meta({ description: "Added to what goes out." }),
  exportRemoveCommunities: communitiesOrAll().optional().meta({
    description: "Removed from what goes out: a list of communities, or all, large ones included.",
  }),
  routeServerClient: flag().default(false).meta({
    description: "We are its route server: AS_PATH, next hop and MED pass as they are (RFC 7947).",
  }),
};
