/** The prefixes of a run, numbered from 0. Number and prefix follow from each other, so that nobody keeps a table of them. */
export interface Universe {
  /** The 32-bit address of prefix `index`. */
  address(index: number): number;
  lengthBits(index: number): number;
  /** The number of the prefix whose address octets start at `offset`, or -1 if it is none of ours. */
  indexOf(octets: Uint8Array, offset: number, lengthBits: number): number;
}

/** 20.0.0.0, from where on the prefixes lie. */
const base = 20 * 2 ** 24;

/** 24 bits of an address, as a number. */
function threeOctets(octets: Uint8Array, offset: number): number {
  return (
    ((octets[offset] as number) << 16) |
    ((octets[offset + 1] as number) << 8) |
    (octets[offset + 2] as number)
  );
}

/** Pod blocks: one /26 after the other. */
export const podBlocks: Universe = {
  address: (index) => base + index * 64,
  lengthBits: () => 26,
  indexOf(octets, offset, lengthBits) {
    const last = octets[offset + 3] as number;
    if (lengthBits !== 26 || (last & 63) !== 0) return -1;
    return ((threeOctets(octets, offset) * 256 + last - base) / 64) | 0;
  },
};

/**
 * What a full table is made of: in each /18 sixteen prefixes that do not overlap, of which ten are /24. By place: the /24s
 * that come before it, and its length.
 */
const places = [
  [0, 20],
  [16, 21],
  [24, 22],
  [28, 22],
  [32, 23],
  [34, 23],
  ...Array.from({ length: 10 }, (_, index): [number, number] => [36 + index, 24]),
] as const;
const placeStart = Uint8Array.from(places, ([start]) => start);
const placeLength = Uint8Array.from(places, ([, lengthBits]) => lengthBits);
/** Which place starts at a /24 of its /18, or -1. */
const placeAt = new Int8Array(64).fill(-1);
places.forEach(([start], place) => (placeAt[start] = place));

/** An internet table: /20 to /24, 62 % of them /24. */
export const fullTable: Universe = {
  address: (index) => base + (index >>> 4) * 0x4000 + (placeStart[index & 15] as number) * 256,
  lengthBits: (index) => placeLength[index & 15] as number,
  indexOf(octets, offset, lengthBits) {
    const network = threeOctets(octets, offset) - base / 256;
    const place = placeAt[network & 63] as number;
    if (place < 0 || placeLength[place] !== lengthBits) return -1;
    return (network >> 6) * 16 + place;
  },
};

/** 10.1.0.0, from where on the peers' own addresses lie. */
const peerBase = 0x0a01_0000;

/** The 32-bit address and BGP identifier of peer `index`: 10.1.0.1 to 10.1.0.250, then 10.1.1.1 and so on. */
export function peerAddress(index: number): number {
  return peerBase + Math.floor(index / 250) * 256 + (index % 250) + 1;
}

/** The peer that has this address, or -1. */
export function peerOfAddress(address: number): number {
  const low = (address & 255) - 1;
  if (address < peerBase || low < 0 || low >= 250) return -1;
  return ((address - peerBase) >>> 8) * 250 + low;
}

export function dotted(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join(".");
}
