import { Writer } from "../../wire/writer.ts";
import { AttributeFlag } from "../iana.ts";
import type { CodecContext } from "../message/codec-context.ts";
import type { AttributeKind, AttributeValues } from "./attribute-row.ts";
import { attributeRows } from "./index.ts";
import type { PathAttributes, UnknownAttribute } from "./path-attributes.ts";

export interface EncodeOptions {
  /** False leaves NEXT_HOP out, because the next hop stands in MP_REACH_NLRI. Default true. */
  readonly nextHop?: boolean;
}

/** What the length of an attribute can say. */
const maximumValueOctets = 0xffff;

/** The Optional and Transitive bits that a row's category asks for, RFC 4271 §5. */
export function attributeFlags({ category }: Pick<AttributeKind, "category">): number {
  switch (category) {
    case "well-known mandatory":
    case "well-known":
      return AttributeFlag.transitive;
    case "optional transitive":
      return AttributeFlag.optional | AttributeFlag.transitive;
    case "optional non-transitive":
      return AttributeFlag.optional;
  }
}

/**
 * Writes path attributes by ascending code. Toward a peer of 2-octet AS numbers AS_TRANS stands in for what does not fit,
 * and AS4_PATH and AS4_AGGREGATOR say it (RFC 6793 §4.2.2). Toward an external peer LOCAL_PREF, ORIGINATOR_ID and
 * CLUSTER_LIST are left out. Unknown attributes go out with the Partial bit (RFC 4271 §5).
 * @returns false where a value takes more than 65535 octets, which no message can say: what is written by then is worth nothing.
 * It may have come in fewer: AS numbers of two octets, or without what a policy adds.
 * @throws RangeError for a NEXT_HOP that is not IPv4
 */
export function encodePathAttributes(
  attributes: PathAttributes,
  context: CodecContext,
  writer: Writer,
  options: EncodeOptions = {},
): boolean {
  const values = valuesOf(attributes, context);
  const unknown = [...(attributes.unknown ?? [])].sort((a, b) => a.code - b.code);
  if (unknown.some(({ value }) => value.length > maximumValueOctets)) return false;
  const scratch = new Writer(64);
  for (const row of attributeRows) {
    const value = values[row.name];
    if (value === undefined) continue;
    if (row.internalOnly === true && context.external) continue;
    if (row.name === "nextHop" && options.nextHop === false) continue;
    writeUnknownBelow(unknown, row.code, writer);
    const isPartial = attributes.partial?.includes(row.code) === true;
    scratch.truncate(0);
    row.encode(value, scratch, context);
    if (scratch.length > maximumValueOctets) return false;
    const flags = attributeFlags(row) | (isPartial ? AttributeFlag.partial : 0);
    writeAttribute(writer, flags, row.code, scratch.view());
  }
  writeUnknownBelow(unknown, 256, writer);
  return true;
}

/** Adds what only a peer of 2-octet AS numbers needs. */
function valuesOf(attributes: PathAttributes, context: CodecContext): AttributeValues {
  if (context.fourOctetAs) return attributes;
  const { aggregator, asPath } = attributes;
  const isLong = (asn: number): boolean => asn > 0xffff;
  return {
    ...attributes,
    ...(asPath?.some(({ asns }) => asns.some(isLong)) === true && { as4Path: asPath }),
    ...(aggregator && isLong(aggregator.asn) && { as4Aggregator: aggregator }),
  };
}

/** Writes, and takes off the front of the list, the attributes whose code is below `code`. */
function writeUnknownBelow(unknown: UnknownAttribute[], code: number, writer: Writer): void {
  while (unknown[0] !== undefined && unknown[0].code < code) {
    const { flags, value, code: own } = unknown[0];
    writeAttribute(writer, flags | AttributeFlag.partial, own, value);
    unknown.shift();
  }
}

/** Writes one attribute, its length in two octets where one is too small or `flags` asks for it. @throws RangeError above 65535 octets */
export function writeAttribute(
  writer: Writer,
  flags: number,
  code: number,
  value: Uint8Array,
): void {
  if (value.length > maximumValueOctets) {
    throw new RangeError(`attribute ${code} of ${value.length} octets exceeds 65535`);
  }
  if (value.length > 0xff || (flags & AttributeFlag.extendedLength) !== 0) {
    writer
      .uint8(flags | AttributeFlag.extendedLength)
      .uint8(code)
      .uint16(value.length);
  } else {
    writer.uint8(flags).uint8(code).uint8(value.length);
  }
  writer.bytes(value);
}
