/** Octets that arrived and are not read yet, in one piece. */
export class OctetQueue {
  #octets = new Uint8Array(4096);
  #start = 0;
  #end = 0;
  /** How many were taken off the front in all. */
  #offset = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Where the front stands in the file. */
  get offset(): number {
    return this.#offset;
  }

  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#octets.length) this.#makeRoom(chunk.length);
    this.#octets.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #makeRoom(count: number): void {
    const needed = this.length + count;
    const roomy = needed * 2 > this.#octets.length ? new Uint8Array(needed * 2) : this.#octets;
    roomy.set(this.#octets.subarray(this.#start, this.#end));
    this.#octets = roomy;
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** A view of the first `count`, valid until the next `push`; `undefined` when there are fewer. */
  peek(count: number): Uint8Array | undefined {
    if (count > this.length) return undefined;
    return this.#octets.subarray(this.#start, this.#start + count);
  }

  /** Takes off `count`, which must be there. */
  skip(count: number): void {
    this.#start += count;
    this.#offset += count;
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.skip(this.length);
  }
}
