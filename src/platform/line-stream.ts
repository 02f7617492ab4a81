import { write, writeSync } from "node:fs";

/** A reader that takes longer over one chunk is not waited for. */
const stuckAfterMs = 1000;

/** At the exit, a chunk on its way gets so long to arrive before what follows it. */
const overtakeMs = 100;

/**
 * Lines to a file descriptor, written in the background one chunk at a time. A slow reader costs nothing but the lines
 * beyond `mostOctets`; one that went away (EPIPE) makes the stream silent. Neither ever stops or ends the program, which
 * is why this is not pino's own destination: that one retries for ever on a closed pipe when it is flushed.
 */
export class LineStream {
  readonly #fd: number;
  readonly #mostOctets: number;
  #pending: string[] = [];
  /** UTF-16 units; near enough to octets for a bound. */
  #pendingLength = 0;
  #dropped = 0;
  #writing = false;
  #broken = false;
  #writingSinceMs = 0;
  #idle: (() => void)[] = [];

  constructor(fd: number, mostOctets = 4 << 20) {
    this.#fd = fd;
    this.#mostOctets = mostOctets;
    process.on("exit", () => this.#writeRest());
  }

  /** @param line ends in a line feed */
  write(line: string): void {
    if (this.#broken) return;
    if (this.#pendingLength + line.length > this.#mostOctets) {
      this.#dropped++;
      return;
    }
    this.#pending.push(line);
    this.#pendingLength += line.length;
    if (!this.#writing) this.#next();
  }

  /** How many lines found no room since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Settles when all that was written is with the kernel, the reader is gone, or a second is over. Never rejects. */
  flush(): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => {
      const timeout = setTimeout(resolve, stuckAfterMs);
      this.#idle.push(() => {
        clearTimeout(timeout);
        resolve();
      });
    });
  }

  #takePending(): Uint8Array {
    const octets = new TextEncoder().encode(this.#pending.join(""));
    this.#pending = [];
    this.#pendingLength = 0;
    return octets;
  }

  #next(): void {
    this.#writing = this.#pending.length > 0 && !this.#broken;
    if (this.#writing) {
      this.#writingSinceMs = performance.now();
      this.#write(this.#takePending());
      return;
    }
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #write(octets: Uint8Array): void {
    write(this.#fd, octets, (error, written) => {
      if (error?.code === "EAGAIN") {
        // A non-blocking pipe that is full: there is no event to wait for on a bare descriptor.
        setTimeout(() => this.#write(octets), 20);
      } else if (error !== null) {
        this.#broken = true;
        this.#pending = [];
        this.#next();
      } else if (written < octets.length) {
        this.#write(octets.subarray(written));
      } else {
        this.#next();
      }
    });
  }

  /** `process.exit` leaves no time for the background: what still waits goes out now, or not at all. */
  #writeRest(): void {
    const stuck = this.#writing && performance.now() - this.#writingSinceMs > stuckAfterMs;
    if (this.#broken || stuck || this.#pending.length === 0) return;
    // A chunk is on its way by another thread, which nothing tells of any more: what follows must not overtake it.
    if (this.#writing) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, overtakeMs);
    try {
      writeSync(this.#fd, this.#takePending());
    } catch {
      this.#broken = true;
    }
  }
}
