const step = 16;
/** Places in a slab, `step` octets each. */
const placeBits = 16;
const placeMask = (1 << placeBits) - 1;
const slabOctets = step << placeBits;

/** Steps that a string takes; at least one, since a free place holds the number of the next. */
function stepsOf(length: number): number {
  return Math.max(1, (length + step - 1) >>> 4);
}

/**
 * Many small octet strings in few large buffers. An `Uint8Array` of its own costs some hundred octets a piece; here a
 * string costs its length rounded up to 16. Freed places are reused for strings of the same number of steps.
 */
export class OctetArena {
  #slabs: Uint8Array[] = [];
  /** Places given out in the last slab. */
  #used = 1 << placeBits;
  /** First free place + 1, or 0, by number of steps. */
  #free: number[] = [];

  /** Octets of memory held. */
  get bytes(): number {
    return this.#slabs.length * slabOctets;
  }

  /** Copies `octets[start..end)` (at most 65535 octets) in and returns its place. */
  store(octets: Uint8Array, start: number, end: number): number {
    const steps = stepsOf(end - start);
    const place = this.#reuse(steps) ?? this.#extend(steps);
    const slab = this.slab(place);
    for (let at = start, to = this.offset(place); at < end; at++, to++) {
      slab[to] = octets[at] as number;
    }
    return place;
  }

  #reuse(steps: number): number | undefined {
    const entry = this.#free[steps] ?? 0;
    if (entry === 0) return undefined;
    const slab = this.slab(entry - 1);
    const at = this.offset(entry - 1);
    this.#free[steps] =
      ((slab[at] as number) << 24) |
      ((slab[at + 1] as number) << 16) |
      ((slab[at + 2] as number) << 8) |
      (slab[at + 3] as number);
    return entry - 1;
  }

  #extend(steps: number): number {
    if (this.#used + steps > 1 << placeBits) {
      this.#slabs.push(new Uint8Array(slabOctets));
      this.#used = 0;
    }
    const place = ((this.#slabs.length - 1) << placeBits) + this.#used;
    this.#used += steps;
    return place;
  }

  /** Gives a place back; `length` is that of the string it holds. */
  free(place: number, length: number): void {
    const steps = stepsOf(length);
    while (steps >= this.#free.length) this.#free.push(0);
    const next = this.#free[steps] as number;
    const slab = this.slab(place);
    const at = this.offset(place);
    slab[at] = next >>> 24;
    slab[at + 1] = next >>> 16;
    slab[at + 2] = next >>> 8;
    slab[at + 3] = next;
    this.#free[steps] = place + 1;
  }

  /** The buffer that holds a place. */
  slab(place: number): Uint8Array {
    return this.#slabs[place >>> placeBits] as Uint8Array;
  }

  /** Where in its buffer a place starts. */
  offset(place: number): number {
    return (place & placeMask) * step;
  }

  /** Forgets every string and gives the memory back. */
  clear(): void {
    this.#slabs = [];
    this.#used = 1 << placeBits;
    this.#free = [];
  }
}
