const initialSlots = 2048;

/** Up to here the index grows fourfold, which halves the work of growing; beyond, twofold. */
const largeOctets = 16 * 1024 * 1024;

/**
 * Finds record numbers by a 32-bit hash: open addressing with linear probing, at a load of at most one half. A slot holds
 * the hash beside the number, so that growing and deleting look at nothing else. The slot's place is the hash's leading
 * bits, so that growing reads and writes from front to back; deletion shifts back, so that there are no tombstones.
 *
 *     for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
 *       if (isTheOne(index.record(slot))) …
 *     }
 */
export class HashIndex {
  /** Pairs of hash and record + 1; 0 for an empty slot. */
  #slots = new Int32Array(initialSlots * 2);
  #mask = initialSlots - 1;
  #shift = 32 - Math.log2(initialSlots);
  #size = 0;

  /** Octets of memory held. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** The first slot whose hash is this one, or -1. */
  first(hash: number): number {
    return this.#seek(hash >>> this.#shift, hash | 0);
  }

  /** The next slot after `slot` whose hash is this one, or -1. */
  next(slot: number, hash: number): number {
    return this.#seek((slot + 1) & this.#mask, hash | 0);
  }

  #seek(from: number, hash: number): number {
    const slots = this.#slots;
    for (let slot = from; ; slot = (slot + 1) & this.#mask) {
      if (slots[slot * 2 + 1] === 0) return -1;
      if (slots[slot * 2] === hash) return slot;
    }
  }

  record(slot: number): number {
    return (this.#slots[slot * 2 + 1] as number) - 1;
  }

  add(hash: number, record: number): void {
    if (++this.#size > this.#mask >>> 1) this.#grow();
    this.#put(hash, record + 1);
  }

  #put(hash: number, entry: number): void {
    let slot = hash >>> this.#shift;
    while (this.#slots[slot * 2 + 1] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * 2] = hash;
    this.#slots[slot * 2 + 1] = entry;
  }

  #grow(): void {
    const old = this.#slots;
    const bits = old.length < largeOctets / 4 ? 2 : 1;
    this.#slots = new Int32Array(old.length << bits);
    this.#mask = this.#slots.length / 2 - 1;
    this.#shift -= bits;
    for (let at = 0; at < old.length; at += 2) {
      const entry = old[at + 1] as number;
      if (entry !== 0) this.#put(old[at] as number, entry);
    }
  }

  /** Forgets a record that was added with this hash. */
  remove(hash: number, record: number): void {
    const slots = this.#slots;
    let hole = this.first(hash);
    while (slots[hole * 2 + 1] !== record + 1) hole = this.next(hole, hash);
    for (let slot = (hole + 1) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = slots[slot * 2 + 1] as number;
      if (entry === 0) break;
      // An entry may move into the hole unless its own place lies cyclically between the hole and where it is.
      const home = (slots[slot * 2] as number) >>> this.#shift;
      if (((slot - home) & this.#mask) >= ((slot - hole) & this.#mask)) {
        slots[hole * 2] = slots[slot * 2] as number;
        slots[hole * 2 + 1] = entry;
        hole = slot;
      }
    }
    slots[hole * 2 + 1] = 0;
    this.#size--;
  }

  /** Forgets all and gives the memory back. */
  clear(): void {
    this.#slots = new Int32Array(initialSlots * 2);
    this.#mask = initialSlots - 1;
    this.#shift = 32 - Math.log2(initialSlots);
    this.#size = 0;
  }
}
