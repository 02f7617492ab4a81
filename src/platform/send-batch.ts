import { IoUring } from "./io-uring.ts";
import { libc } from "./linux-socket.ts";

/** Who is told what became of its octets. */
export interface BatchSender {
  /** @param sent how many of them fit into the socket's buffer, or a negative errno */
  sent(octets: Uint8Array, sent: number): void;
}

/** So many sends take about a millisecond. */
const maximumSends = 64;

/**
 * Small sends to many sockets, for the kernel in one call: a change that goes to a thousand peers is a thousand of them. They
 * go when the batch is full, and else before anything else can happen in this process, as a microtask.
 */
export class SendBatch {
  readonly #ring = new IoUring(maximumSends);
  readonly #senders: BatchSender[] = [];
  readonly #octets: Uint8Array[] = [];
  /** Of the octets added last, since all peers are told of a change by the same. */
  #addressLow = 0;
  #addressHigh = 0;
  readonly #flush = (): void => this.flush();
  readonly #completed = (index: number, sent: number): void => {
    (this.#senders[index] as BatchSender).sent(this.#octets[index] as Uint8Array, sent);
  };

  add(fd: number, octets: Uint8Array, sender: BatchSender): void {
    if (octets !== this.#octets.at(-1)) {
      const address = libc().addressOf(octets);
      this.#addressLow = Number(address & 0xffff_ffffn);
      this.#addressHigh = Number(address >> 32n);
    }
    this.#ring.prepareSend(fd, this.#addressLow, this.#addressHigh, octets.length);
    const count = this.#senders.push(sender);
    this.#octets.push(octets);
    if (count === 1) queueMicrotask(this.#flush);
    if (count === maximumSends) this.flush();
  }

  flush(): void {
    if (this.#senders.length === 0) return;
    this.#ring.submit(this.#completed);
    this.#senders.length = 0;
    this.#octets.length = 0;
  }
}

let batch: SendBatch | undefined;
let isAskedFor = false;

/**
 * The batch of this process; `undefined` without io_uring, as in containers whose seccomp has none. Who does not want it has
 * the variable that keeps Node from it, too: UV_USE_IO_URING=0.
 */
export function sendBatch(): SendBatch | undefined {
  if (isAskedFor) return batch;
  isAskedFor = true;
  try {
    const { UV_USE_IO_URING: wanted } = process.env;
    if (wanted !== "0") batch = new SendBatch();
  } catch {
    // Then each send is a call of its own.
  }
  return batch;
}
