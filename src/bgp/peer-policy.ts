import type { LargeCommunity } from "../net/community.ts";
import { parseIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixContainsAddress } from "../net/prefix.ts";
import type { ExportPolicy, NextHopRule } from "./rib/export-policy.ts";
import { ImportPolicy } from "./rib/import-policy.ts";
import { type ImportRules, noRules } from "./rib/import-rules.ts";
import { counterpart, type Role } from "./role.ts";

/** What is taken from a peer and told to it, and what is changed on the way; every part may be left out. */
export interface PeerPolicy {
  /** Whether another AS needs policies for anything to pass (RFC 8212): `required` (the default) or `accept-all`. */
  readonly policy?: "required" | "accept-all" | undefined;
  /** Prefixes inside one of these are accepted, `any` is everything; of martians see `ImportPolicy`. */
  readonly importPrefixes?: readonly Prefix[] | "any" | undefined;
  /** Prefixes inside one of these are refused all the same: our own. */
  readonly importNever?: readonly Prefix[] | undefined;
  readonly importLocalPref?: number | undefined;
  readonly importMed?: number | undefined;
  /** Added. */
  readonly importCommunities?: readonly number[] | undefined;
  readonly importLargeCommunities?: readonly LargeCommunity[] | undefined;
  /** So often our own AS number may stand in AS_PATH, 0 to 10. */
  readonly allowOwnAs?: number | undefined;
  /** The leftmost AS must be the peer's; default, but for a route server. */
  readonly enforceFirstAs?: boolean | undefined;
  /** RFC 9774 */
  readonly refuseAsSets?: boolean | undefined;
  /** Whether GRACEFUL_SHUTDOWN from another AS makes LOCAL_PREF 0 (RFC 8326); default true. */
  readonly gracefulShutdown?: boolean | undefined;
  /** Ours (RFC 9234). */
  readonly role?: Role | undefined;
  /** A peer that names no role is refused. */
  readonly strictRole?: boolean | undefined;
  /** The AS number that we are to a peer in another AS, in place of ours (RFC 7705). */
  readonly localAs?: number | undefined;
  /** It is not put before AS_PATHs from the peer. */
  readonly localAsNoPrepend?: boolean | undefined;
  /** AS_PATHs to the peer show it alone, not our own number besides. */
  readonly localAsReplace?: boolean | undefined;
  /** Of the routes selected: all, those originated here, or none. */
  readonly advertise?: "all" | "own" | "none" | undefined;
  /** Only prefixes inside one of these go out. */
  readonly exportPrefixes?: readonly Prefix[] | undefined;
  readonly nextHop?: NextHopRule | undefined;
  /** What we are as next hop, where it is not the speaker's own address: canonical, each of its IP version. */
  readonly nextHopIpv4?: string | undefined;
  readonly nextHopIpv6?: string | undefined;
  /** So often more than once our AS number stands before AS_PATH. */
  readonly prepend?: number | undefined;
  /** The peer's AS number is replaced by ours in AS_PATH. */
  readonly asOverride?: boolean | undefined;
  readonly removePrivateAs?: "no" | "all" | "replace" | undefined;
  /** Within our AS also those without RFC 9494 are sent long-lived stale paths, with LOCAL_PREF 0 and NO_EXPORT (§4.6). */
  readonly longLivedPartialDeployment?: boolean | undefined;
  readonly exportMed?: number | undefined;
  /** Added. */
  readonly exportCommunities?: readonly number[] | undefined;
  readonly exportLargeCommunities?: readonly LargeCommunity[] | undefined;
  readonly exportRemoveCommunities?: readonly number[] | "all" | undefined;
  /** We are a route server to it: AS_PATH, next hop and MED pass as they are (RFC 7947). */
  readonly routeServerClient?: boolean | undefined;
}

/** Who the two ends of a session are. */
export interface PolicySession {
  readonly external: boolean;
  /** 0 while it is not known. */
  readonly peerAsn: number;
  /** Canonical. */
  readonly peerAddress: string;
  /** The speaker's own AS number. */
  readonly asn: number;
  /** Prefixes of the links we are on. */
  readonly subnets: readonly Prefix[];
}

/** The import policy that a peer's settings describe. */
export function importPolicyOf(policy: PeerPolicy, session: PolicySession): ImportPolicy {
  const needsPolicy = session.external && policy.policy !== "accept-all";
  const accepted = policy.importPrefixes ?? (needsPolicy ? "no-policy" : "any");
  return new ImportPolicy(accepted, policy.importNever, importRules(policy, session));
}

function importRules(policy: PeerPolicy, session: PolicySession): ImportRules {
  const common: ImportRules = {
    ...noRules,
    peerAsn: session.peerAsn,
    refusesAsSets: policy.refuseAsSets ?? false,
    allowedOwnAsns: policy.allowOwnAs ?? 0,
    localPref: policy.importLocalPref,
    med: policy.importMed,
    communities: policy.importCommunities ?? [],
    largeCommunities: policy.importLargeCommunities ?? [],
  };
  if (!session.external) return common;
  const { role, localAs = 0 } = policy;
  const isRouteServer = role === "rs-client";
  return {
    ...common,
    firstAsn: (policy.enforceFirstAs ?? !isRouteServer) ? session.peerAsn : 0,
    peerRole: role === undefined ? undefined : counterpart[role],
    localAs,
    prependsLocalAs: localAs !== 0 && policy.localAsNoPrepend !== true,
    heedsGracefulShutdown: policy.gracefulShutdown ?? true,
  };
}

/** Of the routes selected: all, those originated here, or none, which another AS gets where there is no policy (RFC 8212). */
export function advertised(
  policy: PeerPolicy,
  { external }: Pick<PolicySession, "external">,
): "all" | "own" | "none" {
  if (policy.advertise !== undefined) return policy.advertise;
  const hasPolicy = policy.exportPrefixes !== undefined || policy.policy === "accept-all";
  return external && !hasPolicy ? "none" : "all";
}

/** The export policy that a peer's settings describe. */
export function exportPolicyOf(policy: PeerPolicy, session: PolicySession): ExportPolicy {
  const { removePrivateAs = "no", routeServerClient = false } = policy;
  const common: ExportPolicy = {
    prefixes: policy.exportPrefixes,
    nextHop: policy.nextHop ?? "auto",
    sharedSubnet: policy.nextHop === "third-party" ? sharedSubnet(session) : undefined,
    prepended: prepended(policy, session),
    overriddenAsn: policy.asOverride === true ? session.peerAsn : 0,
    privateAsns: privateAsns[removePrivateAs],
    keptAsn: removePrivateAs === "no" ? 0 : session.peerAsn,
    med: policy.exportMed ?? "own",
    communities: policy.exportCommunities ?? [],
    largeCommunities: policy.exportLargeCommunities ?? [],
    removedCommunities: policy.exportRemoveCommunities ?? [],
    ...onlyToCustomer(policy, session),
  };
  if (!routeServerClient) return common;
  const { nextHop = "unchanged", exportMed: med = "kept" } = policy;
  return { ...common, nextHop, med, prepended: [], overriddenAsn: 0, privateAsns: "kept" };
}

/** RFC 9234 §5, the egress procedure. */
function onlyToCustomer(
  { role, localAs }: PeerPolicy,
  { external, asn }: PolicySession,
): Pick<ExportPolicy, "onlyToCustomer" | "refusesOnlyToCustomer"> {
  const isAttached = external && (role === "provider" || role === "peer" || role === "rs");
  const isRefused = external && (role === "customer" || role === "peer" || role === "rs-client");
  return {
    onlyToCustomer: isAttached ? (localAs ?? asn) : 0,
    refusesOnlyToCustomer: isRefused,
  };
}

const privateAsns = { no: "kept", all: "removed", replace: "replaced" } as const;

function prepended(policy: PeerPolicy, { asn, external }: PolicySession): readonly number[] {
  const { localAs, prepend = 0, localAsReplace = false } = policy;
  const isOther = external && localAs !== undefined && localAs !== asn;
  const shown = isOther ? localAs : asn;
  const more = Array.from({ length: prepend }, () => shown);
  return [...more, shown, ...(isOther && !localAsReplace ? [asn] : [])];
}

function sharedSubnet({ peerAddress, subnets }: PolicySession): Prefix | undefined {
  const octets = parseIpAddress(peerAddress);
  if (octets === undefined) return undefined;
  return subnets
    .filter((subnet) => prefixContainsAddress(subnet, octets))
    .sort((a, b) => b.length - a.length)[0];
}
