import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseIpAddress } from "../net/ip-address.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";

/** Changes gather for so long before they are written. */
const writeDelayMs = 1000;

/**
 * The addresses of peers that nobody configured, in a file, one a line: for the next life, which may have to dial them. An
 * FRR that keeps the routes of a peer does not dial it, it waits until the peer does.
 */
export class PeerMemory {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #addresses = new Set<string>();
  #write: Timer | undefined;

  /** Reads the file; one that is not there yet is empty. What is no address in it is passed over. */
  constructor(file: string, clock: Clock, logger: Logger) {
    this.#file = file;
    this.#clock = clock;
    this.#logger = logger;
    for (const line of this.#read().split("\n")) {
      if (parseIpAddress(line) !== undefined) this.#addresses.add(line);
    }
  }

  #read(): string {
    try {
      return readFileSync(this.#file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#fail("read", error);
      return "";
    }
  }

  /** Peers of the life before, and those of this one. */
  get addresses(): readonly string[] {
    return [...this.#addresses];
  }

  remember(address: string): void {
    if (this.#addresses.has(address)) return;
    this.#addresses.add(address);
    this.#writeSoon();
  }

  forget(address: string): void {
    if (this.#addresses.delete(address)) this.#writeSoon();
  }

  #writeSoon(): void {
    this.#write ??= this.#clock.after(writeDelayMs, () => this.flush());
  }

  /** Writes what has changed, as a whole: a reader sees the file before or after. */
  flush(): void {
    if (this.#write === undefined) return;
    this.#write.cancel();
    this.#write = undefined;
    const scratch = `${this.#file}.new`;
    try {
      writeFileSync(scratch, this.addresses.map((address) => `${address}\n`).join(""));
      renameSync(scratch, this.#file);
    } catch (error) {
      this.#fail("write", error);
    }
  }

  /** Without it we work, but for clients that wait for us to dial. */
  #fail(what: string, error: unknown): void {
    const { message } = error as Error;
    this.#logger.warn({ file: this.#file }, `cannot ${what} the file of clients: ${message}`);
  }
}
