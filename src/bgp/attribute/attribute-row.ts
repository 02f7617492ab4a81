import type { Writer } from "../../wire/writer.ts";
import type { AttributeCode } from "../iana.ts";
import type { CodecContext } from "../message/codec-context.ts";
import type { MalformedOutcome } from "../message/message.ts";
import type { Aggregator, AsPathSegment, PathAttributes } from "./path-attributes.ts";

/** RFC 4271 §5 */
type AttributeCategory =
  | "well-known mandatory"
  | "well-known"
  | "optional transitive"
  | "optional non-transitive";

/** MP_REACH_NLRI, RFC 4760 §3; the octets are views on the attribute. */
export interface MpReach {
  readonly afi: number;
  readonly safi: number;
  readonly nextHop: Uint8Array;
  readonly nlri: Uint8Array;
}

/** MP_UNREACH_NLRI, RFC 4760 §4. */
interface MpUnreach {
  readonly afi: number;
  readonly safi: number;
  readonly nlri: Uint8Array;
}

/** One value per attribute on the wire: those of `PathAttributes`, and those that only a message carries. */
export type AttributeValues = {
  -readonly [Name in Exclude<
    keyof PathAttributes,
    "linkLocalNextHop" | "unknown" | "partial"
  >]?: PathAttributes[Name];
} & {
  as4Path?: readonly AsPathSegment[];
  as4Aggregator?: Aggregator;
  mpReach?: MpReach;
  mpUnreach?: MpUnreach;
};

/** What `decode` gives for a malformed value. */
export class Malformed {
  /** UPDATE Message Error subcode */
  readonly subcode: number;
  readonly message: string;
  /** Where it is not that of the attribute. */
  readonly outcome: MalformedOutcome | undefined;

  constructor(subcode: number, message: string, outcome?: MalformedOutcome) {
    this.subcode = subcode;
    this.message = message;
    this.outcome = outcome;
  }
}

/** What a code says of an attribute before its value is looked at. */
export interface AttributeKind {
  readonly code: AttributeCode;
  /** As the RFC writes it: `AS_PATH`. */
  readonly title: string;
  readonly category: AttributeCategory;
  /** What a malformed value leads to, RFC 7606 §7. */
  readonly malformed: MalformedOutcome;
  /** What flags of another category lead to, where that is not treat-as-withdraw or what is stronger (RFC 7606 §3 c). */
  readonly misflagged?: MalformedOutcome;
}

/** All there is to know of one path attribute: a row of the table in index.ts. */
export interface AttributeRow<
  Name extends keyof AttributeValues = keyof AttributeValues,
  Value = NonNullable<AttributeValues[Name]>,
> extends AttributeKind {
  readonly name: Name;
  /** Means nothing between ASes: discarded from an external peer whatever it holds, and never sent to one. */
  readonly internalOnly?: true;
  /** Reads a value that keeps no view on the octets, MP_REACH_NLRI's and MP_UNREACH_NLRI's excepted. */
  decode(value: Uint8Array, context: CodecContext): Value | Malformed;
  /** Writes the value without the attribute's header. @throws RangeError when it cannot be said on the wire */
  encode(value: Value, writer: Writer, context: CodecContext): void;
  /** For people. */
  format(value: Value): string;
}
