/** Raised by `Reader` when a read would pass its end: the one way that truncated input shows. */
export class ShortReadError extends Error {
  override readonly name = "ShortReadError";
  readonly offset: number;
  readonly wanted: number;
  readonly remaining: number;

  constructor(offset: number, wanted: number, remaining: number) {
    super(`${wanted} octets wanted at offset ${offset}, ${remaining} left`);
    this.offset = offset;
    this.wanted = wanted;
    this.remaining = remaining;
  }
}

/**
 * A bounds-checked cursor over octets in network byte order. Every read either returns whole data or throws
 * `ShortReadError`; slices are views on the same memory.
 */
export class Reader {
  readonly octets: Uint8Array;
  readonly end: number;
  offset: number;

  constructor(octets: Uint8Array, start = 0, end: number = octets.length) {
    this.octets = octets;
    this.offset = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  #take(count: number): number {
    const at = this.offset;
    if (count > this.end - at) throw new ShortReadError(at, count, this.end - at);
    this.offset = at + count;
    return at;
  }

  uint8(): number {
    return this.octets[this.#take(1)] as number;
  }

  uint16(): number {
    const at = this.#take(2);
    return ((this.octets[at] as number) << 8) | (this.octets[at + 1] as number);
  }

  uint32(): number {
    const at = this.#take(4);
    const octets = this.octets;
    return (
      (((octets[at] as number) << 24) |
        ((octets[at + 1] as number) << 16) |
        ((octets[at + 2] as number) << 8) |
        (octets[at + 3] as number)) >>>
      0
    );
  }

  /** A view of the next `count` octets. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.octets.subarray(at, at + count);
  }

  /** A cursor of its own over the next `count` octets, which this one skips. */
  slice(count: number): Reader {
    const at = this.#take(count);
    return new Reader(this.octets, at, at + count);
  }

  /** A view of everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }
}
