import type { Packet } from "./packet.ts";

const EtherType = { ipv4: 0x0800, ipv6: 0x86dd } as const;
/** 802.1Q, 802.1ad, and what came before that. */
const vlanTypes: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);

/** Where a link type's packets have their EtherType. */
const etherTypeOffsets: ReadonlyMap<number, number> = new Map([
  [1, 12], // Ethernet
  [113, 14], // Linux cooked v1
]);

/** Octets before the IP packet, for link types that carry nothing else (or say so in a header that tells no more than IP's version). */
const bareLinkTypes: ReadonlyMap<number, number> = new Map([
  [0, 4], // BSD loopback
  [12, 0], // raw IP, as several systems write it
  [14, 0],
  [101, 0], // raw IP
  [108, 4], // OpenBSD loopback
  [228, 0], // raw IPv4
  [229, 0], // raw IPv6
]);

/** Linux cooked v2 begins with the EtherType. */
const linuxCooked2 = 276;
const linuxCooked2Octets = 20;

/** Is this a link type whose packets can be read? */
export function isKnownLinkType(linkType: number): boolean {
  return etherTypeOffsets.has(linkType) || bareLinkTypes.has(linkType) || linkType === linuxCooked2;
}

/** A view of the IP packet in a link's packet; `undefined` when there is none. */
export function ipPacketOf({ linkType, octets }: Packet): Uint8Array | undefined {
  const bare = bareLinkTypes.get(linkType);
  if (bare !== undefined) return octets.subarray(bare);
  if (linkType === linuxCooked2) {
    return isIp(uint16(octets, 0)) ? octets.subarray(linuxCooked2Octets) : undefined;
  }
  let at = etherTypeOffsets.get(linkType);
  if (at === undefined) return undefined;
  while (vlanTypes.has(uint16(octets, at))) at += 4;
  return isIp(uint16(octets, at)) ? octets.subarray(at + 2) : undefined;
}

function isIp(etherType: number): boolean {
  return etherType === EtherType.ipv4 || etherType === EtherType.ipv6;
}

/** 0 past the end. */
function uint16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}
