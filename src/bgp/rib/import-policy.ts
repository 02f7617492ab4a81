import { parsePrefix, type Prefix } from "../../net/prefix.ts";
import type { PrefixTable } from "./prefix-table.ts";

/**
 * What is never a destination for anybody's pods (RFC 6890, RFC 5735): refused where no pools are declared.
 */
const martians: readonly Prefix[] = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/128",
  "::1/128",
  "::ffff:0:0/96",
  "fe80::/10",
  "ff00::/8",
].map((text) => parsePrefix(text) as Prefix);

interface Range {
  readonly version: 4 | 6;
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
  return { version: prefix.version, length: prefix.length, words, masks };
}

function isInside(range: Range, table: PrefixTable, id: number): boolean {
  if (range.version !== table.version || table.lengthBits(id) < range.length) return false;
  return range.words.every(
    (word, index) => (table.word(id, index) & (range.masks[index] as number)) >>> 0 === word,
  );
}

/** Which prefixes are accepted from a peer. */
export class ImportPolicy {
  readonly #accepted: readonly Range[] | undefined;
  readonly #refused: readonly Range[];

  /**
   * @param accepted prefixes inside one of these; `any` accepts everything but martians
   * @param never prefixes inside one of these are refused all the same
   */
  constructor(accepted: readonly Prefix[] | "any", never: readonly Prefix[] = []) {
    this.#accepted = accepted === "any" ? undefined : accepted.map(rangeOf);
    this.#refused = [...(accepted === "any" ? martians : []), ...never].map(rangeOf);
  }

  accepts(table: PrefixTable, id: number): boolean {
    for (const range of this.#refused) {
      if (isInside(range, table, id)) return false;
    }
    if (this.#accepted === undefined) return true;
    for (const range of this.#accepted) {
      if (isInside(range, table, id)) return true;
    }
    return false;
  }
}
