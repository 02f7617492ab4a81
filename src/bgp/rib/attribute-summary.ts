import { asPathLength } from "../attribute/as-path.ts";
import type { AsPathSegment, PathAttributes } from "../attribute/path-attributes.ts";
import { AsPathSegmentType, AttributeCode, AttributeFlag } from "../iana.ts";
import { isLinkLocalText, parseIpAddress, readIpv4 } from "../../net/ip-address.ts";
import { WellKnownCommunity } from "../../net/community.ts";

/** LOCAL_PREF where the attribute is absent. */
export const defaultLocalPref = 100;

/** Flags of an interned block. */
export const AttributeTrait = {
  /** The octets hold only attributes that a reflector passes on as they are, in ascending order. */
  verbatim: 1,
  /** MULTI_EXIT_DISC is there. */
  hasMed: 2,
  /** ORIGINATOR_ID is there. */
  hasOriginatorId: 4,
  noAdvertise: 8,
  noExport: 16,
  /** The decoding had nothing to complain of. */
  clean: 32,
  /** AS_PATH has an AS_SET. */
  hasAsSet: 64,
  /** The GRACEFUL_SHUTDOWN community, RFC 8326. */
  gracefulShutdown: 128,
  /** ONLY_TO_CUSTOMER is there. */
  hasOnlyToCustomer: 256,
  /** The LLGR_STALE community, RFC 9494. */
  llgrStale: 512,
  /** The NO_LLGR community, RFC 9494. */
  noLlgr: 1024,
  /** The next hop is an IPv6 address. */
  ipv6NextHop: 4096,
  /** The next hop is a link-local address alone. */
  onLinkNextHop: 8192,
  /** EXTENDED_COMMUNITIES is there. */
  hasExtendedCommunities: 16_384,
} as const;

const passedOnVerbatim = new Set<number>([
  AttributeCode.origin,
  AttributeCode.asPath,
  AttributeCode.nextHop,
  AttributeCode.multiExitDisc,
  AttributeCode.localPref,
  AttributeCode.atomicAggregate,
  AttributeCode.aggregator,
  AttributeCode.communities,
  AttributeCode.originatorId,
  AttributeCode.clusterList,
  AttributeCode.extendedCommunities,
  AttributeCode.largeCommunities,
]);

/** RFC 4271 §4.3: zero when sent, ignored when received. */
const unusedFlags = 0x0f;

/** What the RIBs read of a block of path attributes. */
export interface AttributeSummary {
  /** `AttributeTrait`s */
  traits: number;
  /** Why no path with these attributes may be used here (a `PathReason`), or 0. */
  ineligible: number;
  localPref: number;
  /** 0 where MULTI_EXIT_DISC is absent. */
  med: number;
  neighborAs: number;
  originatorId: number;
  asPathLength: number;
  clusterListLength: number;
  origin: number;
  /** Equal next hops have equal ones: the address, if it is IPv4, otherwise a hash. */
  nextHop: number;
}

/** The neighbouring AS that a MULTI_EXIT_DISC is compared within: the leftmost of the path, 0 when there is none. */
function neighborAs(path: readonly AsPathSegment[]): number {
  const first = path.find(
    (segment) =>
      segment.type === AsPathSegmentType.asSequence || segment.type === AsPathSegmentType.asSet,
  );
  return first?.type === AsPathSegmentType.asSequence ? (first.asns[0] ?? 0) : 0;
}

function nextHopKey(nextHop: string | undefined): number {
  const octets = nextHop === undefined ? undefined : parseIpAddress(nextHop);
  if (octets === undefined) return 0;
  if (octets.length === 4) return readIpv4(octets);
  return octets.reduce((hash, octet) => Math.imul(hash ^ octet, 0x01000193) >>> 0, 0x811c9dc5);
}

/** The summary of attributes that were decoded, but for the traits that only their octets show. */
export function summarise(attributes: PathAttributes, ineligible: number): AttributeSummary {
  const path = attributes.asPath ?? [];
  return {
    traits: traitsOf(attributes),
    ineligible,
    localPref: attributes.localPref ?? defaultLocalPref,
    med: attributes.multiExitDisc ?? 0,
    neighborAs: neighborAs(path),
    originatorId: attributes.originatorId ?? 0,
    asPathLength: asPathLength(path),
    clusterListLength: attributes.clusterList?.length ?? 0,
    origin: attributes.origin ?? 2,
    nextHop: nextHopKey(attributes.nextHop),
  };
}

function nextHopTraits(nextHop = ""): number {
  if (!nextHop.includes(":")) return 0;
  return AttributeTrait.ipv6NextHop | (isLinkLocalText(nextHop) ? AttributeTrait.onLinkNextHop : 0);
}

/** The traits that the values show. */
function traitsOf(attributes: PathAttributes): number {
  const { asPath = [], communities = [], multiExitDisc, originatorId } = attributes;
  const hasAsSet = asPath.some(({ type }) => type === AsPathSegmentType.asSet);
  const staysHere =
    communities.includes(WellKnownCommunity.noExport) ||
    communities.includes(WellKnownCommunity.noExportSubconfed);
  return (
    (multiExitDisc !== undefined ? AttributeTrait.hasMed : 0) |
    (originatorId !== undefined ? AttributeTrait.hasOriginatorId : 0) |
    (communities.includes(WellKnownCommunity.noAdvertise) ? AttributeTrait.noAdvertise : 0) |
    (staysHere ? AttributeTrait.noExport : 0) |
    (hasAsSet ? AttributeTrait.hasAsSet : 0) |
    (communities.includes(WellKnownCommunity.gracefulShutdown)
      ? AttributeTrait.gracefulShutdown
      : 0) |
    (communities.includes(WellKnownCommunity.llgrStale) ? AttributeTrait.llgrStale : 0) |
    (communities.includes(WellKnownCommunity.noLlgr) ? AttributeTrait.noLlgr : 0) |
    (attributes.onlyToCustomer !== undefined ? AttributeTrait.hasOnlyToCustomer : 0) |
    (attributes.extendedCommunities !== undefined ? AttributeTrait.hasExtendedCommunities : 0) |
    nextHopTraits(attributes.nextHop)
  );
}

/**
 * Only attributes that are passed on as they are, ascending, so that a reflector may splice its own in (RFC 4271 §5: sorted
 * by type code); LOCAL_PREF, which an internal peer must be sent, among them; no flag that we may not send.
 */
export function isVerbatim(octets: Uint8Array, start: number, end: number): boolean {
  let last = 0;
  let hasLocalPref = false;
  for (let at = start; at < end; ) {
    const flags = octets[at] as number;
    const code = octets[at + 1] as number;
    const extended = (flags & AttributeFlag.extendedLength) !== 0;
    const length = extended
      ? ((octets[at + 2] as number) << 8) | (octets[at + 3] as number)
      : (octets[at + 2] as number);
    // MP_REACH_NLRI goes where the family wants it, wherever it stood.
    if (code !== AttributeCode.mpReachNlri) {
      if (code <= last || !passedOnVerbatim.has(code)) return false;
      if ((flags & (AttributeFlag.partial | unusedFlags)) !== 0) return false;
      last = code;
      hasLocalPref ||= code === AttributeCode.localPref;
    }
    at += (extended ? 4 : 3) + length;
  }
  return hasLocalPref;
}
