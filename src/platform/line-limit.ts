import type { Clock } from "./clock.ts";

/** So many kinds are remembered at most. */
const maximumKinds = 10_000;

/** Lets a log line of each kind through at most once an interval, and counts those that it holds back. */
export class LineLimit {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, { nextMs: number; heldBack: number }>();

  constructor(clock: Clock, intervalMs = 10_000) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** @returns how many lines of this kind were held back since the last; `undefined` holds this one back, too */
  pass(kind: string): number | undefined {
    const nowMs = this.#clock.nowMs();
    const known = this.#kinds.get(kind);
    if (known !== undefined && nowMs < known.nextMs) {
      known.heldBack++;
      return undefined;
    }
    if (known === undefined && this.#kinds.size >= maximumKinds) this.#forget(nowMs);
    this.#kinds.set(kind, { nextMs: nowMs + this.#intervalMs, heldBack: 0 });
    return known?.heldBack ?? 0;
  }

  /** Those that would be let through; if there are none, all. */
  #forget(nowMs: number): void {
    for (const [kind, { nextMs }] of this.#kinds) if (nextMs <= nowMs) this.#kinds.delete(kind);
    if (this.#kinds.size >= maximumKinds) this.#kinds.clear();
  }
}
