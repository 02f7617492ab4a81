import type { Clock } from "../platform/clock.ts";

/** This many repairs of one route within the window are a fight. */
const REPAIRS = 20;
const WINDOW_MS = 10_000;

/**
 * Notices when another program keeps changing a route that we keep repairing: two that repair within a millisecond of
 * each other would do nothing else any more.
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

  /** Counts a repair; true when this route has been repaired too often of late. */
  repaired(prefixText: string): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sinceMs > WINDOW_MS) {
      this.#repairs = new Map();
      this.#sinceMs = nowMs;
    }
    const count = (this.#repairs.get(prefixText) ?? 0) + 1;
    this.#repairs.set(prefixText, count);
    return count >= REPAIRS;
  }
}

/** What the route's error says meanwhile. */
export const contested = {
  errno: 16,
  text: `EBUSY: another program keeps changing this route (${REPAIRS} repairs in ${WINDOW_MS / 1000} s), left alone for ${WINDOW_MS / 1000} s`,
} as const;
