import { attributeFlags, writeAttribute } from "../bgp/attribute/encode-attributes.ts";
import { attributeByCode } from "../bgp/attribute/index.ts";
import { type RawAttribute, walkAttributes } from "../bgp/attribute/walk-attributes.ts";
import { Afi, AttributeCode, AttributeFlag, MessageType, Safi } from "../bgp/iana.ts";
import { beginMessage, finishMessage } from "../bgp/message/header.ts";
import { Writer } from "../wire/writer.ts";

/** One path of a dumped table. */
export interface TableEntry {
  readonly afi: number;
  readonly safi: number;
  /** With its length, as NLRI have it. */
  readonly prefix: Uint8Array;
  readonly pathId: number | undefined;
  /** MP_REACH_NLRI in them is cut down to the next hop (RFC 6396 §4.3.4). */
  readonly attributes: Uint8Array;
}

const largestMessageOctets = 65_535;

/** The UPDATE that announces the entry; `undefined` when it would exceed 65535 octets. */
export function updateOfEntry(entry: TableEntry): Uint8Array | undefined {
  const { afi, attributes, safi } = entry;
  const nlri = new Writer(32);
  if (entry.pathId !== undefined) nlri.uint32(entry.pathId);
  nlri.bytes(entry.prefix);
  const writer = new Writer(attributes.length + 64);
  beginMessage(writer, MessageType.update);
  writer.uint16(0);
  const lengthAt = writer.length;
  writer.uint16(0);
  const nextHop = copyAttributes(attributes, writer);
  const isClassic = afi === Afi.ipv4 && safi === Safi.unicast && nextHop === undefined;
  if (!isClassic) writeMpReach(writer, entry, nextHop ?? unspecified(afi), nlri.view());
  writer.patchUint16(lengthAt, writer.length - lengthAt - 2);
  if (isClassic) writer.bytes(nlri.view());
  return writer.length > largestMessageOctets
    ? undefined
    : finishMessage(writer, largestMessageOctets);
}

/** Copies all attributes but MP_REACH_NLRI, with the flags that they should have: some programs write none. @returns the next hop in that */
function copyAttributes(attributes: Uint8Array, writer: Writer): Uint8Array | undefined {
  let nextHop: Uint8Array | undefined;
  const overrun = walkAttributes(attributes, 0, attributes.length, (raw) => {
    const value = attributes.subarray(raw.valueStart, raw.end);
    if (raw.code === AttributeCode.mpReachNlri) nextHop ??= nextHopOf(value);
    else writeAttribute(writer, rightFlags(raw), raw.code, value);
  });
  // What is broken is shown as broken.
  if (overrun !== undefined) writer.bytes(attributes.subarray(overrun.start));
  return nextHop;
}

function rightFlags({ code, flags }: RawAttribute): number {
  const row = attributeByCode(code);
  const kept = AttributeFlag.partial | AttributeFlag.extendedLength;
  return row === undefined ? flags : attributeFlags(row) | (flags & kept);
}

/** Some programs write the attribute whole, which begins with the zero of a small AFI. */
function nextHopOf(value: Uint8Array): Uint8Array {
  const lengthAt = value[0] === 0 ? 3 : 0;
  return value.subarray(lengthAt + 1, lengthAt + 1 + (value[lengthAt] ?? 0));
}

/** The next hop of what the router itself originated. */
function unspecified(afi: number): Uint8Array {
  return new Uint8Array(afi === Afi.ipv4 ? 4 : 16);
}

function writeMpReach(
  writer: Writer,
  { afi, safi }: TableEntry,
  nextHop: Uint8Array,
  nlri: Uint8Array,
): void {
  const flags = AttributeFlag.optional | AttributeFlag.extendedLength;
  writer.uint8(flags).uint8(AttributeCode.mpReachNlri);
  writer.lengthUint16(() => {
    writer.uint16(afi).uint8(safi).uint8(nextHop.length).bytes(nextHop).uint8(0).bytes(nlri);
  });
}
