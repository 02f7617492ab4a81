import type { Clock } from "../../platform/clock.ts";

/** Others change their tables many times in a row: a look is worth so long, or so many times the CPU time that it took. */
const LOOK_MS = 1_000;
const CPU_FACTOR = 20;
/** So much of that may be done beforehand. */
const AHEAD_MS = 10_000;

/**
 * Has looks done at once, but in the long run no more of them than take a twentieth of a processor. What counts is the work
 * in them and not how long it lasted: on a busy machine a look lasts long, and that is no reason to be late with the next.
 */
export class LookBudget {
  readonly #clock: Clock;
  #paidMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until the next look. */
  get waitMs(): number {
    return Math.max(0, this.#paidMs - this.#clock.nowMs() - AHEAD_MS);
  }

  /** A look took so much CPU time. */
  looked(cpuMs: number): void {
    this.#pay(Math.max(LOOK_MS, CPU_FACTOR * cpuMs));
  }

  /** What followed from it took so much more. */
  worked(cpuMs: number): void {
    this.#pay(CPU_FACTOR * cpuMs);
  }

  #pay(worthMs: number): void {
    this.#paidMs = Math.max(this.#clock.nowMs(), this.#paidMs) + worthMs;
  }
}
