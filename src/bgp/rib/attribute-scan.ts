import { AsPathSegmentType, AttributeCode, AttributeFlag, Origin } from "../iana.ts";
import { WellKnownCommunity } from "../../net/community.ts";
import { parseIpv4 } from "../../net/ip-address.ts";
import { type AttributeSummary, AttributeTrait, defaultLocalPref } from "./attribute-summary.ts";
import { allowedOwnAsns, ContextBit } from "./context-bits.ts";
import type { LoopIdentity } from "./loop-check.ts";
import { PathReason } from "./path-reason.ts";

const { optional, transitive, extendedLength } = AttributeFlag;

/** Optional and transitive bits that an attribute must have, by type code; absent where a block with it is not plain. */
const flagsByCode: readonly (number | undefined)[] = Object.assign([] as number[], {
  [AttributeCode.origin]: transitive,
  [AttributeCode.asPath]: transitive,
  [AttributeCode.nextHop]: transitive,
  [AttributeCode.multiExitDisc]: optional,
  [AttributeCode.localPref]: transitive,
  [AttributeCode.atomicAggregate]: transitive,
  [AttributeCode.communities]: optional | transitive,
  [AttributeCode.originatorId]: optional,
  [AttributeCode.clusterList]: optional,
  [AttributeCode.extendedCommunities]: optional | transitive,
  [AttributeCode.largeCommunities]: optional | transitive,
});

function uint32(octets: Uint8Array, at: number): number {
  return (
    (((octets[at] as number) << 24) |
      ((octets[at + 1] as number) << 16) |
      ((octets[at + 2] as number) << 8) |
      (octets[at + 3] as number)) >>>
    0
  );
}

/**
 * Reads the usual attributes of an IPv4 route straight from their octets, without making a value of any. What it takes
 * is plain: well-formed, each attribute once and in ascending order, with nothing that the decoder would complain of.
 * Everything else is left to the decoder; test/property/attribute-scan.test.ts holds the two against each other.
 */
export class AttributeScan implements AttributeSummary {
  traits = 0;
  ineligible = 0;
  localPref = 0;
  med = 0;
  neighborAs = 0;
  originatorId = 0;
  asPathLength = 0;
  clusterListLength = 0;
  origin = 0;
  nextHop = 0;
  readonly #identity: LoopIdentity;
  /** Our IPv4 addresses as numbers. */
  readonly #ownAddresses: readonly number[];
  #asnOctets: 2 | 4 = 4;
  #mandatory = 0;
  #isInternal = false;
  #hasLocalPref = false;
  #ownAsns = 0;
  #allowedOwnAsns = 0;
  #hasOwnClusterId = false;

  constructor(identity: LoopIdentity) {
    this.#identity = identity;
    this.#ownAddresses = identity.ownAddresses
      .map((address) => parseIpv4(address))
      .filter((address) => address !== undefined);
  }

  /** Reads a block that goes with an UPDATE's own NLRI field. @returns whether it is plain; if not, the fields mean nothing */
  read(octets: Uint8Array, start: number, end: number, context: number): boolean {
    this.#begin(context);
    let last = 0;
    for (let at = start; at < end; ) {
      const flags = octets[at] as number;
      const isExtended = (flags & extendedLength) !== 0;
      const valueStart = at + (isExtended ? 4 : 3);
      if (valueStart > end) return false;
      const code = octets[at + 1] as number;
      if (code <= last || (flags & ~extendedLength) !== flagsByCode[code]) return false;
      const length = isExtended ? uint32(octets, at) & 0xffff : (octets[at + 2] as number);
      const next = valueStart + length;
      if (next > end || !this.#take(code, octets, valueStart, length)) return false;
      last = code;
      at = next;
    }
    this.ineligible = this.#loopReason();
    if (this.#hasLocalPref) this.traits |= AttributeTrait.verbatim;
    return this.#mandatory === 3;
  }

  #begin(context: number): void {
    this.traits = AttributeTrait.clean;
    this.localPref = defaultLocalPref;
    this.med = this.neighborAs = this.originatorId = 0;
    this.asPathLength = this.clusterListLength = this.origin = 0;
    this.#asnOctets = (context & ContextBit.fourOctetAs) !== 0 ? 4 : 2;
    this.#isInternal = (context & ContextBit.external) === 0;
    this.#mandatory = 0;
    this.#hasLocalPref = this.#hasOwnClusterId = false;
    this.#ownAsns = 0;
    this.#allowedOwnAsns = allowedOwnAsns(context);
  }

  /** As `loopReason`. */
  #loopReason(): number {
    if (this.#ownAsns > this.#allowedOwnAsns) return PathReason.asLoop;
    const isReflected = (this.traits & AttributeTrait.hasOriginatorId) !== 0;
    if (isReflected && this.originatorId === this.#identity.identifier) {
      return PathReason.ownOriginatorId;
    }
    if (this.#hasOwnClusterId) return PathReason.ownClusterId;
    return this.#ownAddresses.includes(this.nextHop) ? PathReason.ownNextHop : 0;
  }

  /** @returns whether the value is well-formed */
  #take(code: number, octets: Uint8Array, at: number, length: number): boolean {
    switch (code) {
      case AttributeCode.origin:
        this.#mandatory++;
        this.origin = octets[at] as number;
        return length === 1 && this.origin <= Origin.incomplete;
      case AttributeCode.asPath:
        this.#mandatory++;
        return this.#takeAsPath(octets, at, at + length);
      case AttributeCode.nextHop:
        this.#mandatory++;
        return length === 4 && this.#takeNextHop(octets, at);
      case AttributeCode.multiExitDisc:
        this.traits |= AttributeTrait.hasMed;
        this.med = uint32(octets, at);
        return length === 4;
      case AttributeCode.localPref:
        this.#hasLocalPref = true;
        this.localPref = uint32(octets, at);
        return length === 4 && this.#isInternal;
      case AttributeCode.atomicAggregate:
        return length === 0;
      case AttributeCode.communities:
        return this.#takeCommunities(octets, at, length);
      case AttributeCode.originatorId:
        this.traits |= AttributeTrait.hasOriginatorId;
        this.originatorId = uint32(octets, at);
        return length === 4 && this.#isInternal;
      case AttributeCode.clusterList:
        return this.#isInternal && this.#takeClusterList(octets, at, length);
      case AttributeCode.extendedCommunities:
        this.traits |= AttributeTrait.hasExtendedCommunities;
        return length > 0 && length % 8 === 0;
      default:
        return code === AttributeCode.largeCommunities && length > 0 && length % 12 === 0;
    }
  }

  #takeNextHop(octets: Uint8Array, at: number): boolean {
    this.nextHop = uint32(octets, at);
    const first = octets[at] as number;
    return first !== 0 && first !== 127 && first < 224;
  }

  #takeAsPath(octets: Uint8Array, start: number, end: number): boolean {
    const asnOctets = this.#asnOctets;
    for (let at = start; at < end; ) {
      if (end - at < 2) return false;
      const type = octets[at] as number;
      const count = octets[at + 1] as number;
      const next = at + 2 + count * asnOctets;
      if (count === 0 || next > end) return false;
      if (type === AsPathSegmentType.asSequence) this.asPathLength += count;
      else if (type === AsPathSegmentType.asSet) {
        this.asPathLength++;
        this.traits |= AttributeTrait.hasAsSet;
      } else return false;
      for (let asnAt = at + 2; asnAt < next; asnAt += asnOctets) {
        const asn =
          asnOctets === 4
            ? uint32(octets, asnAt)
            : ((octets[asnAt] as number) << 8) | (octets[asnAt + 1] as number);
        if (asn === 0) return false;
        if (asn === this.#identity.asn) this.#ownAsns++;
        if (asnAt === start + 2 && type === AsPathSegmentType.asSequence) this.neighborAs = asn;
      }
      at = next;
    }
    return true;
  }

  #takeCommunities(octets: Uint8Array, start: number, length: number): boolean {
    for (let at = start; at < start + length; at += 4) {
      switch (uint32(octets, at)) {
        case WellKnownCommunity.noAdvertise:
          this.traits |= AttributeTrait.noAdvertise;
          break;
        case WellKnownCommunity.noExport:
        case WellKnownCommunity.noExportSubconfed:
          this.traits |= AttributeTrait.noExport;
          break;
        case WellKnownCommunity.gracefulShutdown:
          this.traits |= AttributeTrait.gracefulShutdown;
          break;
        case WellKnownCommunity.llgrStale:
          this.traits |= AttributeTrait.llgrStale;
          break;
        case WellKnownCommunity.noLlgr:
          this.traits |= AttributeTrait.noLlgr;
      }
    }
    return length > 0 && length % 4 === 0;
  }

  #takeClusterList(octets: Uint8Array, start: number, length: number): boolean {
    this.clusterListLength = length / 4;
    for (let at = start; at < start + length; at += 4) {
      if (uint32(octets, at) === this.#identity.clusterId) this.#hasOwnClusterId = true;
    }
    return length > 0 && length % 4 === 0;
  }
}
