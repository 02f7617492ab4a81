import {
  addressOctets,
  formatIpAddress,
  formatIpv4,
  type IpVersion,
  parseIpAddress,
  readIpv4,
} from "./ip-address.ts";

/** An IP prefix with its host bits zero. `text` is canonical and serves as its key. */
export interface Prefix {
  readonly version: IpVersion;
  /** 4 or 16 octets, host bits zero. */
  readonly octets: Uint8Array;
  /** Of an IPv4 prefix, the address once more, as a signed number of 32 bits. */
  readonly ipv4Address: number | undefined;
  /** 0..32 or 0..128 bits. */
  readonly length: number;
  /** `10.233.2.0/24`; equal prefixes have equal text. */
  readonly text: string;
}

/** Two numbers; octets and text are made when somebody asks, for most of a full table are never asked. */
class Ipv4Prefix implements Prefix {
  readonly ipv4Address: number;
  readonly length: number;
  #octets: Uint8Array | undefined;
  #text: string | undefined;

  constructor(ipv4Address: number, length: number) {
    this.ipv4Address = ipv4Address;
    this.length = length;
  }

  get version(): 4 {
    return 4;
  }

  get octets(): Uint8Array {
    const { ipv4Address: address } = this;
    this.#octets ??= Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
    return this.#octets;
  }

  get text(): string {
    this.#text ??= `${formatIpv4(this.ipv4Address >>> 0)}/${this.length}`;
    return this.#text;
  }
}

class Ipv6Prefix implements Prefix {
  readonly octets: Uint8Array;
  readonly length: number;
  #text: string | undefined;

  constructor(octets: Uint8Array, length: number) {
    this.octets = octets;
    this.length = length;
  }

  get version(): 6 {
    return 6;
  }

  get ipv4Address(): undefined {
    return undefined;
  }

  get text(): string {
    this.#text ??= `${formatIpAddress(this.octets)}/${this.length}`;
    return this.#text;
  }
}

/** Builds a prefix from 4 or 16 octets, of which a copy is kept with the host bits cleared. */
export function prefixFromOctets(octets: Uint8Array, length: number): Prefix {
  if (octets.length === 4) return ipv4Prefix(readIpv4(octets) & ipv4Mask(length), length);
  const masked = Uint8Array.from(octets);
  clearHostBits(masked, length);
  return new Ipv6Prefix(masked, length);
}

/** Builds a prefix from an IPv4 address of 32 bits, signed or not, whose host bits are zero. */
export function ipv4Prefix(address: number, length: number): Prefix {
  return new Ipv4Prefix(address | 0, length);
}

/** As a signed number. Shifting by 32 would shift by 0. */
function ipv4Mask(length: number): number {
  return length === 0 ? 0 : -1 << (32 - length);
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
  const { ipv4Address, length } = prefix;
  if (ipv4Address !== undefined) {
    return ((readIpv4(address) ^ ipv4Address) & ipv4Mask(length)) === 0;
  }
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
