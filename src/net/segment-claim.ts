import { extendedCommunityOctets } from "./extended-community.ts";
import { formatIpAddress, ipVersionOf, parseIpAddress } from "./ip-address.ts";
import { type Prefix, prefixFromOctets } from "./prefix.ts";

/** What a node says, along with its pod CIDRs, of the segment that its address is on. */
export interface SegmentClaim {
  /** The address, canonical: the next hop of its routes. */
  readonly address: string;
  /** The subnet that it stands in. */
  readonly subnet: Prefix;
  /** Neighbours that it asks for there in vain, by `neighbourName`. */
  readonly unheard: readonly string[];
}

/**
 * Extended communities that say so, of a type for experiments that is passed on from AS to AS (RFC 7153). Beside type and
 * sub-type they have
 *
 * - SUBNET: the mask's length, 0, and the last four octets of the address, so that whoever puts another next hop into the
 *   route does not lend that one a claim;
 * - UNHEARD: two octets of 0 and a neighbour's IPv4 address, or the last six octets of its IPv6 address: neighbours of one
 *   segment mostly have the rest in common, and where two are taken for each other a path is a tunnel needlessly.
 */
const TYPE = 0x88;
const SubType = {
  4: { subnet: 0x04, unheard: 0x14 },
  6: { subnet: 0x06, unheard: 0x16 },
} as const;
const SUBNET_TAIL = 4;
const UNHEARD_TAIL = 6;

/** No more are named: whoever does not hear so many has another problem. */
export const maximumUnheard = 64;

/** How a claim names a neighbour: an IPv4 address, or the end of an IPv6 address, `::3:2:1`. @param address canonical */
export function neighbourName(address: string): string {
  const octets = parseIpAddress(address);
  return octets === undefined ? address : nameOf(octets);
}

function nameOf(octets: Uint8Array): string {
  if (octets.length === 4) return formatIpAddress(octets);
  const tail = new Uint8Array(16);
  tail.set(octets.subarray(-UNHEARD_TAIL), 16 - UNHEARD_TAIL);
  return formatIpAddress(tail);
}

/** @param length of the mask of the node's address @param unheard addresses, or names, of neighbours of the same IP version */
export function encodeSegmentClaim(
  address: string,
  length: number,
  unheard: readonly string[],
): Uint8Array[] {
  const octets = parseIpAddress(address);
  if (octets === undefined) return [];
  const { subnet, unheard: named } = SubType[octets.length === 4 ? 4 : 6];
  const silent = unheard
    .map((neighbour) => parseIpAddress(neighbour))
    .filter((neighbour) => neighbour?.length === octets.length)
    .map((neighbour) => community(named, [], (neighbour as Uint8Array).subarray(-UNHEARD_TAIL)));
  return [
    community(subnet, [length], octets.subarray(-SUBNET_TAIL)),
    ...silent.sort(compareOctets).slice(0, maximumUnheard),
  ];
}

/** `head` right behind the sub-type, `tail` at the end. */
function community(subType: number, head: readonly number[], tail: Uint8Array): Uint8Array {
  const octets = new Uint8Array(extendedCommunityOctets);
  octets.set([TYPE, subType, ...head]);
  octets.set(tail, extendedCommunityOctets - tail.length);
  return octets;
}

function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((octet, index) => octet !== b[index]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}

/**
 * The claim of a next hop, if the communities of a route that leads there bear one. Of several masks the longest counts.
 * @param absurd is told of what makes no sense, and is left out
 */
export function decodeSegmentClaim(
  nextHop: string,
  communities: readonly Uint8Array[],
  absurd: (text: string) => void = () => {},
): SegmentClaim | undefined {
  const octets = parseIpAddress(nextHop);
  const version = ipVersionOf(nextHop);
  if (octets === undefined || version === undefined) return undefined;
  const { subnet, unheard: named } = SubType[version];
  const own = communities.filter(([type]) => type === TYPE);
  let length = 0;
  for (const one of own) {
    if (one[1] !== subnet || !endsAlike(one, octets, SUBNET_TAIL)) continue;
    const said = one[2] as number;
    if (said === 0 || said > octets.length * 8) absurd(`${nextHop} has a mask of ${said} bits`);
    else length = Math.max(length, said);
  }
  if (length === 0) return undefined;
  const unheard = own.filter((one) => one[1] === named).slice(0, maximumUnheard);
  return {
    address: nextHop,
    subnet: prefixFromOctets(octets, length),
    unheard: unheard.map((one) => nameOf(tailOf(one, version))),
  };
}

function endsAlike(a: Uint8Array, b: Uint8Array, count: number): boolean {
  const end = b.subarray(-count);
  return a.subarray(-count).every((octet, index) => octet === end[index]);
}

function tailOf(one: Uint8Array, version: 4 | 6): Uint8Array {
  if (version === 4) return one.slice(-4);
  const octets = new Uint8Array(16);
  octets.set(one.subarray(-UNHEARD_TAIL), 16 - UNHEARD_TAIL);
  return octets;
}
