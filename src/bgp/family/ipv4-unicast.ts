import { formatIpAddress, parseIpAddress } from "../../net/ip-address.ts";
import { Afi, Safi } from "../iana.ts";
import { familyKey } from "../message/codec-context.ts";
import type { Family } from "./family.ts";
import { isHostAddress } from "./next-hop.ts";
import { walkPathPrefixes, walkPrefixes } from "./nlri.ts";

const maximumLengthBits = 32;

/** IPv4 unicast; outside of UPDATE's own fields, in MP_REACH_NLRI, with a 4-octet next hop. */
export const ipv4Unicast: Family = {
  afi: Afi.ipv4,
  safi: Safi.unicast,
  key: familyKey(Afi.ipv4, Safi.unicast),
  name: "ipv4-unicast",
  version: 4,
  maximumLengthBits,
  decodeNextHop: (octets) =>
    octets.length === 4 ? { nextHop: formatIpAddress(octets) } : undefined,
  encodeNextHop: ({ nextHop }, writer) => {
    const octets = parseIpAddress(nextHop);
    if (octets?.length !== 4) throw new RangeError(`next hop ${nextHop} is no IPv4 address`);
    writer.bytes(octets);
  },
  isUsableNextHop: isHostAddress,
  walkNlri: (octets, start, end, addPath, visit) => {
    if (addPath) walkPathPrefixes(octets, start, end, maximumLengthBits, visit);
    else walkPrefixes(octets, start, end, maximumLengthBits, visit);
  },
};
