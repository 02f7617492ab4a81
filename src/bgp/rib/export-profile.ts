import { maximumMessageOctets } from "../iana.ts";
import { type Prefix, prefixContainsAddress } from "../../net/prefix.ts";
import { AttributeTrait } from "./attribute-summary.ts";
import { type ExportPolicy, exportPolicyKey, mayBeNextHopSelf } from "./export-policy.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PathSource } from "./source.ts";

/**
 * All that decides what a peer is sent and how it is encoded. Peers with equal profiles form an update group and are
 * sent the same octets.
 */
export interface ExportProfile {
  /** The peer is in another AS. */
  readonly external: boolean;
  /** The peer is our reflection client (RFC 4456). */
  readonly client: boolean;
  /** Of the routes selected: all, those originated here, or none. */
  readonly advertise: "all" | "own" | "none";
  readonly fourOctetAs: boolean;
  readonly maximumMessageOctets: number;
  /** Unsigned 32-bit. */
  readonly clusterId: number;
  /** Clients are sent what other clients announce; not where they have sessions among themselves. */
  readonly clientToClient: boolean;
  /** Canonical address that stands for us as next hop; empty where there is none of the family. */
  readonly nextHopSelf: string;
  /** So many paths to a prefix at most, each with an identifier (RFC 7911); 0: one, without. */
  readonly addPaths: number;
  /** Our link-local address, which goes out beside it (RFC 2545 §3); empty where it does not. */
  readonly linkLocalSelf: string;
  /** Subnets that we share with the peer: for next hops in them their link-local addresses go out, too (RFC 2545 §3). */
  readonly linkSubnets: readonly Prefix[];
  /** Routes may go out with an IPv6 next hop: those of IPv6, and of IPv4 where RFC 8950 is in force. */
  readonly takesIpv6NextHop: boolean;
  /**
   * Paths with LLGR_STALE (RFC 9494 §4.3): sent as they are; withheld from those who do not know what it means; or sent to
   * them all the same, with LOCAL_PREF 0 and NO_EXPORT (§4.6).
   */
  readonly longLivedStale: "sent" | "withheld" | "demoted";
  /** RFC 4271 §9.2.1.1; 0 for none. */
  readonly minRouteAdvertisementIntervalSeconds: number;
  readonly policy: ExportPolicy;
}

/** One text per distinct profile. */
export function profileKey(profile: ExportProfile): string {
  return JSON.stringify([
    profile.external,
    profile.client,
    profile.advertise,
    profile.fourOctetAs,
    profile.maximumMessageOctets,
    profile.addPaths,
    profile.nextHopSelf,
    profile.linkLocalSelf,
    profile.linkSubnets.map(({ text }) => text),
    profile.takesIpv6NextHop,
    profile.longLivedStale,
    profile.minRouteAdvertisementIntervalSeconds,
    exportPolicyKey(profile.policy),
  ]);
}

/** Is a next hop on a link that we share with the peer? */
export function isOnSharedLink({ linkSubnets }: ExportProfile, nextHop: Uint8Array): boolean {
  return linkSubnets.some((subnet) => prefixContainsAddress(subnet, nextHop));
}

/** What the members of a group have in common, for people: `client`, `external, 2-octet AS`. */
export function profileName(profile: ExportProfile): string {
  const { minRouteAdvertisementIntervalSeconds: interval } = profile;
  const relation = profile.external ? "external" : profile.client ? "client" : "internal";
  return [
    relation,
    profile.advertise === "all" ? "" : `${profile.advertise} routes only`,
    profile.fourOctetAs ? "" : "2-octet AS",
    profile.maximumMessageOctets > maximumMessageOctets ? "extended messages" : "",
    addPathText(profile.addPaths),
    longLivedStaleText[profile.longLivedStale],
    interval > 0 ? `every ${interval} s` : "",
  ]
    .filter((part) => part !== "")
    .join(", ");
}

const longLivedStaleText = {
  sent: "",
  withheld: "no long-lived stale paths",
  demoted: "long-lived stale paths demoted",
};

/** As `addPaths`: any number. */
export const allPaths = 0xffff_ffff;

function addPathText(addPaths: number): string {
  if (addPaths === 0) return "";
  return addPaths === allPaths ? "all paths" : `up to ${addPaths} paths`;
}

/** Are paths of this source passed on to peers of this profile, if nothing in their attributes forbids it? */
export function takesSource(profile: ExportProfile, source: number): boolean {
  if (profile.advertise !== "all") {
    return profile.advertise === "own" && source === PathSource.local;
  }
  if (profile.external) return true;
  // RFC 4456 §6: from a client to everybody, from a non-client to clients only.
  if (source === PathSource.client) return !profile.client || profile.clientToClient;
  return profile.client || source !== PathSource.nonClient;
}

/** Is a selected path of this source sent to peers of this profile? The peer it came from is left out elsewhere. */
export function isExported(
  profile: ExportProfile,
  source: number,
  attributeStore: PathAttributeStore,
  attributes: number,
): boolean {
  if (attributes < 0 || attributeStore.has(attributes, AttributeTrait.noAdvertise)) return false;
  if (!takesSource(profile, source)) return false;
  if (
    profile.policy.refusesOnlyToCustomer &&
    attributeStore.has(attributes, AttributeTrait.hasOnlyToCustomer)
  ) {
    return false;
  }
  if (
    profile.longLivedStale === "withheld" &&
    attributeStore.has(attributes, AttributeTrait.llgrStale)
  ) {
    return false;
  }
  if (!hasNextHop(profile, source, attributeStore, attributes)) return false;
  return !profile.external || !attributeStore.has(attributes, AttributeTrait.noExport);
}

/**
 * Can a path's next hop be said? Where that becomes ourselves we need an address, otherwise the peer must take the path's own,
 * and no link-local one means anything to others than us.
 */
function hasNextHop(
  { nextHopSelf, takesIpv6NextHop, policy, external }: ExportProfile,
  source: number,
  attributeStore: PathAttributeStore,
  attributes: number,
): boolean {
  const unsaid = takesIpv6NextHop ? AttributeTrait.onLinkNextHop : AttributeTrait.ipv6NextHop;
  const isSayable = !attributeStore.has(attributes, unsaid);
  if (isSayable && nextHopSelf !== "") return true;
  return mayBeNextHopSelf(policy, source, external) ? nextHopSelf !== "" : isSayable;
}
