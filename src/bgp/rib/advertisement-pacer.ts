/** Time as the pacing of announcements needs it. */
export interface Pace {
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * MinRouteAdvertisementInterval, RFC 4271 §9.2.1.1, for an update group: prefixes whose announcement waits until the interval
 * since the last announcement of anything is over. That is more than the RFC asks, which means each destination by itself,
 * and bounds the wait by the interval, as it also asks. Withdrawals do not wait.
 */
export class AdvertisementPacer {
  readonly #intervalMs: number;
  readonly #pace: Pace;
  /** Those that wait for the interval. */
  #held = new Set<number>();
  /** Those for which it is over, and that have yet to be taken. */
  #due = new Set<number>();
  #dueMs = Number.NEGATIVE_INFINITY;
  /** How many intervals there have been: what is due is of the last of them. */
  #round = 0;

  constructor(intervalSeconds: number, pace: Pace) {
    this.#intervalMs = intervalSeconds * 1000;
    this.#pace = pace;
  }

  hold(prefix: number): void {
    if (!this.#due.has(prefix)) this.#held.add(prefix);
  }

  /** It is withdrawn: nothing to announce any more. */
  drop(prefix: number): void {
    if (!this.#due.delete(prefix)) this.#held.delete(prefix);
  }

  /** With which round all that is held now is out, unless it is withdrawn before. */
  get lastRound(): number {
    return this.#held.size > 0 ? this.#round + 1 : this.#round;
  }

  /** Is out what a round had, whatever is held since? */
  isOver(round: number): boolean {
    return this.isEmpty || this.#round > round || (this.#round === round && this.#due.size === 0);
  }

  get isEmpty(): boolean {
    return this.#held.size === 0 && this.#due.size === 0;
  }

  /** When the next announcement is due, milliseconds; never without any. */
  get dueMs(): number {
    return this.isEmpty ? Number.POSITIVE_INFINITY : this.#dueMs;
  }

  /** Hands out prefixes that are due, at most `limit` at a time; what is held from then on waits for the next interval. */
  take(limit: number): readonly number[] {
    if (this.isEmpty) return [];
    const nowMs = this.#pace.nowMs();
    if (this.#due.size === 0) {
      if (nowMs < this.#dueMs) return [];
      [this.#due, this.#held] = [this.#held, this.#due];
      this.#round++;
    }
    const taken: number[] = [];
    for (const prefix of this.#due) {
      if (taken.length === limit) break;
      taken.push(prefix);
    }
    for (const prefix of taken) this.#due.delete(prefix);
    // RFC 4271 §10: jittered.
    this.#dueMs = nowMs + this.#intervalMs * (0.75 + 0.25 * this.#pace.random());
    return taken;
  }

  /** More of what is due is held than was taken. */
  get hasMore(): boolean {
    return this.#due.size > 0;
  }
}
