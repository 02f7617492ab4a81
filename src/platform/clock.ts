/** A timer that was started; cancelling twice is harmless. */
export interface Timer {
  cancel(): void;
  /** Starts the full delay again from now. */
  restart(): void;
}

/** Time, as the program's only source of it. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary origin: for intervals, never for dates. */
  nowMs(): number;
  /** Wall clock, milliseconds since 1970: for people, never for intervals. */
  wallMs(): number;
  /** Calls `fn` once, `delayMs` from now. */
  after(delayMs: number, fn: () => void): Timer;
}
