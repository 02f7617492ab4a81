/** Segments: each grows by itself, so that no growth of a large table holds up everything else. */
const segmentBits = 6;
const segmentCount = 1 << segmentBits;
const segmentShift = 32 - segmentBits;

/** What all segments begin with, and never write to. */
const emptySegment = new Int32Array(2);

/** Slots of a segment that something is in, to begin with. */
const initialSlots = 16;

/** Up to here a segment grows fourfold, which halves the work of growing; beyond, twofold. */
const largeSlots = 1 << 15;

/**
 * Finds record numbers by a 32-bit hash: open addressing with linear probing, about half full at most. A slot holds the
 * hash beside the number, so that growing and deleting look at nothing else. The leading bits of the hash choose the
 * segment, those behind them the slot, so that growing reads and writes from front to back; deletion shifts back, so that
 * there are no tombstones.
 *
 *     for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
 *       if (isTheOne(index.record(slot, hash))) …
 *     }
 */
export class HashIndex {
  /** Pairs of hash and record + 1; 0 for an empty slot. */
  readonly #segments: Int32Array[] = Array.from({ length: segmentCount }, () => emptySegment);
  readonly #sizes = new Int32Array(segmentCount);

  /** Octets of memory held. */
  get bytes(): number {
    return this.#segments.reduce((bytes, { byteLength }) => bytes + byteLength, 0);
  }

  #segment(hash: number): Int32Array {
    return this.#segments[hash >>> segmentShift] as Int32Array;
  }

  /** The first slot whose hash is this one, or -1. */
  first(hash: number): number {
    const slots = this.#segment(hash);
    return seek(slots, homeOf(slots, hash), hash | 0);
  }

  /**
   * Looks at where `first` will begin for each of some hashes: nothing else is done between, so that the cache misses of
   * looking them up one by one happen at once. @returns nothing of meaning
   */
  touch(hashes: Int32Array, count: number): number {
    let seen = 0;
    for (let at = 0; at < count; at++) {
      const hash = hashes[at] as number;
      const slots = this.#segments[hash >>> segmentShift] as Int32Array;
      seen ^= slots[homeOf(slots, hash) * 2 + 1] as number;
    }
    return seen;
  }

  /** The next slot after `slot` whose hash is this one, or -1. */
  next(slot: number, hash: number): number {
    const slots = this.#segment(hash);
    return seek(slots, (slot + 1) & maskOf(slots), hash | 0);
  }

  /** The record in a slot that `first` or `next` has given for this hash. */
  record(slot: number, hash: number): number {
    return (this.#segment(hash)[slot * 2 + 1] as number) - 1;
  }

  add(hash: number, record: number): void {
    const segment = hash >>> segmentShift;
    let slots = this.#segments[segment] as Int32Array;
    const size = ++(this.#sizes[segment] as number);
    // Some grow earlier, some later, so that their growth is spread over time.
    if (size * 2 > maskOf(slots) * (1 + (segment & 15) / 64)) {
      slots = this.#segments[segment] = grown(slots);
    }
    put(slots, hash, record + 1);
  }

  /** Forgets a record that was added with this hash. */
  remove(hash: number, record: number): void {
    const slots = this.#segment(hash);
    const mask = maskOf(slots);
    let hole = this.first(hash);
    while (slots[hole * 2 + 1] !== record + 1) hole = this.next(hole, hash);
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot * 2 + 1] as number;
      if (entry === 0) break;
      // An entry may move into the hole unless its own place lies cyclically between the hole and where it is.
      const home = homeOf(slots, slots[slot * 2] as number);
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole * 2] = slots[slot * 2] as number;
        slots[hole * 2 + 1] = entry;
        hole = slot;
      }
    }
    slots[hole * 2 + 1] = 0;
    (this.#sizes[hash >>> segmentShift] as number)--;
  }

  /** Forgets all and gives the memory back. */
  clear(): void {
    for (let segment = 0; segment < segmentCount; segment++) this.#segments[segment] = emptySegment;
    this.#sizes.fill(0);
  }
}

function maskOf(slots: Int32Array): number {
  return (slots.length >>> 1) - 1;
}

/** Where a hash belongs: its bits behind those that choose the segment, as many as the mask has. */
function homeOf(slots: Int32Array, hash: number): number {
  return ((hash << segmentBits) >>> 1) >>> (Math.clz32(maskOf(slots)) - 1);
}

function seek(slots: Int32Array, from: number, hash: number): number {
  const mask = maskOf(slots);
  for (let slot = from; ; slot = (slot + 1) & mask) {
    if (slots[slot * 2 + 1] === 0) return -1;
    if (slots[slot * 2] === hash) return slot;
  }
}

function put(slots: Int32Array, hash: number, entry: number): void {
  const mask = maskOf(slots);
  let slot = homeOf(slots, hash);
  while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
  slots[slot * 2] = hash;
  slots[slot * 2 + 1] = entry;
}

function grown(old: Int32Array): Int32Array {
  const count = old.length / 2;
  const wanted = count >= largeSlots ? count * 2 : count * 4;
  const slots = new Int32Array(Math.max(wanted, initialSlots) * 2);
  for (let at = 0; at < old.length; at += 2) {
    const entry = old[at + 1] as number;
    if (entry !== 0) put(slots, old[at] as number, entry);
  }
  return slots;
}
