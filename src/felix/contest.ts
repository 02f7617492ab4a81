import type { Clock } from "../platform/clock.ts";

/** This many repairs of one thing within the window are a fight. */
const REPAIRS = 20;
const WINDOW_MS = 10_000;

/**
 * Notices when another program keeps changing a route, or a setting, that we keep repairing: two that repair within a
 * millisecond of each other would do nothing else any more.
 */
export class Contest {
  readonly #clock: Clock;
  #repairs = new Map<string, number>();
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
  }

  /** How long a fight is left to rest. */
  static readonly restMs = WINDOW_MS;

  /** Counts a repair; true when this has been repaired too often of late. */
  repaired(what: string): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sinceMs > WINDOW_MS) {
      this.#repairs = new Map();
      this.#sinceMs = nowMs;
    }
    const count = (this.#repairs.get(what) ?? 0) + 1;
    this.#repairs.set(what, count);
    return count >= REPAIRS;
  }
}

/** What the error of `what` says meanwhile. */
export function contested(what: string): { readonly errno: number; readonly text: string } {
  const text = `EBUSY: another program keeps changing ${what} (${REPAIRS} repairs in ${WINDOW_MS / 1000} s), left alone for ${WINDOW_MS / 1000} s`;
  return { errno: 16, text };
}
