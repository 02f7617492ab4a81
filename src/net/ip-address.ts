/**
 * IP addresses. Text is canonical (RFC 5952) wherever an address crosses a room's boundary; inside the hot paths an
 * IPv4 address is an unsigned 32-bit number and an IPv6 address is 16 octets.
 */

export type IpVersion = 4 | 6;

/** Octets per address of a version: 4 or 16. */
export function addressOctets(version: IpVersion): 4 | 16 {
  return version === 4 ? 4 : 16;
}

/** Reads dotted-quad text strictly (four decimal octets, no leading zeros); `undefined` when it is not an IPv4 address. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

/** Dotted quad of an unsigned 32-bit number. */
export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** The four octets at `offset`, as an unsigned 32-bit number in network order. */
export function readIpv4(octets: Uint8Array, offset = 0): number {
  return (
    (((octets[offset] as number) << 24) |
      ((octets[offset + 1] as number) << 16) |
      ((octets[offset + 2] as number) << 8) |
      (octets[offset + 3] as number)) >>>
    0
  );
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseIpv6Groups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? parseIpv6Groups(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const octets = new Uint8Array(16);
  groups.forEach((group, index) => {
    octets[index * 2] = group >>> 8;
    octets[index * 2 + 1] = group & 255;
  });
  return octets;
}

function parseIpv6Groups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (mayEndInIpv4 && index === parts.length - 1 && part.includes(".")) {
      const ipv4 = parseIpv4(part);
      if (ipv4 === undefined) return undefined;
      groups.push(ipv4 >>> 16, ipv4 & 0xffff);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** Octets (4 or 16) of an address in text; `undefined` when the text is not an IP address. Zone ids are not accepted. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (text.includes(":")) return parseIpv6(text);
  const value = parseIpv4(text);
  if (value === undefined) return undefined;
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** `fe80::1%eth0` → `fe80::1`: an address without the zone that a link-local one may carry (RFC 4007 §11). */
export function withoutZone(address: string): string {
  const percent = address.indexOf("%");
  return percent < 0 ? address : address.slice(0, percent);
}

/** The zone of a link-local address: `eth0` of `fe80::1%eth0`; `undefined` where it has none. */
export function zoneOf(address: string): string | undefined {
  const percent = address.indexOf("%");
  return percent < 0 ? undefined : address.slice(percent + 1);
}

/** Is this canonical text an address in fe80::/10, with or without a zone? */
export function isLinkLocalText(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address);
}

/** Is this IPv6 address, of 16 octets, one of its link alone (fe80::/10)? */
export function isLinkLocal(octets: Uint8Array): boolean {
  return octets[0] === 0xfe && ((octets[1] as number) & 0xc0) === 0x80;
}

/** 4, 6, or `undefined` when the text is not an IP address. */
export function ipVersionOf(text: string): IpVersion | undefined {
  const octets = parseIpAddress(text);
  if (octets === undefined) return undefined;
  return octets.length === 4 ? 4 : 6;
}

/** Canonical text (RFC 5952 for IPv6) of 4 or 16 octets. */
export function formatIpAddress(octets: Uint8Array): string {
  return octets.length === 4 ? formatIpv4(readIpv4(octets)) : formatIpv6(octets);
}

function formatIpv6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => {
    return ((octets[index * 2] as number) << 8) | (octets[index * 2 + 1] as number);
  });
  let bestStart = -1;
  let bestLength = 1; // RFC 5952 §4.2.2: a single zero group is not shortened
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  // RFC 5952 §5: IPv4-mapped addresses end in dotted quad.
  if (bestStart === 0 && bestLength === 5 && groups[5] === 0xffff) {
    return `::ffff:${formatIpv4(readIpv4(octets, 12))}`;
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  if (bestStart < 0) return text(0, 8);
  return `${text(0, bestStart)}::${text(bestStart + bestLength, 8)}`;
}
