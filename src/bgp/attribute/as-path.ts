import { Reader } from "../../wire/reader.ts";
import type { Writer } from "../../wire/writer.ts";
import { AsPathSegmentType, AttributeCode, asTrans, UpdateSubcode } from "../iana.ts";
import { type AttributeRow, Malformed } from "./attribute-row.ts";
import type { AsPathSegment } from "./path-attributes.ts";

/** A segment's count of AS numbers is one octet. */
const maximumSegmentAsns = 255;

function malformedPath(message: string): Malformed {
  return new Malformed(UpdateSubcode.malformedAsPath, message);
}

/** Reads segments, those of confederations too, whose AS numbers take two or four octets. Malformed: RFC 7606 §7.2, RFC 7607. */
export function decodeSegments(value: Uint8Array, asnOctets: 2 | 4): AsPathSegment[] | Malformed {
  const segments: AsPathSegment[] = [];
  const reader = new Reader(value);
  while (reader.remaining > 0) {
    if (reader.remaining < 2) return malformedPath("a segment header is cut short");
    const type = reader.uint8();
    const count = reader.uint8();
    if (count === 0) return malformedPath("a segment is empty");
    if (count * asnOctets > reader.remaining) {
      return malformedPath(`a segment of ${count} AS numbers has ${reader.remaining} octets`);
    }
    if (!isSegmentType(type)) return malformedPath(`segment type ${type}`);
    const asns: number[] = [];
    for (let index = 0; index < count; index++) {
      const asn = asnOctets === 4 ? reader.uint32() : reader.uint16();
      if (asn === 0) return malformedPath("AS 0");
      asns.push(asn);
    }
    segments.push({ type, asns });
  }
  return segments;
}

function isSegmentType(type: number): type is AsPathSegmentType {
  return type >= AsPathSegmentType.asSet && type <= AsPathSegmentType.asConfedSet;
}

/** AS_CONFED_SEQUENCE or AS_CONFED_SET, RFC 5065 §3. */
export function isConfederationSegment({ type }: AsPathSegment): boolean {
  return type === AsPathSegmentType.asConfedSequence || type === AsPathSegmentType.asConfedSet;
}

/** Writes segments, those of more than 255 AS numbers in pieces; AS_TRANS stands for what does not fit two octets. */
export function encodeAsPath(
  segments: readonly AsPathSegment[],
  asnOctets: 2 | 4,
  writer: Writer,
): void {
  for (const { type, asns } of segments) {
    for (let start = 0; start < asns.length; start += maximumSegmentAsns) {
      const piece = asns.slice(start, start + maximumSegmentAsns);
      writer.uint8(type).uint8(piece.length);
      for (const asn of piece) {
        if (asnOctets === 4) writer.uint32(asn);
        else writer.uint16(asn > 0xffff ? asTrans : asn);
      }
    }
  }
}

/** The path's length for comparison: an AS_SET counts as one (RFC 4271 §9.1.2.2), confederation segments not (RFC 5065 §5.3). */
export function asPathLength(segments: readonly AsPathSegment[]): number {
  let length = 0;
  for (const { type, asns } of segments) {
    if (type === AsPathSegmentType.asSequence) length += asns.length;
    else if (type === AsPathSegmentType.asSet) length += 1;
  }
  return length;
}

/** The path with `asn` put before it `times` times, RFC 4271 §5.1.2. */
export function prependAsPath(
  segments: readonly AsPathSegment[],
  asn: number,
  times = 1,
): readonly AsPathSegment[] {
  const asns = Array.from({ length: times }, () => asn);
  const [first, ...rest] = segments;
  if (first?.type !== AsPathSegmentType.asSequence) {
    return [{ type: AsPathSegmentType.asSequence, asns }, ...segments];
  }
  return [{ type: first.type, asns: [...asns, ...first.asns] }, ...rest];
}

/** `65001 65002 {65003 65004}`; confederation sequences in `()`, their sets in `[]`. */
export function formatAsPath(segments: readonly AsPathSegment[]): string {
  return segments.map(formatSegment).join(" ");
}

function formatSegment({ type, asns }: AsPathSegment): string {
  switch (type) {
    case AsPathSegmentType.asSequence:
      return asns.join(" ");
    case AsPathSegmentType.asSet:
      return `{${asns.join(" ")}}`;
    case AsPathSegmentType.asConfedSequence:
      return `(${asns.join(" ")})`;
    case AsPathSegmentType.asConfedSet:
      return `[${asns.join(" ")}]`;
  }
}

/** AS_PATH, RFC 4271 §5.1.2, RFC 6793. */
export const asPath: AttributeRow<"asPath"> = {
  code: AttributeCode.asPath,
  name: "asPath",
  title: "AS_PATH",
  category: "well-known mandatory",
  malformed: "treat-as-withdraw",
  decode: (value, context) => {
    const segments = decodeSegments(value, context.fourOctetAs ? 4 : 2);
    if (segments instanceof Malformed) return segments;
    // RFC 5065 §4: an error from a neighbour outside of our confederation, and we are in none.
    if (segments.some(isConfederationSegment)) return malformedPath("a confederation segment");
    return segments;
  },
  encode: (value, writer, context) => {
    encodeAsPath(value, context.fourOctetAs ? 4 : 2, writer);
  },
  format: formatAsPath,
};
