import { type IpVersion, formatIpv4 } from "../../net/ip-address.ts";
import { type Prefix, prefixFromOctets } from "../../net/prefix.ts";
import { bytesOf } from "./columns.ts";

const initialCapacity = 1024;

/**
 * Prefixes as small integers: an open-addressing hash on typed arrays. An id names one prefix until it is released; ids
 * are dense, so that other columns can be indexed by them.
 *
 * IPv4 takes one 32-bit word a prefix, IPv6 four. Linear probing at a load of at most one half; deletion shifts back,
 * so that there are no tombstones.
 */
export class PrefixTable {
  readonly version: IpVersion;
  readonly #words: 1 | 4;
  #address: Uint32Array;
  #length: Uint8Array;
  /** id + 1, or 0 for an empty slot. */
  #slots: Int32Array;
  #mask: number;
  #free: number[] = [];
  #end = 0;
  #size = 0;
  /** The prefix that is looked up, masked. */
  readonly #key: Uint32Array;

  constructor(version: IpVersion) {
    this.version = version;
    this.#words = version === 4 ? 1 : 4;
    this.#address = new Uint32Array(initialCapacity * this.#words);
    this.#length = new Uint8Array(initialCapacity);
    this.#slots = new Int32Array(initialCapacity * 2);
    this.#mask = this.#slots.length - 1;
    this.#key = new Uint32Array(this.#words);
  }

  /** Prefixes in the table. */
  get size(): number {
    return this.#size;
  }

  /** One more than the greatest id that was ever given out. */
  get end(): number {
    return this.#end;
  }

  /** Octets that the columns occupy. */
  get bytes(): number {
    return bytesOf(this.#address, this.#length, this.#slots, this.#free);
  }

  /** Length in bits of a prefix. */
  lengthBits(id: number): number {
    return this.#length[id] as number;
  }

  /** The 32-bit word `index` (0..3) of a prefix's address. */
  word(id: number, index: number): number {
    return this.#address[id * this.#words + index] as number;
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

  #hash(words: Uint32Array, base: number, lengthBits: number): number {
    let hash = Math.imul((words[base] as number) ^ Math.imul(lengthBits, 0x9e3779b1), 0x85ebca6b);
    for (let word = 1; word < this.#words; word++) {
      hash = Math.imul(hash ^ (hash >>> 15) ^ (words[base + word] as number), 0xc2b2ae35);
    }
    hash ^= hash >>> 13;
    hash = Math.imul(hash, 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & this.#mask;
  }

  #equals(id: number, lengthBits: number): boolean {
    if (this.#length[id] !== lengthBits) return false;
    const base = id * this.#words;
    for (let word = 0; word < this.#words; word++) {
      if (this.#address[base + word] !== this.#key[word]) return false;
    }
    return true;
  }

  /** The id of the prefix whose NLRI octets start at `offset`, or -1. */
  find(octets: Uint8Array, offset: number, lengthBits: number): number {
    this.#loadKey(octets, offset, lengthBits);
    let slot = this.#hash(this.#key, 0, lengthBits);
    for (;;) {
      const entry = this.#slots[slot] as number;
      if (entry === 0) return -1;
      if (this.#equals(entry - 1, lengthBits)) return entry - 1;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** The id of the prefix whose NLRI octets start at `offset`, which is added if it is new. */
  intern(octets: Uint8Array, offset: number, lengthBits: number): number {
    this.#loadKey(octets, offset, lengthBits);
    let slot = this.#hash(this.#key, 0, lengthBits);
    for (;;) {
      const entry = this.#slots[slot] as number;
      if (entry === 0) break;
      if (this.#equals(entry - 1, lengthBits)) return entry - 1;
      slot = (slot + 1) & this.#mask;
    }
    const id = this.#allocate();
    const base = id * this.#words;
    for (let word = 0; word < this.#words; word++) {
      this.#address[base + word] = this.#key[word] as number;
    }
    this.#length[id] = lengthBits;
    this.#slots[slot] = id + 1;
    this.#size++;
    if (this.#size * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    return id;
  }

  #allocate(): number {
    const recycled = this.#free.pop();
    if (recycled !== undefined) return recycled;
    const id = this.#end++;
    if (id === this.#length.length) {
      const address = new Uint32Array(this.#address.length * 2);
      address.set(this.#address);
      this.#address = address;
      const length = new Uint8Array(this.#length.length * 2);
      length.set(this.#length);
      this.#length = length;
    }
    return id;
  }

  #rehash(slotCount: number): void {
    const old = this.#slots;
    this.#slots = new Int32Array(slotCount);
    this.#mask = slotCount - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      let slot = this.#slotOf(entry - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = entry;
    }
  }

  #slotOf(id: number): number {
    return this.#hash(this.#address, id * this.#words, this.#length[id] as number);
  }

  /** Forgets a prefix; its id will name another one. */
  release(id: number): void {
    let hole = this.#slotOf(id);
    while (this.#slots[hole] !== id + 1) hole = (hole + 1) & this.#mask;
    let slot = hole;
    for (;;) {
      slot = (slot + 1) & this.#mask;
      const entry = this.#slots[slot] as number;
      if (entry === 0) break;
      // An entry may move into the hole unless its own slot lies cyclically between the hole and where it is.
      const home = this.#slotOf(entry - 1);
      if (((slot - home) & this.#mask) >= ((slot - hole) & this.#mask)) {
        this.#slots[hole] = entry;
        hole = slot;
      }
    }
    this.#slots[hole] = 0;
    this.#free.push(id);
    this.#size--;
  }

  /** Writes a prefix as NLRI (length octet and address octets) and returns the offset behind it. */
  writeNlri(id: number, into: Uint8Array, offset: number): number {
    const lengthBits = this.#length[id] as number;
    into[offset] = lengthBits;
    let at = offset + 1;
    const base = id * this.#words;
    for (let octet = 0; octet * 8 < lengthBits; octet++) {
      into[at++] = (this.#address[base + (octet >>> 2)] as number) >>> (24 - (octet & 3) * 8);
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
