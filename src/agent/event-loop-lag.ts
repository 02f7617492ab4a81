import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock, Timer } from "../platform/clock.ts";

const windowMs = 60_000;
/** Each sample wakes the process: ten a second cost nothing that shows. */
const resolutionMs = 100;

/** How late timers fire, over the last minute: what keepalives and hold timers suffer. */
export class EventLoopLag {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: Timer;
  #last = { medianMs: 0, p99Ms: 0, maximumMs: 0 };
  #hasLast = false;

  constructor(clock: Clock) {
    this.#histogram.enable();
    this.#timer = clock.after(windowMs, () => {
      this.#last = this.#read();
      this.#hasLast = true;
      this.#histogram.reset();
      this.#timer.restart();
    });
  }

  #read(): { medianMs: number; p99Ms: number; maximumMs: number } {
    // The histogram holds whole intervals; what exceeds the interval itself is the lag.
    const lagMs = (nanoseconds: number): number =>
      Math.max(0, Math.round((nanoseconds / 1e6 - resolutionMs) * 100) / 100);
    if (this.#histogram.count === 0) return { medianMs: 0, p99Ms: 0, maximumMs: 0 };
    return {
      medianMs: lagMs(this.#histogram.percentile(50)),
      p99Ms: lagMs(this.#histogram.percentile(99)),
      maximumMs: lagMs(this.#histogram.max),
    };
  }

  read(): { medianMs: number; p99Ms: number; maximumMs: number } {
    const now = this.#read();
    if (!this.#hasLast) return now;
    return now.maximumMs >= this.#last.maximumMs ? now : this.#last;
  }

  stop(): void {
    this.#timer.cancel();
    this.#histogram.disable();
  }
}
