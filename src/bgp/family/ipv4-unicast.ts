import { formatIpAddress, parseIpAddress } from "../../net/ip-address.ts";
import { Afi, Safi } from "../iana.ts";
import { familyKey } from "../message/codec-context.ts";
import type { Family } from "./family.ts";
import {
  decodeIpv6NextHop,
  encodeIpv6NextHop,
  isHostAddress,
  isUsableIpv6NextHop,
} from "./next-hop.ts";
import { walkPathPrefixes, walkPrefixes } from "./nlri.ts";

const maximumLengthBits = 32;

/**
 * IPv4 unicast; outside of UPDATE's own fields, in MP_REACH_NLRI, with a next hop of 4 octets, or one of IPv6 (RFC 8950 §3).
 */
export const ipv4Unicast: Family = {
  afi: Afi.ipv4,
  safi: Safi.unicast,
  key: familyKey(Afi.ipv4, Safi.unicast),
  name: "ipv4-unicast",
  version: 4,
  maximumLengthBits,
  decodeNextHop: (octets, extended) => {
    if (octets.length === 4) return { nextHop: formatIpAddress(octets) };
    return extended ? decodeIpv6NextHop(octets) : undefined;
  },
  encodeNextHop: (addresses, writer) => {
    const octets = parseIpAddress(addresses.nextHop);
    if (octets?.length === 4) writer.bytes(octets);
    else encodeIpv6NextHop(addresses, writer);
  },
  isUsableNextHop: (octets) =>
    octets.length === 4 ? isHostAddress(octets) : isUsableIpv6NextHop(octets),
  walkNlri: (octets, start, end, addPath, visit) => {
    if (addPath) walkPathPrefixes(octets, start, end, maximumLengthBits, visit);
    else walkPrefixes(octets, start, end, maximumLengthBits, visit);
  },
};
