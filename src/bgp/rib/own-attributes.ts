import { parseIpAddress } from "../../net/ip-address.ts";
import { Writer } from "../../wire/writer.ts";
import { encodePathAttributes } from "../attribute/encode-attributes.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import type { Family } from "../family/family.ts";
import { AttributeCode, AttributeFlag, Origin } from "../iana.ts";
import { contextBits, contextOfBits, type PathAttributeStore } from "./path-attributes.ts";

/** The block of what is originated here with a next hop of the family's IP version, as if an internal peer had sent it. */
export function ownAttributes(store: PathAttributeStore, family: Family, nextHop: string): number {
  const attributes: PathAttributes = { origin: Origin.igp, asPath: [], nextHop, localPref: 100 };
  const bits = contextBits({ fourOctetAs: true, external: false });
  const writer = new Writer(64);
  const classic = family.version === 4;
  encodePathAttributes(attributes, contextOfBits(bits), writer, { nextHop: classic });
  if (!classic) writeMpReach(family, nextHop, writer);
  const octets = writer.view();
  const known = store.find(octets, 0, octets.length, bits);
  if (known >= 0) return known;
  return store.add(octets, { start: 0, end: octets.length, clean: true }, bits, attributes);
}

/** MP_REACH_NLRI without NLRI, as blocks are kept. */
function writeMpReach(family: Family, nextHop: string, writer: Writer): void {
  const length = parseIpAddress(nextHop)?.length ?? 0;
  writer
    .uint8(AttributeFlag.optional)
    .uint8(AttributeCode.mpReachNlri)
    .uint8(5 + length)
    .uint16(family.afi)
    .uint8(family.safi)
    .uint8(length);
  family.encodeNextHop({ nextHop }, writer);
  writer.uint8(0);
}
