import { formatIpv4, readIpv4 } from "../../net/ip-address.ts";
import { formatHex } from "../../wire/hex.ts";
import { Reader } from "../../wire/reader.ts";
import { AttributeCode } from "../iana.ts";
import type { AttributeRow } from "./attribute-row.ts";
import { wrongLength } from "./uint32-value.ts";

/** Octets of one, RFC 4360 §2. */
const communityOctets = 8;

const subtypeNames: ReadonlyMap<number, string> = new Map([
  [2, "rt"], // Route Target, RFC 4360 §4
  [3, "ro"], // Route Origin, RFC 4360 §5
]);

/** `rt:65001:100`, `ro:192.0.2.1:5`, or `0x` and the octets where the type is not one of RFC 4360's and RFC 5668's. */
export function formatExtendedCommunity(octets: Uint8Array): string {
  const reader = new Reader(octets);
  const type = reader.uint8() & 0xbf; // without the non-transitive bit
  const name = subtypeNames.get(reader.uint8());
  if (name !== undefined) {
    if (type === 0) return `${name}:${reader.uint16()}:${reader.uint32()}`;
    if (type === 1) return `${name}:${formatIpv4(readIpv4(reader.bytes(4)))}:${reader.uint16()}`;
    if (type === 2) return `${name}:${reader.uint32()}:${reader.uint16()}`;
  }
  return `0x${formatHex(octets)}`;
}

const nonTransitive = 0x40;

/** Does it pass from one AS to the next, RFC 4360 §2? */
export function isTransitive(octets: Uint8Array): boolean {
  return ((octets[0] as number) & nonTransitive) === 0;
}

/** EXTENDED COMMUNITIES, RFC 4360; malformed: RFC 7606 §7.14. */
export const extendedCommunities: AttributeRow<"extendedCommunities"> = {
  code: AttributeCode.extendedCommunities,
  name: "extendedCommunities",
  title: "EXTENDED_COMMUNITIES",
  category: "optional transitive",
  malformed: "treat-as-withdraw",
  decode: (value) => {
    if (value.length === 0 || value.length % communityOctets !== 0) {
      return wrongLength(value.length, `a multiple of ${communityOctets}`);
    }
    return Array.from({ length: value.length / communityOctets }, (_, index) =>
      value.slice(index * communityOctets, (index + 1) * communityOctets),
    );
  },
  encode: (value, writer) => {
    for (const octets of value) writer.bytes(octets);
  },
  format: (value) => value.map(formatExtendedCommunity).join(" "),
};
