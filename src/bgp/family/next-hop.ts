/** The next hop of a family's routes: canonical text. */
export interface NextHop {
  readonly nextHop: string;
  /** The second, link-local address of RFC 2545 §3. */
  readonly linkLocalNextHop?: string;
}

/**
 * Can these 4 or 16 octets be the address of a host: not unspecified, loopback, multicast, and for IPv4 not in 0/8 nor
 * in what is reserved from 240/4 on? (RFC 4271 §6.3: NEXT_HOP must be "a valid IP host address".)
 */
export function isHostAddress(octets: Uint8Array): boolean {
  const first = octets[0] as number;
  if (octets.length === 4) return first !== 0 && first !== 127 && first < 224;
  if (first === 0xff) return false;
  const last = octets[15] as number;
  return octets.subarray(0, 15).some((octet) => octet !== 0) || last > 1;
}

/** fe80::/10 */
export function isLinkLocal(octets: Uint8Array): boolean {
  return octets.length === 16 && octets[0] === 0xfe && ((octets[1] as number) & 0xc0) === 0x80;
}
