import { parseIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixFromOctets } from "../net/prefix.ts";
import { ownLinks } from "../platform/own-links.ts";

/** Prefixes of the links that this machine is on. */
export function ownSubnets(): Prefix[] {
  return ownLinks().flatMap(({ address, cidr, isLinkLocal }) => {
    const octets = parseIpAddress(address);
    const length = Number(cidr.split("/")[1]);
    return octets === undefined || isLinkLocal ? [] : [prefixFromOctets(octets, length)];
  });
}
