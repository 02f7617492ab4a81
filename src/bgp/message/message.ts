import type { PathAttributes } from "../attribute/path-attributes.ts";
import type { Capability } from "../capability/capability.ts";

/** OPEN, RFC 4271 §4.2. */
export interface OpenMessage {
  /** The AS number in use: that of the 4-octet AS capability where there is one, else My Autonomous System. */
  readonly asn: number;
  /** 0, or 3..65535 seconds. */
  readonly holdTimeSeconds: number;
  /** Unsigned 32-bit number; dotted quad for people. Never 0. */
  readonly bgpIdentifier: number;
  /** In wire order, unknown ones kept. */
  readonly capabilities: readonly Capability[];
  /** The optional parameters have the form of RFC 9072, needed or not. */
  readonly extendedParameters?: true;
}

/** NOTIFICATION, RFC 4271 §4.5. */
export interface NotificationMessage {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

/** ROUTE-REFRESH, RFC 2918; `subtype` is RFC 7313's (0 plain, 1 BoRR, 2 EoRR). */
export interface RouteRefreshMessage {
  readonly afi: number;
  readonly safi: number;
  readonly subtype: number;
}

/** A prefix on the wire: text, with its path identifier where ADD-PATH is in force (RFC 7911). */
export interface Nlri {
  /** Canonical `10.233.2.0/24`. */
  readonly prefix: string;
  readonly pathId?: number;
}

/**
 * The prefixes of one family in an UPDATE. A family that has no row in the table keeps the octets of its attribute that
 * follow AFI and SAFI.
 */
export type FamilyNlri =
  | {
      readonly afi: number;
      readonly safi: number;
      readonly nlri: readonly Nlri[];
      /** Only in an MP_REACH_NLRI beside prefixes in the UPDATE's own field: the next hop of `attributes` is theirs. */
      readonly nextHop?: string;
      readonly linkLocalNextHop?: string;
    }
  | { readonly afi: number; readonly safi: number; readonly octets: Uint8Array };

/** What RFC 7606 makes of a malformed attribute, mildest first. */
export type MalformedOutcome =
  | "attribute-discard"
  | "treat-as-withdraw"
  | "afi-safi-disable"
  | "session-reset";

/** One malformed attribute of an UPDATE, and what came of it. */
export interface AttributeError {
  /** The attribute's type code; 0 when the list itself is broken. */
  readonly attribute: number;
  /** UPDATE Message Error subcode (RFC 4271 §6.3). */
  readonly subcode: number;
  readonly outcome: MalformedOutcome;
  readonly message: string;
  /** The attribute with its header, as received. */
  readonly data: Uint8Array;
}

/** UPDATE in full, RFC 4271 §4.3 and RFC 4760: for tools, tests and library users; a session's hot path works on octets. */
export interface UpdateMessage {
  readonly withdrawn: readonly Nlri[];
  readonly announced: readonly Nlri[];
  readonly attributes: PathAttributes;
  readonly mpReach?: FamilyNlri;
  readonly mpUnreach?: FamilyNlri;
  readonly errors: readonly AttributeError[];
}
