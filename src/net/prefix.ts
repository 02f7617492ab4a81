import {
  addressOctets,
  formatIpAddress,
  formatIpv4,
  type IpVersion,
  parseIpAddress,
} from "./ip-address.ts";

/** An IP prefix with its host bits zero. `text` is canonical and serves as its key. */
export interface Prefix {
  readonly version: IpVersion;
  /** 4 or 16 octets, host bits zero. */
  readonly octets: Uint8Array;
  /** 0..32 or 0..128 bits. */
  readonly length: number;
  /** `10.233.2.0/24`; equal prefixes have equal text. */
  readonly text: string;
}

/** Builds a prefix from 4 or 16 octets, of which a copy is kept with the host bits cleared. */
export function prefixFromOctets(octets: Uint8Array, length: number): Prefix {
  const masked = Uint8Array.from(octets);
  clearHostBits(masked, length);
  const version = masked.length === 4 ? 4 : 6;
  return { version, octets: masked, length, text: `${formatIpAddress(masked)}/${length}` };
}

/** Builds a prefix from an IPv4 address of 32 bits, signed or not, whose host bits are zero. */
export function ipv4Prefix(address: number, length: number): Prefix {
  const octets = Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
  return { version: 4, octets, length, text: `${formatIpv4(address >>> 0)}/${length}` };
}

function clearHostBits(octets: Uint8Array, length: number): void {
  const boundary = length >>> 3;
  if (boundary >= octets.length) return;
  octets[boundary] = (octets[boundary] as number) & (0xff00 >> (length & 7)) & 0xff;
  octets.fill(0, boundary + 1);
}

/** Reads `address/length` with the host bits zero, or `undefined`. For what operators write, see cidr.ts, which says what is wrong. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const octets = parseIpAddress(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  if (octets === undefined || !/^(0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > octets.length * 8) return undefined;
  const prefix = prefixFromOctets(octets, length);
  return prefix.octets.every((octet, index) => octet === octets[index]) ? prefix : undefined;
}

/** The prefix that holds just this address: /32 or /128. */
export function hostPrefix(address: Uint8Array): Prefix {
  return prefixFromOctets(address, address.length * 8);
}

/** Is this address (4 or 16 octets) inside the prefix? Never across IP versions. */
export function prefixContainsAddress(prefix: Prefix, address: Uint8Array): boolean {
  if (address.length !== addressOctets(prefix.version)) return false;
  const whole = prefix.length >>> 3;
  for (let index = 0; index < whole; index++) {
    if (prefix.octets[index] !== address[index]) return false;
  }
  const rest = prefix.length & 7;
  if (rest === 0) return true;
  const mask = (0xff00 >> rest) & 0xff;
  return ((address[whole] as number) & mask) === prefix.octets[whole];
}

/** Is `inner` equal to or inside `outer`? */
export function prefixContains(outer: Prefix, inner: Prefix): boolean {
  return (
    outer.version === inner.version &&
    outer.length <= inner.length &&
    prefixContainsAddress(outer, inner.octets)
  );
}

/** Do the two share an address? */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return prefixContains(a, b) || prefixContains(b, a);
}
