import { martianPrefixes } from "../../net/martians.ts";
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

function isInside(range: Range, table: PrefixTable, id: number): boolean {
  if (table.lengthBits(id) < range.length) return false;
  const { words, masks } = range;
  for (let index = 0; index < words.length; index++) {
    if ((table.word(id, index) & (masks[index] as number)) >>> 0 !== words[index]) return false;
  }
  return true;
}

/** Judged for every prefix of every UPDATE: plain loops over the ranges of the table's IP version. */
function isInsideAny(ranges: Ranges, table: PrefixTable, id: number): boolean {
  const list = table.version === 4 ? ranges.ipv4 : ranges.ipv6;
  for (let index = 0; index < list.length; index++) {
    if (isInside(list[index] as Range, table, id)) return true;
  }
  return false;
}

interface Ranges {
  readonly ipv4: readonly Range[];
  readonly ipv6: readonly Range[];
}

function rangesOf(prefixes: readonly Prefix[]): Ranges {
  return {
    ipv4: prefixes.filter(({ version }) => version === 4).map(rangeOf),
    ipv6: prefixes.filter(({ version }) => version === 6).map(rangeOf),
  };
}

const martians = rangesOf(martianPrefixes);
const none = rangesOf([]);

/** Which prefixes are accepted from a peer. */
export class ImportPolicy {
  /** `undefined`: all but martians. */
  readonly #accepted: Ranges | undefined;
  readonly #refused: Ranges;

  /**
   * @param accepted prefixes inside one of these; `any` accepts everything but martians
   * @param never prefixes inside one of these are refused all the same
   */
  constructor(accepted: readonly Prefix[] | "any", never: readonly Prefix[] = []) {
    this.#accepted = accepted === "any" ? undefined : rangesOf(accepted);
    this.#refused = never.length === 0 ? none : rangesOf(never);
  }

  accepts(table: PrefixTable, id: number): boolean {
    const isTaken =
      this.#accepted === undefined
        ? !isInsideAny(martians, table, id)
        : isInsideAny(this.#accepted, table, id);
    return isTaken && !isInsideAny(this.#refused, table, id);
  }
}
