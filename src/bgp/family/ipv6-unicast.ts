import { formatIpAddress, parseIpAddress } from "../../net/ip-address.ts";
import type { Writer } from "../../wire/writer.ts";
import { Afi, Safi } from "../iana.ts";
import { familyKey } from "../message/codec-context.ts";
import type { Family } from "./family.ts";
import { isHostAddress, isLinkLocal, type NextHop } from "./next-hop.ts";
import { walkPathPrefixes, walkPrefixes } from "./nlri.ts";

const maximumLengthBits = 128;

function decodeNextHop(octets: Uint8Array): NextHop | undefined {
  if (octets.length === 16) return { nextHop: formatIpAddress(octets) };
  if (octets.length !== 32) return undefined;
  const global = octets.subarray(0, 16);
  const second = octets.subarray(16);
  // A speaker with nothing but a link-local address writes the unspecified one before it.
  if (isLinkLocal(second) && global.every((octet) => octet === 0)) {
    return { nextHop: formatIpAddress(second) };
  }
  // RFC 2545 §3 has a link-local address here; anything else helps nobody.
  if (!isLinkLocal(second)) return { nextHop: formatIpAddress(global) };
  return { nextHop: formatIpAddress(global), linkLocalNextHop: formatIpAddress(second) };
}

function isUsableNextHop(octets: Uint8Array): boolean {
  return isHostAddress(octets.subarray(0, 16)) || isLinkLocal(octets.subarray(16));
}

function writeAddress(text: string, writer: Writer): void {
  const octets = parseIpAddress(text);
  if (octets?.length !== 16) throw new RangeError(`next hop ${text} is no IPv6 address`);
  writer.bytes(octets);
}

/** IPv6 unicast, RFC 2545: a next hop of 16 octets, or of 32 with a link-local address. */
export const ipv6Unicast: Family = {
  afi: Afi.ipv6,
  safi: Safi.unicast,
  key: familyKey(Afi.ipv6, Safi.unicast),
  name: "ipv6-unicast",
  version: 6,
  maximumLengthBits,
  decodeNextHop,
  encodeNextHop: ({ nextHop, linkLocalNextHop }, writer) => {
    writeAddress(nextHop, writer);
    if (linkLocalNextHop !== undefined) writeAddress(linkLocalNextHop, writer);
  },
  isUsableNextHop,
  walkNlri: (octets, start, end, addPath, visit) => {
    if (addPath) walkPathPrefixes(octets, start, end, maximumLengthBits, visit);
    else walkPrefixes(octets, start, end, maximumLengthBits, visit);
  },
};
