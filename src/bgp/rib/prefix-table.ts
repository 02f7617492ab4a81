import { type IpVersion, formatIpv4 } from "../../net/ip-address.ts";
import { type Prefix, prefixFromOctets } from "../../net/prefix.ts";
import { Records } from "./columns.ts";
import { HashIndex } from "../../net/hash-index.ts";

/**
 * The 32-bit word at `at` of a prefix that has `bits` more bits from there on, the others zero. The octets are NLRI: only
 * ceil(length / 8) of them exist, and bits past the length mean nothing (RFC 4271 §4.3).
 */
function maskedWord(octets: Uint8Array, at: number, bits: number): number {
  if (bits <= 0) return 0;
  let word = (octets[at] as number) << 24;
  if (bits > 8) word |= (octets[at + 1] as number) << 16;
  if (bits > 16) word |= (octets[at + 2] as number) << 8;
  if (bits > 24) word |= octets[at + 3] as number;
  return bits < 32 ? word & (-1 << (32 - bits)) : word;
}

/** More at once do not fetch sooner. */
const mostExpected = 64;

/** Mixes a word into a hash so that all bits depend on all. */
function mix(hash: number, word: number): number {
  let mixed = Math.imul(word ^ Math.imul(hash, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/**
 * Prefixes as small integers, found by a hash of address and length. An id names one prefix until it is released; ids are
 * dense, so that records elsewhere can be numbered by them.
 */
export class PrefixTable {
  readonly version: IpVersion;
  /** 32-bit words of an address: 1 or 4. */
  readonly #words: 1 | 4;
  /** The address and behind it the length; of an id that is free, the next free one + 1. */
  readonly #prefixes: Records;
  readonly #index = new HashIndex();
  /** First free id + 1, or 0. */
  #free = 0;
  #end = 0;
  #size = 0;
  /** The words behind the first of the IPv6 address that is looked up, masked. */
  readonly #rest = new Int32Array(4);
  /** Hashes of the prefixes that will be looked up next. */
  readonly #expected = new Int32Array(mostExpected);
  #expectedCount = 0;

  constructor(version: IpVersion) {
    this.version = version;
    this.#words = version === 4 ? 1 : 4;
    this.#prefixes = new Records(this.#words + 1);
  }

  /** Prefixes in the table. */
  get size(): number {
    return this.#size;
  }

  /** One more than the greatest id in use. */
  get end(): number {
    return this.#end;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.#prefixes.bytes + this.#index.bytes;
  }

  /** Length in bits of a prefix. */
  lengthBits(id: number): number {
    return this.#prefixes.get(id, this.#words);
  }

  /** The 32-bit word `index` (0..3) of a prefix's address, unsigned. */
  word(id: number, index: number): number {
    return this.#prefixes.get(id, index) >>> 0;
  }

  #isPrefix(id: number, word: number, lengthBits: number): boolean {
    const page = this.#prefixes.page(id);
    const at = this.#prefixes.at(id);
    if (page[at] !== word || page[at + this.#words] !== lengthBits) return false;
    for (let index = 1; index < this.#words; index++) {
      if (page[at + index] !== this.#rest[index]) return false;
    }
    return true;
  }

  #findHash(hash: number, word: number, lengthBits: number): number {
    const index = this.#index;
    for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
      const id = index.record(slot, hash);
      if (this.#isPrefix(id, word, lengthBits)) return id;
    }
    return -1;
  }

  /** Reads the words behind the first into `#rest` and mixes them into a hash. */
  #readRest(octets: Uint8Array, offset: number, lengthBits: number, hash: number): number {
    let mixed = hash;
    for (let index = 1; index < this.#words; index++) {
      const word = maskedWord(octets, offset + index * 4, lengthBits - index * 32);
      this.#rest[index] = word;
      mixed = mix(mixed, word);
    }
    return mixed;
  }

  /** The id of the prefix whose NLRI octets start at `offset`, or -1. */
  find(octets: Uint8Array, offset: number, lengthBits: number): number {
    const word = maskedWord(octets, offset, lengthBits);
    let hash = mix(lengthBits, word);
    if (this.#words > 1) hash = this.#readRest(octets, offset, lengthBits, hash);
    return this.#findHash(hash, word, lengthBits);
  }

  /** Expects a prefix to be looked up soon; those that it has room for are, with `prefetch`, found sooner. */
  expect(octets: Uint8Array, offset: number, lengthBits: number): void {
    if (this.#expectedCount === mostExpected) return;
    let hash = mix(lengthBits, maskedWord(octets, offset, lengthBits));
    if (this.#words > 1) hash = this.#readRest(octets, offset, lengthBits, hash);
    this.#expected[this.#expectedCount++] = hash;
  }

  /** Has the processor fetch what will be read to look up the prefixes that are expected, all at once. */
  prefetch(): void {
    // Were what was read not kept, the reading might be left out.
    this.#expected[0] = this.#index.touch(this.#expected, this.#expectedCount);
    this.#expectedCount = 0;
  }

  /** The id of the prefix whose NLRI octets start at `offset`, which is added if it is new. */
  intern(octets: Uint8Array, offset: number, lengthBits: number): number {
    const word = maskedWord(octets, offset, lengthBits);
    let hash = mix(lengthBits, word);
    if (this.#words > 1) hash = this.#readRest(octets, offset, lengthBits, hash);
    const found = this.#findHash(hash, word, lengthBits);
    if (found >= 0) return found;
    const id = this.#allocate();
    const page = this.#prefixes.page(id);
    const at = this.#prefixes.at(id);
    page[at] = word;
    for (let index = 1; index < this.#words; index++) {
      page[at + index] = this.#rest[index] as number;
    }
    page[at + this.#words] = lengthBits;
    this.#index.add(hash, id);
    this.#size++;
    return id;
  }

  #allocate(): number {
    if (this.#free !== 0) {
      const id = this.#free - 1;
      this.#free = this.#prefixes.get(id, 0);
      return id;
    }
    this.#prefixes.reach(this.#end);
    return this.#end++;
  }

  /** Forgets a prefix; its id will name another one. With the last one all memory goes. */
  release(id: number): void {
    const page = this.#prefixes.page(id);
    const at = this.#prefixes.at(id);
    let hash: number = page[at + this.#words] as number;
    for (let index = 0; index < this.#words; index++) hash = mix(hash, page[at + index] as number);
    this.#index.remove(hash, id);
    page[at] = this.#free;
    this.#free = id + 1;
    if (--this.#size > 0) return;
    this.#prefixes.clear();
    this.#index.clear();
    this.#free = this.#end = 0;
  }

  /** Writes a prefix as NLRI (length octet and address octets) and returns the offset behind it. */
  writeNlri(id: number, into: Uint8Array, offset: number): number {
    const page = this.#prefixes.page(id);
    const base = this.#prefixes.at(id);
    const lengthBits = page[base + this.#words] as number;
    into[offset] = lengthBits;
    let at = offset + 1;
    for (let octet = 0; octet * 8 < lengthBits; octet++) {
      into[at++] = (page[base + (octet >>> 2)] as number) >>> (24 - (octet & 3) * 8);
    }
    return at;
  }

  /** The prefix as a value. */
  prefix(id: number): Prefix {
    const octets = new Uint8Array(this.#words * 4);
    for (let octet = 0; octet < octets.length; octet++) {
      octets[octet] = this.word(id, octet >>> 2) >>> (24 - (octet & 3) * 8);
    }
    return prefixFromOctets(octets, this.lengthBits(id));
  }

  /** The prefix as canonical text. */
  text(id: number): string {
    if (this.version === 4) return `${formatIpv4(this.word(id, 0))}/${this.lengthBits(id)}`;
    return this.prefix(id).text;
  }
}
