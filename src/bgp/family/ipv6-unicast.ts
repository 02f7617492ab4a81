import { Afi, Safi } from "../iana.ts";
import { familyKey } from "../message/codec-context.ts";
import type { Family } from "./family.ts";
import { decodeIpv6NextHop, encodeIpv6NextHop, isUsableIpv6NextHop } from "./next-hop.ts";
import { walkPathPrefixes, walkPrefixes } from "./nlri.ts";

const maximumLengthBits = 128;

/** IPv6 unicast, RFC 2545: a next hop of 16 octets, or of 32 with a link-local address. */
export const ipv6Unicast: Family = {
  afi: Afi.ipv6,
  safi: Safi.unicast,
  key: familyKey(Afi.ipv6, Safi.unicast),
  name: "ipv6-unicast",
  version: 6,
  maximumLengthBits,
  decodeNextHop: decodeIpv6NextHop,
  encodeNextHop: encodeIpv6NextHop,
  isUsableNextHop: isUsableIpv6NextHop,
  walkNlri: (octets, start, end, addPath, visit) => {
    if (addPath) walkPathPrefixes(octets, start, end, maximumLengthBits, visit);
    else walkPrefixes(octets, start, end, maximumLengthBits, visit);
  },
};
