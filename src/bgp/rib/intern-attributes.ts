import { parseIpAddress } from "../../net/ip-address.ts";
import { Writer } from "../../wire/writer.ts";
import { encodePathAttributes } from "../attribute/encode-attributes.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import type { Family } from "../family/family.ts";
import { AttributeCode, AttributeFlag } from "../iana.ts";
import { contextBits, contextOfBits } from "./context-bits.ts";
import type { PathAttributeStore } from "./path-attributes.ts";

/**
 * The block of attributes that we made ourselves, as if an internal peer had sent it.
 * @param allowedOwnAsns so often our own AS number may stand in AS_PATH
 * @returns its id; no reference is held yet when it is new. -1 where it takes more octets than a block can have, which what came
 * from elsewhere with shorter AS numbers, or without what our policies add, may well do
 */
export function internAttributes(
  store: PathAttributeStore,
  family: Family,
  attributes: PathAttributes,
  allowedOwnAsns = 0,
): number {
  const { nextHop = "" } = attributes;
  const bits = contextBits({ fourOctetAs: true, external: false }, allowedOwnAsns);
  const writer = new Writer(64);
  const classic = family.version === 4 && !nextHop.includes(":");
  const options = { nextHop: classic };
  if (!encodePathAttributes(attributes, contextOfBits(bits), writer, options)) return -1;
  if (!classic) writeMpReach(family, attributes, writer);
  const octets = writer.view();
  const known = store.find(octets, 0, octets.length, bits);
  if (known >= 0) return known;
  return store.add(octets, { start: 0, end: octets.length, clean: true }, bits, attributes);
}

/** MP_REACH_NLRI without NLRI, as blocks are kept. */
function writeMpReach(
  family: Family,
  { nextHop = "", linkLocalNextHop }: PathAttributes,
  writer: Writer,
): void {
  const octets = (parseIpAddress(nextHop)?.length ?? 0) + (linkLocalNextHop === undefined ? 0 : 16);
  writer
    .uint8(AttributeFlag.optional)
    .uint8(AttributeCode.mpReachNlri)
    .uint8(5 + octets)
    .uint16(family.afi)
    .uint8(family.safi)
    .uint8(octets);
  const link = linkLocalNextHop === undefined ? {} : { linkLocalNextHop };
  family.encodeNextHop({ nextHop, ...link }, writer);
  writer.uint8(0);
}
