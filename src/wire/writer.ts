/** A growing buffer in network byte order, with lengths that are patched once their content is written. */
export class Writer {
  #octets: Uint8Array;
  #length = 0;

  constructor(initialOctets = 256) {
    this.#octets = new Uint8Array(initialOctets);
  }

  /** Octets written so far. */
  get length(): number {
    return this.#length;
  }

  #grow(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#octets.length) {
      const larger = new Uint8Array(Math.max(needed, this.#octets.length * 2));
      larger.set(this.#octets.subarray(0, at));
      this.#octets = larger;
    }
    this.#length = needed;
    return at;
  }

  uint8(value: number): this {
    const at = this.#grow(1);
    this.#octets[at] = value;
    return this;
  }

  uint16(value: number): this {
    const at = this.#grow(2);
    this.#octets[at] = value >>> 8;
    this.#octets[at + 1] = value;
    return this;
  }

  uint32(value: number): this {
    const at = this.#grow(4);
    this.#octets[at] = value >>> 24;
    this.#octets[at + 1] = value >>> 16;
    this.#octets[at + 2] = value >>> 8;
    this.#octets[at + 3] = value;
    return this;
  }

  bytes(octets: Uint8Array): this {
    const at = this.#grow(octets.length);
    this.#octets.set(octets, at);
    return this;
  }

  /** Reserves a one-octet length, runs `content`, then patches in how many octets it wrote. @throws RangeError above 255 */
  lengthUint8(content: () => void): this {
    const at = this.#grow(1);
    content();
    const length = this.#length - at - 1;
    if (length > 0xff) throw new RangeError(`${length} octets do not fit a one-octet length`);
    this.#octets[at] = length;
    return this;
  }

  /** Reserves a two-octet length, runs `content`, then patches in how many octets it wrote. @throws RangeError above 65535 */
  lengthUint16(content: () => void): this {
    const at = this.#grow(2);
    content();
    const length = this.#length - at - 2;
    if (length > 0xffff) throw new RangeError(`${length} octets do not fit a two-octet length`);
    this.#octets[at] = length >>> 8;
    this.#octets[at + 1] = length;
    return this;
  }

  /** Writes over a two-octet field that stands at `offset` already. */
  patchUint16(offset: number, value: number): void {
    this.#octets[offset] = value >>> 8;
    this.#octets[offset + 1] = value;
  }

  /** Forgets everything after `length`, to give up on something that did not fit. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#octets.slice(0, this.#length);
  }

  /** What was written, without a copy: valid until the next write. */
  view(): Uint8Array {
    return this.#octets.subarray(0, this.#length);
  }
}
