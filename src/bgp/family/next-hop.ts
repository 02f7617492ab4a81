import { formatIpAddress, parseIpAddress } from "../../net/ip-address.ts";
import type { Writer } from "../../wire/writer.ts";

/** The next hop of a family's routes: canonical text. */
export interface NextHop {
  readonly nextHop: string;
  /** The second, link-local address of RFC 2545 §3. */
  readonly linkLocalNextHop?: string;
}

/** ::ffff:0:0/96 */
const mappedIpv4 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

function startsWith(octets: Uint8Array, head: Uint8Array): boolean {
  return head.every((octet, index) => octets[index] === octet);
}

/**
 * Can these 4 or 16 octets be the address of a host: not unspecified, loopback, multicast, and for IPv4, be it mapped into
 * IPv6, not in 0/8 nor in what is reserved from 240/4 on? (RFC 4271 §6.3: NEXT_HOP must be "a valid IP host address".)
 */
export function isHostAddress(octets: Uint8Array): boolean {
  const first = octets[0] as number;
  if (octets.length === 4) return first !== 0 && first !== 127 && first < 224;
  if (first === 0xff) return false;
  if (startsWith(octets, mappedIpv4)) return isHostAddress(octets.subarray(mappedIpv4.length));
  const last = octets[15] as number;
  return octets.subarray(0, 15).some((octet) => octet !== 0) || last > 1;
}

/** Reads one address of 16 octets, or a global and a link-local one (RFC 2545 §3); `undefined` for other lengths. */
export function decodeIpv6NextHop(octets: Uint8Array): NextHop | undefined {
  if (octets.length === 16) return { nextHop: formatIpAddress(octets) };
  if (octets.length !== 32) return undefined;
  const global = octets.subarray(0, 16);
  const second = octets.subarray(16);
  if (isLinkLocalAlone(octets)) return { nextHop: formatIpAddress(second) };
  // RFC 2545 §3 has a link-local address here; anything else helps nobody.
  if (!isLinkLocal(second)) return { nextHop: formatIpAddress(global) };
  return { nextHop: formatIpAddress(global), linkLocalNextHop: formatIpAddress(second) };
}

/** Writes what `decodeIpv6NextHop` reads. @throws RangeError when an address is not IPv6 */
export function encodeIpv6NextHop({ nextHop, linkLocalNextHop }: NextHop, writer: Writer): void {
  writeIpv6Address(nextHop, writer);
  if (linkLocalNextHop !== undefined) writeIpv6Address(linkLocalNextHop, writer);
}

function writeIpv6Address(text: string, writer: Writer): void {
  const octets = parseIpAddress(text);
  if (octets?.length !== 16) throw new RangeError(`next hop ${text} is no IPv6 address`);
  writer.bytes(octets);
}

/** Can a route use the one or two addresses? A link-local one makes up for none before it, not for one that is nobody's. */
export function isUsableIpv6NextHop(octets: Uint8Array): boolean {
  return isHostAddress(octets.subarray(0, 16)) || isLinkLocalAlone(octets);
}

/** A speaker with nothing but a link-local address writes the unspecified one before it. */
function isLinkLocalAlone(octets: Uint8Array): boolean {
  const isUnspecified = octets.subarray(0, 16).every((octet) => octet === 0);
  return isUnspecified && isLinkLocal(octets.subarray(16));
}

/** fe80::/10 */
function isLinkLocal(octets: Uint8Array): boolean {
  return octets.length === 16 && octets[0] === 0xfe && ((octets[1] as number) & 0xc0) === 0x80;
}
