/** Within a decade: no two neighbours are more than a fifth apart, and the round figures that people ask for are among them. */
const steps = [1, 1.2, 1.4, 1.6, 1.8, 2, 2.25, 2.5, 2.75, 3, 3.5, 4, 4.5, 5, 5.5, 6, 7, 8, 9];

/** Upper bounds of the buckets, in milliseconds, ascending: 0.01 ms to 90 s; what is longer goes into one more. */
const boundsMs: readonly number[] = [0.01, 0.1, 1, 10, 100, 1000, 10_000].flatMap((decade) =>
  steps.map((step) => Number((step * decade).toPrecision(3))),
);

/** How long things took. Taking a duration in costs a search among 133 numbers and allocates nothing. */
export class DurationHistogram {
  readonly #counts = new Float64Array(boundsMs.length + 1);
  #count = 0;
  #sumMs = 0;
  #maximumMs = 0;

  get count(): number {
    return this.#count;
  }
  get sumMs(): number {
    return this.#sumMs;
  }
  /** Exact; 0 while nothing was recorded. */
  get maximumMs(): number {
    return this.#maximumMs;
  }

  record(durationMs: number): void {
    let low = 0;
    let high = boundsMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (durationMs <= (boundsMs[middle] as number)) high = middle;
      else low = middle + 1;
    }
    (this.#counts[low] as number)++;
    this.#count++;
    this.#sumMs += durationMs;
    if (durationMs > this.#maximumMs) this.#maximumMs = durationMs;
  }

  /**
   * The duration that a share of all did not exceed, rounded up to the next bound, less than a fifth away, but never past
   * the longest. 0 while nothing was recorded. @param share 0..1
   */
  quantileMs(share: number): number {
    const wanted = share * this.#count;
    let seen = 0;
    for (const [bucket, boundMs] of boundsMs.entries()) {
      seen += this.#counts[bucket] as number;
      if (seen >= wanted) return Math.min(boundMs, this.#maximumMs);
    }
    return this.#maximumMs;
  }

  /** How many took at most so long. @param boundMs one of the bounds of the buckets */
  countUpTo(boundMs: number): number {
    let seen = 0;
    for (const [bucket, bound] of boundsMs.entries()) {
      if (bound > boundMs) break;
      seen += this.#counts[bucket] as number;
    }
    return seen;
  }

  /** Takes in all that another has recorded. */
  add(other: DurationHistogram): void {
    for (const [bucket, count] of other.#counts.entries()) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + count;
    }
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#maximumMs = Math.max(this.#maximumMs, other.#maximumMs);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sumMs = 0;
    this.#maximumMs = 0;
  }
}
