import { setTimeout as delay } from "node:timers/promises";
import { SLOWNESS } from "./run.ts";

export interface UntilOptions {
  /** Real seconds on real hardware; multiplied by SLOWNESS in QEMU. Default 60: a busy machine is no failure. */
  readonly timeoutSeconds?: number;
  readonly everyMilliseconds?: number;
}

/** Thrown by a probe that knows that asking again is vain. */
export class Hopeless extends Error {}

/**
 * Asks `probe` again and again until it answers something other than undefined or false, and resolves to that.
 * For the outside world only (kernel, foreign daemons), which sends us no events. A probe that throws is asked again,
 * unless it throws Hopeless.
 * @throws Error naming what was awaited and how the last attempt failed, when the time is up
 */
export async function until<T>(
  awaited: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  options: UntilOptions = {},
): Promise<T> {
  const timeoutSeconds = (options.timeoutSeconds ?? 60) * SLOWNESS;
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (;;) {
    let failure = "";
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      failure = `: ${String(error)}`;
    }
    if (performance.now() >= deadline) {
      throw new Error(`waited ${timeoutSeconds} s in vain for ${awaited}${failure}`);
    }
    await delay((options.everyMilliseconds ?? 50) * SLOWNESS);
  }
}
