import { MessageType } from "./constants.ts";
import { Errno, errnoText, NetlinkError } from "./errno.ts";
import { decodeAcknowledgement, type NetlinkMessage, walkMessages } from "./message.ts";
import type { RouteFailure } from "./netlink.ts";
import { type RouteChange, RouteEncoder, type RouteIdentity } from "./route-request.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Up to this many changes go out at once (2 µs each); more go through a thread, for the kernel may take its time. */
const AT_ONCE = 32;

/** Changes in a datagram: one to three milliseconds in which many kernels let nobody else have the processor. */
const DATAGRAM = 1024;

/**
 * Sends route changes in batches and matches what the kernel refuses by sequence number. While one batch is with the
 * kernel, the next is already being encoded.
 */
export class RouteWriter {
  readonly #socket: NetlinkSocket;
  readonly #answers = new Uint8Array(64 * 1024);
  #identity: RouteIdentity | undefined;
  /** Two, for a batch's octets must stay as they are while the kernel reads them. */
  #encoders: readonly RouteEncoder[] = [];
  #batches = 0;
  #outstanding = 0;
  #previous: Promise<void> = Promise.resolve();
  #beforePrevious: Promise<void> = Promise.resolve();
  #sequence = 1;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** See `Netlink.applyRoutes`. */
  async apply(
    changes: readonly RouteChange[],
    identity: RouteIdentity,
  ): Promise<readonly RouteFailure[]> {
    if (changes.length === 0) return [];
    if (this.#outstanding === 0 && changes.length <= AT_ONCE) {
      return this.#applyAtOnce(changes, identity);
    }
    const isFirst = this.#outstanding === 0;
    const [previous, beforePrevious] = [this.#previous, this.#beforePrevious];
    const done = Promise.withResolvers<void>();
    this.#beforePrevious = previous;
    this.#previous = done.promise;
    this.#outstanding++;
    try {
      // With nothing to wait for, the kernel is at work before the caller goes on.
      if (!isFirst) await beforePrevious;
      const first = this.#take(changes.length);
      const datagrams = this.#encoder(identity).datagrams(changes, first, DATAGRAM);
      if (!isFirst) await previous;
      await this.#socket.sendInThread(...datagrams);
      return this.#readAnswers(first, changes.length);
    } finally {
      this.#outstanding--;
      done.resolve();
    }
  }

  #applyAtOnce(changes: readonly RouteChange[], identity: RouteIdentity): readonly RouteFailure[] {
    const first = this.#take(changes.length);
    this.#socket.send(this.#encoder(identity).encode(changes, first));
    return this.#readAnswers(first, changes.length);
  }

  #encoder(identity: RouteIdentity): RouteEncoder {
    if (this.#identity?.protocol !== identity.protocol || this.#identity.table !== identity.table) {
      this.#identity = identity;
      this.#encoders = [new RouteEncoder(identity), new RouteEncoder(identity)];
    }
    return this.#encoders[this.#batches++ % 2] as RouteEncoder;
  }

  #take(count: number): number {
    if (this.#sequence + count > 0xffffffff) this.#sequence = 1;
    const first = this.#sequence;
    this.#sequence += count;
    return first;
  }

  /** The answers are all there once `send` is through; the last change's closes them. */
  #readAnswers(first: number, count: number): readonly RouteFailure[] {
    const failures: RouteFailure[] = [];
    let closed = false;
    const onMessage = (message: NetlinkMessage): void => {
      const index = message.sequence - first;
      if (message.type !== MessageType.error || index < 0 || index >= count) return;
      const failure = failureOf(message, index);
      if (failure !== undefined) failures.push(failure);
      if (index === count - 1) closed = true;
    };
    while (!closed) {
      const length = this.#socket.receive(this.#answers);
      if (length <= 0) {
        const errno = length === 0 ? Errno.io : -length;
        throw new NetlinkError("change routes", errno, "the acknowledgement was lost");
      }
      walkMessages(this.#answers.subarray(0, length), onMessage);
    }
    return failures;
  }
}

function failureOf(message: NetlinkMessage, index: number): RouteFailure | undefined {
  const acknowledgement = decodeAcknowledgement(message);
  const errno = acknowledgement?.errno ?? Errno.io;
  // ESRCH answers only a delete of what is not there, which is what a delete wants.
  if (errno === 0 || errno === Errno.noSuchRoute) return undefined;
  return { index, errno, text: errnoText(errno, acknowledgement?.text) };
}
