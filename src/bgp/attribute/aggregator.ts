import { formatIpv4 } from "../../net/ip-address.ts";
import { Reader } from "../../wire/reader.ts";
import type { Writer } from "../../wire/writer.ts";
import { AttributeCode, asTrans, UpdateSubcode } from "../iana.ts";
import { type AttributeRow, Malformed } from "./attribute-row.ts";
import type { Aggregator } from "./path-attributes.ts";
import { wrongLength } from "./uint32-value.ts";

/** Reads an AS number of two or four octets and an identifier; AS 0 is malformed (RFC 7607). */
export function decodeAggregator(value: Uint8Array, asnOctets: 2 | 4): Aggregator | Malformed {
  if (value.length !== asnOctets + 4) return wrongLength(value.length, `${asnOctets + 4}`);
  const reader = new Reader(value);
  const asn = asnOctets === 4 ? reader.uint32() : reader.uint16();
  if (asn === 0) return new Malformed(UpdateSubcode.optionalAttributeError, "AS 0");
  return { asn, identifier: reader.uint32() };
}

/** Writes what `decodeAggregator` reads; AS_TRANS stands for what does not fit two octets. */
export function encodeAggregator(value: Aggregator, asnOctets: 2 | 4, writer: Writer): void {
  if (asnOctets === 4) writer.uint32(value.asn);
  else writer.uint16(value.asn > 0xffff ? asTrans : value.asn);
  writer.uint32(value.identifier);
}

/** `65001 192.0.2.1` */
export function formatAggregator({ asn, identifier }: Aggregator): string {
  return `${asn} ${formatIpv4(identifier)}`;
}

/** AGGREGATOR, RFC 4271 §5.1.7, RFC 6793; malformed: RFC 7606 §7.7. */
export const aggregator: AttributeRow<"aggregator"> = {
  code: AttributeCode.aggregator,
  name: "aggregator",
  title: "AGGREGATOR",
  category: "optional transitive",
  malformed: "attribute-discard",
  decode: (value, context) => decodeAggregator(value, context.fourOctetAs ? 4 : 2),
  encode: (value, writer, context) => {
    encodeAggregator(value, context.fourOctetAs ? 4 : 2, writer);
  },
  format: formatAggregator,
};
