import type { Clock, Timer } from "./clock.ts";

/** The clock of the machine. */
export const nodeClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, fn: () => void): Timer {
    const timeout = setTimeout(fn, delayMs);
    return {
      cancel: () => clearTimeout(timeout),
      restart: () => {
        timeout.refresh();
      },
    };
  },
};
