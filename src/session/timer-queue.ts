import type { Clock, Timer } from "../platform/clock.ts";

/** From one second on, timers expire at whole tenths of a second: of thousands some then expire together, and wake us once. */
const coarseFromMs = 1000;
const coarseMs = 100;
/** A timer of Node's with a longer delay expires at once. */
const longestDelayMs = 2 ** 31 - 1;

interface Entry<T> {
  readonly key: string;
  readonly value: T;
  readonly dueMs: number;
}

/**
 * Many timers on one of the clock: three for each of thousands of sessions would be a megabyte of closures, and an event of
 * their own each. A delay of a second or more may take a tenth of a second longer. Those due together come in no order.
 */
export class TimerQueue<T> {
  readonly #clock: Clock;
  readonly #expired: (value: T) => void;
  readonly #running = new Map<string, Entry<T>>();
  /** A binary heap by `dueMs`, with entries in it that were stopped or started anew meanwhile. */
  #heap: Entry<T>[] = [];
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, expired: (value: T) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Timers that run. */
  get size(): number {
    return this.#running.size;
  }

  /** Starts the timer of this key, anew if it runs. */
  start(key: string, value: T, delayMs: number): void {
    const exactMs = this.#clock.nowMs() + delayMs;
    const dueMs = delayMs < coarseFromMs ? exactMs : Math.ceil(exactMs / coarseMs) * coarseMs;
    const entry = { key, value, dueMs };
    this.#running.set(key, entry);
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    if (this.#heap.length > 2 * this.#running.size + 64) this.#compact();
    this.#arm();
  }

  /** Harmless when no such timer runs. */
  stop(key: string): void {
    this.#running.delete(key);
    if (this.#running.size === 0) this.clear();
  }

  /** Stops all. */
  clear(): void {
    this.#running.clear();
    this.#heap.length = 0;
    this.#timer?.cancel();
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #compact(): void {
    this.#heap = [...this.#running.values()].sort((a, b) => a.dueMs - b.dueMs);
  }

  #arm(): void {
    let first = this.#heap[0];
    while (first !== undefined && this.#running.get(first.key) !== first) {
      this.#dropFirst();
      first = this.#heap[0];
    }
    const dueMs = first?.dueMs ?? Number.POSITIVE_INFINITY;
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const delayMs = Math.min(Math.max(0, Math.ceil(dueMs - this.#clock.nowMs())), longestDelayMs);
    this.#timer = this.#clock.after(delayMs, () => this.#fire());
  }

  #fire(): void {
    const nowMs = this.#clock.nowMs();
    // What is started meanwhile arms nothing: that comes in the end.
    this.#timerDueMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const entry = this.#heap[0];
      if (entry === undefined || entry.dueMs > nowMs) break;
      this.#dropFirst();
      if (this.#running.get(entry.key) !== entry) continue;
      this.#running.delete(entry.key);
      this.#expired(entry.value);
    }
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    this.#arm();
  }

  #dropFirst(): void {
    const last = this.#heap.pop() as Entry<T>; // the heap is not empty
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const entry = heap[from] as Entry<T>;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = heap[parent] as Entry<T>;
      if (above.dueMs <= entry.dueMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const entry = heap[from] as Entry<T>;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.dueMs < (heap[child] as Entry<T>).dueMs) child++;
      const below = heap[child] as Entry<T>;
      if (below.dueMs >= entry.dueMs) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = entry;
  }
}
