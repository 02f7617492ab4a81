/** How long to wait until the next attempt: each time twice as long, up to a maximum, until one goes well. */
export class BackOff {
  readonly #firstMs: number;
  readonly #maximumMs: number;
  #nextMs: number;

  constructor(firstMs: number, maximumMs: number) {
    this.#firstMs = firstMs;
    this.#maximumMs = maximumMs;
    this.#nextMs = firstMs;
  }

  /** A wait begins: of so many milliseconds. */
  next(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(2 * delayMs, this.#maximumMs);
    return delayMs;
  }

  /** An attempt went well. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
