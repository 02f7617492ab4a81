import { type IpVersion, formatIpv4 } from "../../net/ip-address.ts";
import { type Prefix, prefixFromOctets } from "../../net/prefix.ts";
import { Records } from "./columns.ts";
import { HashIndex } from "./hash-index.ts";

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
  /** The prefix that is looked up, masked. */
  readonly #key: Int32Array;

  constructor(version: IpVersion) {
    this.version = version;
    this.#words = version === 4 ? 1 : 4;
    this.#prefixes = new Records(this.#words + 1);
    this.#key = new Int32Array(this.#words);
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

  #loadKey(octets: Uint8Array, offset: number, lengthBits: number): void {
    // The octets are NLRI: only ceil(length / 8) of them exist, and bits past the length mean nothing (RFC 4271 §4.3).
    for (let word = 0; word < this.#words; word++) {
      const bits = lengthBits - word * 32;
      let value = 0;
      if (bits > 0) {
        const at = offset + word * 4;
        value = (octets[at] as number) << 24;
        if (bits > 8) value |= (octets[at + 1] as number) << 16;
        if (bits > 16) value |= (octets[at + 2] as number) << 8;
        if (bits > 24) value |= octets[at + 3] as number;
        if (bits < 32) value &= -1 << (32 - bits);
      }
      this.#key[word] = value;
    }
  }

  #hash(words: Int32Array, base: number, lengthBits: number): number {
    let hash = Math.imul((words[base] as number) ^ Math.imul(lengthBits, 0x9e3779b1), 0x85ebca6b);
    for (let word = 1; word < this.#words; word++) {
      hash = Math.imul(hash ^ (hash >>> 15) ^ (words[base + word] as number), 0xc2b2ae35);
    }
    hash ^= hash >>> 13;
    hash = Math.imul(hash, 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  #equalsKey(id: number, lengthBits: number): boolean {
    const page = this.#prefixes.page(id);
    const at = this.#prefixes.at(id);
    for (let word = 0; word < this.#words; word++) {
      if (page[at + word] !== this.#key[word]) return false;
    }
    return page[at + this.#words] === lengthBits;
  }

  #findKey(hash: number, lengthBits: number): number {
    const index = this.#index;
    for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
      const id = index.record(slot);
      if (this.#equalsKey(id, lengthBits)) return id;
    }
    return -1;
  }

  /** The id of the prefix whose NLRI octets start at `offset`, or -1. */
  find(octets: Uint8Array, offset: number, lengthBits: number): number {
    this.#loadKey(octets, offset, lengthBits);
    return this.#findKey(this.#hash(this.#key, 0, lengthBits), lengthBits);
  }

  /** The id of the prefix whose NLRI octets start at `offset`, which is added if it is new. */
  intern(octets: Uint8Array, offset: number, lengthBits: number): number {
    this.#loadKey(octets, offset, lengthBits);
    const hash = this.#hash(this.#key, 0, lengthBits);
    const found = this.#findKey(hash, lengthBits);
    if (found >= 0) return found;
    const id = this.#allocate();
    const page = this.#prefixes.page(id);
    const at = this.#prefixes.at(id);
    for (let word = 0; word < this.#words; word++) page[at + word] = this.#key[word] as number;
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
    this.#index.remove(this.#hash(page, at, page[at + this.#words] as number), id);
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
