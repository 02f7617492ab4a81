import type { LargeCommunity } from "../../net/community.ts";
import type { AsPathSegmentType, Origin } from "../iana.ts";

/** One segment of AS_PATH, RFC 4271 §4.3. */
export interface AsPathSegment {
  readonly type: AsPathSegmentType;
  readonly asns: readonly number[];
}

/** AGGREGATOR, RFC 4271 §5.1.7. */
export interface Aggregator {
  readonly asn: number;
  /** BGP identifier, unsigned 32-bit. */
  readonly identifier: number;
}

/** A transitive attribute that has no row in the table, kept to be passed on (RFC 4271 §9). */
export interface UnknownAttribute {
  readonly code: number;
  readonly flags: number;
  readonly value: Uint8Array;
}

/**
 * The path attributes of one route, decoded. A property is absent where the attribute is. Immutable, and shared by all
 * routes that came with the same octets.
 */
export interface PathAttributes {
  readonly origin?: Origin;
  readonly asPath?: readonly AsPathSegment[];
  /** Canonical address text, from NEXT_HOP or MP_REACH_NLRI. */
  readonly nextHop?: string;
  /** The second, link-local next hop of RFC 2545 §3. */
  readonly linkLocalNextHop?: string;
  readonly multiExitDisc?: number;
  readonly localPref?: number;
  readonly atomicAggregate?: true;
  readonly aggregator?: Aggregator;
  /** Unsigned 32-bit each, RFC 1997. */
  readonly communities?: readonly number[];
  /** BGP identifier, unsigned 32-bit, RFC 4456. */
  readonly originatorId?: number;
  /** Cluster identifiers, unsigned 32-bit each, nearest first, RFC 4456. */
  readonly clusterList?: readonly number[];
  /** Eight octets each, RFC 4360. */
  readonly extendedCommunities?: readonly Uint8Array[];
  /** RFC 8092. */
  readonly largeCommunities?: readonly LargeCommunity[];
  /** AS number, RFC 9234 §5. */
  readonly onlyToCustomer?: number;
  readonly unknown?: readonly UnknownAttribute[];
  /** Codes of known optional transitive attributes that came with the Partial bit, which nobody may clear (RFC 4271 §5). */
  readonly partial?: readonly number[];
}
