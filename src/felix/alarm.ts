import type { Clock, Timer } from "../platform/clock.ts";

/** Rings once after a while; who sets it before it has rung waits for the same ring. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  /** @param delayMs asked for where it is not set yet */
  set(delayMs: () => number): void {
    if (this.#isOver) return;
    this.#timer ??= this.#clock.after(delayMs(), () => {
      this.#timer = undefined;
      this.#ring();
    });
  }

  /** It rings no more, whoever sets it. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }
}
