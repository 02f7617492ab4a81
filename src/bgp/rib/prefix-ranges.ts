import type { Prefix } from "../../net/prefix.ts";
import type { PrefixTable } from "./prefix-table.ts";

interface Range {
  readonly length: number;
  /** Address words and masks, as many as `length` reaches into. */
  readonly words: readonly number[];
  readonly masks: readonly number[];
}

function rangeOf(prefix: Prefix): Range {
  const words: number[] = [];
  const masks: number[] = [];
  for (let word = 0; word * 32 < prefix.length; word++) {
    const bits = Math.min(32, prefix.length - word * 32);
    masks.push((-1 << (32 - bits)) >>> 0);
    words.push(
      prefix.octets.subarray(word * 4, word * 4 + 4).reduce((sum, octet) => sum * 256 + octet, 0),
    );
  }
  return { length: prefix.length, words, masks };
}

/** Indexed by octet: 1 where prefixes that begin with it may be inside one of the ranges, otherwise 0. */
function firstOctets(ranges: readonly Range[]): Uint8Array {
  const octets = new Uint8Array(256);
  for (const {
    words: [word = 0],
    masks: [mask = 0],
  } of ranges) {
    for (let octet = 0; octet < 256; octet++) {
      if ((((octet << 24) ^ word) & mask) >>> 24 === 0) octets[octet] = 1;
    }
  }
  return octets;
}

function isInside(range: Range, table: PrefixTable, id: number): boolean {
  if (table.lengthBits(id) < range.length) return false;
  const { words, masks } = range;
  for (let index = 0; index < words.length; index++) {
    if ((table.word(id, index) & (masks[index] as number)) >>> 0 !== words[index]) return false;
  }
  return true;
}

/** Prefixes that others are looked for in. Asked for every prefix of every UPDATE: plain loops over those of the table's IP version. */
export class PrefixRanges {
  readonly #ipv4: readonly Range[];
  readonly #ipv6: readonly Range[];
  /** By the first octet of a prefix, whether there are ranges with it: mostly not, and nothing else is to be looked at. */
  readonly #ipv4Octets: Uint8Array;
  readonly #ipv6Octets: Uint8Array;

  /** `undefined` for no restriction, as which absent prefixes are taken. */
  static of(prefixes: readonly Prefix[] | undefined): PrefixRanges | undefined {
    return prefixes === undefined ? undefined : new PrefixRanges(prefixes);
  }

  constructor(prefixes: readonly Prefix[]) {
    this.#ipv4 = prefixes.filter(({ version }) => version === 4).map(rangeOf);
    this.#ipv6 = prefixes.filter(({ version }) => version === 6).map(rangeOf);
    this.#ipv4Octets = firstOctets(this.#ipv4);
    this.#ipv6Octets = firstOctets(this.#ipv6);
  }

  /** Is the prefix one of them, or inside one? */
  hold(table: PrefixTable, id: number): boolean {
    const octets = table.version === 4 ? this.#ipv4Octets : this.#ipv6Octets;
    if (octets[table.word(id, 0) >>> 24] === 0) return false;
    const ranges = table.version === 4 ? this.#ipv4 : this.#ipv6;
    for (let index = 0; index < ranges.length; index++) {
      if (isInside(ranges[index] as Range, table, id)) return true;
    }
    return false;
  }
}
