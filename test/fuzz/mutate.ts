import { headerOctets } from "../../src/bgp/iana.ts";
import type { PseudoRandom } from "./pseudo-random.ts";

/** Octets at which codecs go wrong: ends of ranges, lengths, flags. */
const interesting = [0, 1, 2, 3, 4, 14, 15, 16, 32, 33, 64, 127, 128, 129, 192, 254, 255];

type Mutation = (
  octets: Uint8Array,
  random: PseudoRandom,
  corpus: readonly Uint8Array[],
) => Uint8Array;

function set(octets: Uint8Array, at: number, octet: number): Uint8Array {
  if (octets.length > 0) octets[at] = octet;
  return octets;
}

/** A place behind the header, where there is any. */
function place(octets: Uint8Array, random: PseudoRandom): number {
  const start = octets.length > headerOctets && random.integer(8) > 0 ? headerOctets : 0;
  return start + random.integer(Math.max(1, octets.length - start));
}

function splice(octets: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  return Uint8Array.from([...octets.subarray(0, at), ...added, ...octets.subarray(at + removed)]);
}

function piece(octets: Uint8Array, random: PseudoRandom): Uint8Array {
  const start = place(octets, random);
  return octets.slice(start, start + 1 + random.integer(40));
}

const mutations: readonly Mutation[] = [
  (octets, random) => {
    const at = place(octets, random);
    return set(octets, at, (octets[at] ?? 0) ^ (1 << random.integer(8)));
  },
  (octets, random) => set(octets, place(octets, random), random.pick(interesting)),
  (octets, random) => set(octets, place(octets, random), random.integer(256)),
  (octets, random) =>
    splice(octets, place(octets, random), 1 + random.integer(8), new Uint8Array(0)),
  (octets, random) => {
    const added = Uint8Array.from({ length: 1 + random.integer(8) }, () => random.integer(256));
    return splice(octets, place(octets, random), 0, added);
  },
  (octets, random) => splice(octets, place(octets, random), 0, piece(octets, random)),
  (octets, random, corpus) =>
    splice(octets, place(octets, random), 0, piece(random.pick(corpus), random)),
  (octets, random) => octets.slice(0, place(octets, random)),
  // An AS path or a list of communities as long as a message can have them.
  (octets, random) => {
    const filler = new Uint8Array(1 + random.integer(4000)).fill(random.pick(interesting));
    return splice(octets, place(octets, random), 0, filler);
  },
];

function uint16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

/** Most of the time the header tells the truth, else nothing behind it would ever be read. */
function mendHeader(octets: Uint8Array, random: PseudoRandom): void {
  if (octets.length < headerOctets || random.integer(10) === 0) return;
  octets.fill(0xff, 0, 16);
  uint16(octets, 16, octets.length);
}

/** An UPDATE whose total lengths fit again: the attributes take up what the withdrawn routes leave. */
function mendUpdate(octets: Uint8Array, random: PseudoRandom): void {
  if (octets[18] !== 2 || octets.length < headerOctets + 4 || random.integer(2) === 0) return;
  uint16(octets, headerOctets, 0);
  const room = octets.length - headerOctets - 4;
  uint16(octets, headerOctets + 2, room - random.integer(Math.min(room, 12) + 1));
}

/** A message of the corpus with one to six things changed. */
export function mutate(corpus: readonly Uint8Array[], random: PseudoRandom): Uint8Array {
  let octets: Uint8Array = random.pick(corpus).slice();
  for (let left = 1 + random.integer(6); left > 0; left--) {
    octets = random.pick(mutations)(octets, random, corpus);
  }
  mendHeader(octets, random);
  mendUpdate(octets, random);
  return octets;
}
