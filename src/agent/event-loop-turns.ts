import { performance } from "node:perf_hooks";
import type { Clock } from "../platform/clock.ts";
import { DurationHistogram } from "./duration-histogram.ts";

const halfWindowMs = 30_000;

/**
 * How long the turns of the event loop take: the time in which no other socket is read and no timer fires, so what
 * keepalives and hold timers suffer. Every turn counts, and only the work in it: waiting for events does not.
 */
export class EventLoopTurns {
  readonly #clock: Clock;
  /** Two halves of a window that moves on by a half, and all before it. */
  #recent = new DurationHistogram();
  #before = new DurationHistogram();
  readonly #former = new DurationHistogram();
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

  // What all else waits for that the turn brings: each turn is counted once here, and added up where somebody asks.
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
    this.#recent.record(Math.max(0, durationMs));
  }

  #moveWindow(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#halfEndsMs) return;
    this.#moveOn();
    if (nowMs >= this.#halfEndsMs + halfWindowMs) this.#moveOn();
    this.#halfEndsMs = nowMs + halfWindowMs;
  }

  #moveOn(): void {
    this.#former.add(this.#before);
    this.#before.clear();
    [this.#recent, this.#before] = [this.#before, this.#recent];
  }

  /** All turns since `start`. */
  get sinceStart(): DurationHistogram {
    return sumOf(this.#former, this.#before, this.#recent);
  }

  /** Turns of the last half to whole minute. */
  lastMinute(): DurationHistogram {
    this.#moveWindow();
    return sumOf(this.#before, this.#recent);
  }

  stop(): void {
    clearImmediate(this.#immediate);
  }
}

function sumOf(...parts: readonly DurationHistogram[]): DurationHistogram {
  const sum = new DurationHistogram();
  for (const part of parts) sum.add(part);
  return sum;
}
