import { WellKnownCommunity, type LargeCommunity } from "../../net/community.ts";
import { parseIpAddress } from "../../net/ip-address.ts";
import { type Prefix, prefixContainsAddress } from "../../net/prefix.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import { PathSource } from "./source.ts";

/**
 * Whose address goes out as next hop.
 * - `auto`: RFC 4271 §5.1.3: ourselves to another AS, as it is within ours;
 * - `self`: also within our AS, for what came from another;
 * - `always-self`: also for what is reflected;
 * - `unchanged`: as it is, to another AS, too;
 * - `third-party`: to another AS as it is, where it is on a subnet that we share with the peer, otherwise ourselves.
 */
export type NextHopRule = "auto" | "self" | "always-self" | "unchanged" | "third-party";

/** What an operator has done to paths on their way out. All of it is part of an update group's identity. */
export interface ExportPolicy {
  /** Only what lies inside one of these goes out; all without. */
  readonly prefixes: readonly Prefix[] | undefined;
  readonly nextHop: NextHopRule;
  /** Subnet shared with the peer, for `third-party`. */
  readonly sharedSubnet: Prefix | undefined;
  /** AS numbers put before AS_PATH toward another AS, the leftmost first. */
  readonly prepended: readonly number[];
  /** This AS number is replaced by the leftmost of `prepended`; 0: none. */
  readonly overriddenAsn: number;
  /** Private AS numbers leave AS_PATH, or are replaced by the leftmost of `prepended`. */
  readonly privateAsns: "kept" | "removed" | "replaced";
  /** Is never removed as private: the peer finds its loops by it. 0: none. */
  readonly keptAsn: number;
  /** MULTI_EXIT_DISC: this; as it is; or, toward another AS, only that of routes of our own. */
  readonly med: number | "kept" | "own";
  readonly communities: readonly number[];
  readonly largeCommunities: readonly LargeCommunity[];
  readonly removedCommunities: readonly number[] | "all";
  /** ONLY_TO_CUSTOMER with this AS number is attached where there is none (RFC 9234 §5); 0: not. */
  readonly onlyToCustomer: number;
  /** Paths with ONLY_TO_CUSTOMER stay here. */
  readonly refusesOnlyToCustomer: boolean;
}

/** What RFC 4271 says, and no more. @param localAsn our AS number */
export function plainExportPolicy(localAsn: number): ExportPolicy {
  return {
    prefixes: undefined,
    nextHop: "auto",
    sharedSubnet: undefined,
    prepended: [localAsn],
    overriddenAsn: 0,
    privateAsns: "kept",
    keptAsn: 0,
    med: "own",
    communities: [],
    largeCommunities: [],
    removedCommunities: [],
    onlyToCustomer: 0,
    refusesOnlyToCustomer: false,
  };
}

/** One text per distinct policy. */
export function exportPolicyKey(policy: ExportPolicy): string {
  const { prefixes, sharedSubnet, ...rest } = policy;
  const texts = prefixes?.map(({ text }) => text);
  return JSON.stringify([rest, texts, sharedSubnet?.text]);
}

/** Does the policy leave attributes that are sent within our AS as they are, so that their octets may be passed on? */
export function leavesAttributes(policy: ExportPolicy, source: number): boolean {
  const { nextHop, med, communities, largeCommunities, removedCommunities } = policy;
  return (
    (nextHop !== "always-self" || source === PathSource.local) &&
    (med === "own" || med === "kept") &&
    communities.length + largeCommunities.length === 0 &&
    removedCommunities.length === 0
  );
}

/** Is, or may be, the next hop of a path from `source` replaced by ourselves? */
export function mayBeNextHopSelf(
  { nextHop: rule }: ExportPolicy,
  source: number,
  external: boolean,
): boolean {
  if (rule === "always-self") return true;
  if (rule === "self") return external || source === PathSource.external;
  return external && rule !== "unchanged";
}

/** Is it? */
export function isNextHopSelf(
  policy: ExportPolicy,
  source: number,
  external: boolean,
  nextHop: string | undefined,
): boolean {
  if (!mayBeNextHopSelf(policy, source, external)) return false;
  const { nextHop: rule, sharedSubnet } = policy;
  if (rule !== "third-party") return true;
  const octets = nextHop === undefined ? undefined : parseIpAddress(nextHop);
  return (
    octets === undefined ||
    sharedSubnet === undefined ||
    source === PathSource.local ||
    !prefixContainsAddress(sharedSubnet, octets)
  );
}

/** Communities as the policy leaves them. */
export function exportedCommunities(
  policy: ExportPolicy,
  attributes: PathAttributes,
): Pick<PathAttributes, "communities" | "largeCommunities"> {
  const { removedCommunities } = policy;
  const isUnchanged = removedCommunities.length + policy.communities.length === 0;
  if (isUnchanged && policy.largeCommunities.length === 0) {
    const { communities: same, largeCommunities: sameLarge } = attributes;
    return {
      ...(same && { communities: same }),
      ...(sameLarge && { largeCommunities: sameLarge }),
    };
  }
  const isKept = (community: number): boolean => {
    // RFC 9494 §4.3: it must not be removed.
    if (community === WellKnownCommunity.llgrStale) return true;
    return removedCommunities !== "all" && !removedCommunities.includes(community);
  };
  const kept = (attributes.communities ?? []).filter(isKept);
  const keptLarge = removedCommunities === "all" ? [] : (attributes.largeCommunities ?? []);
  const communities = [...new Set([...kept, ...policy.communities])];
  const largeCommunities = [...keptLarge, ...policy.largeCommunities];
  return {
    ...(communities.length > 0 && { communities }),
    ...(largeCommunities.length > 0 && { largeCommunities }),
  };
}
