import type { Clock, Timer } from "../../src/platform/clock.ts";

interface Pending {
  dueMs: number;
  delayMs: number;
  order: number;
  fn: () => void;
}

/** A clock that stands still until `advance` moves it; timers fire in the order they are due. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  /** How many timers are running. */
  get pending(): number {
    return this.#pending.size;
  }

  after(delayMs: number, fn: () => void): Timer {
    const entry: Pending = { dueMs: this.#nowMs + delayMs, delayMs, order: this.#order++, fn };
    this.#pending.add(entry);
    return {
      cancel: () => {
        this.#pending.delete(entry);
      },
      restart: () => {
        entry.dueMs = this.#nowMs + entry.delayMs;
        entry.order = this.#order++;
        this.#pending.add(entry);
      },
    };
  }

  /** Moves time on by `ms`, firing what falls due on the way. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#pending]
        .filter((entry) => entry.dueMs <= untilMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.fn();
    }
    this.#nowMs = untilMs;
  }
}
