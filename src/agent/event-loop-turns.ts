import { performance } from "node:perf_hooks";
import type { Clock } from "../platform/clock.ts";
import { DurationHistogram } from "./duration-histogram.ts";

const halfWindowMs = 30_000;

/**
 * How long the turns of the event loop take: the time in which no other socket is read and no timer fires, so what
 * keepalives and hold timers suffer. Every turn counts, and only the work in it: waiting for events does not.
 */
export class EventLoopTurns {
  /** All turns since `start`. */
  readonly sinceStart = new DurationHistogram();
  readonly #clock: Clock;
  /** Two halves of a window that moves on by a half. */
  #recent = new DurationHistogram();
  #before = new DurationHistogram();
  #halfEndsMs = 0;
  #lastMs = 0;
  #lastIdleMs = 0;
  #immediate: NodeJS.Immediate | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    const nowMs = performance.now();
    this.#lastMs = nowMs;
    this.#lastIdleMs = performance.nodeTiming.idleTime;
    this.#halfEndsMs = this.#clock.nowMs() + halfWindowMs;
    this.#next();
  }

  // An immediate that is not referenced runs once in every turn that happens anyway, and keeps the loop neither alive nor awake.
  #next(): void {
    this.#immediate = setImmediate(this.#turn).unref();
  }

  readonly #turn = (): void => {
    const nowMs = performance.now();
    const idleMs = performance.nodeTiming.idleTime;
    this.record(nowMs - this.#lastMs - (idleMs - this.#lastIdleMs));
    this.#lastMs = nowMs;
    this.#lastIdleMs = idleMs;
    this.#next();
  };

  /** Takes a turn in. */
  record(durationMs: number): void {
    this.#moveWindow();
    // Both clocks are read one after the other: a turn without work may come out a little below zero.
    const turnMs = Math.max(0, durationMs);
    this.sinceStart.record(turnMs);
    this.#recent.record(turnMs);
  }

  #moveWindow(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#halfEndsMs) return;
    [this.#recent, this.#before] = [this.#before, this.#recent];
    this.#recent.clear();
    if (nowMs >= this.#halfEndsMs + halfWindowMs) this.#before.clear();
    this.#halfEndsMs = nowMs + halfWindowMs;
  }

  /** Turns of the last half to whole minute. */
  lastMinute(): DurationHistogram {
    this.#moveWindow();
    const both = new DurationHistogram();
    both.add(this.#before);
    both.add(this.#recent);
    return both;
  }

  stop(): void {
    clearImmediate(this.#immediate);
  }
}
