import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageFlag, MessageType } from "./constants.ts";
import { Errno, NetlinkError } from "./errno.ts";
import {
  decodeAcknowledgement,
  decodeDone,
  encodeMessage,
  type NetlinkMessage,
  walkMessages,
} from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RECEIVE_OCTETS = 64 * 1024;
/** So many datagrams of 32 KiB, each some hundred routes, the kernel makes of a dump while those before are read. */
const DATAGRAMS_AT_ONCE = 16;
/** Short dumps are over sooner than a thread could begin. */
const DATAGRAMS_BEFORE = 4;
/** Reading a dump gives the event loop a turn after this long. */
const TURN_MS = 4;
/** A dump during which what it is about changed is begun again, this often in all, until that is an error. */
const DUMP_ATTEMPTS = 4;

interface Exchange {
  readonly sequence: number;
  readonly operation: string;
  readonly onMessage: (message: NetlinkMessage) => void;
  done: boolean;
  interrupted: boolean;
  failure: NetlinkError | undefined;
  /** `onMessage` threw: it gets no more, and what is still to come is read all the same. */
  thrown: { readonly error: unknown } | undefined;
}

/**
 * Requests and their answers on one socket. The kernel works on a request inside `send` and makes the next part of a
 * dump inside `recv`, so an answer is always there to be read: nothing here waits, except to let others have a turn.
 * During a dump nothing else may be asked for on the same socket: its answer might go to the thread that reads the dump.
 */
export class Conversation {
  readonly #socket: NetlinkSocket;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #buffer = new Uint8Array(RECEIVE_OCTETS);
  #sequence = 1;
  #dumps: Promise<void> = Promise.resolve();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Asks for a change and waits for its acknowledgement. Throws `NetlinkError`. */
  change(operation: string, type: number, flags: number, body: Uint8Array): void {
    const exchange = this.#ask(operation, type, flags | MessageFlag.ack, body, () => {});
    this.#finish(exchange);
  }

  /** The same in a thread, for what the kernel takes its time for. Rejects with `NetlinkError`. */
  async changeInThread(
    operation: string,
    type: number,
    flags: number,
    body: Uint8Array,
  ): Promise<void> {
    const { exchange, octets } = this.#prepare(
      operation,
      type,
      flags | MessageFlag.ack,
      body,
      () => {},
    );
    try {
      await this.#socket.sendInThread(octets);
    } catch (error) {
      this.#exchanges.delete(exchange.sequence);
      throw error;
    }
    this.#finish(exchange);
  }

  /** Asks for one thing; the answer's payload is a copy. Throws `NetlinkError`. */
  query(operation: string, type: number, body: Uint8Array): Uint8Array {
    let answer: Uint8Array | undefined;
    const exchange = this.#ask(operation, type, 0, body, (message) => {
      answer = message.payload.slice();
      exchange.done = true;
    });
    this.#finish(exchange);
    if (answer === undefined) throw new NetlinkError(operation, Errno.io, "no answer");
    return answer;
  }

  /**
   * Asks for a list; `each` gets the messages, which are valid only during the call. One that changed meanwhile is asked for
   * again, so `each` may get the same thing twice. One dump at a time: others queue up. Rejects with `NetlinkError`, EINTR
   * where a list keeps changing.
   */
  dump(
    operation: string,
    type: number,
    body: Uint8Array,
    each: (message: NetlinkMessage) => void,
  ): Promise<void> {
    const result = this.#dumps.then(() => this.#dump(operation, type, body, each));
    this.#dumps = result.catch(() => {});
    return result;
  }

  async #dump(
    operation: string,
    type: number,
    body: Uint8Array,
    each: (message: NetlinkMessage) => void,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const exchange = this.#ask(operation, type, MessageFlag.dump, body, each);
      for (let count = 0; !exchange.done && count < DATAGRAMS_BEFORE; count++) {
        this.#receive(exchange);
      }
      if (!exchange.done) await this.#receiveRest(exchange);
      if (exchange.failure?.errno === Errno.busy && attempt < DUMP_ATTEMPTS) {
        this.#exchanges.delete(exchange.sequence);
        await this.#readOut();
        continue;
      }
      this.#end(exchange);
      if (!exchange.interrupted) return;
      // Something may be missing in it, which would be taken for gone.
      if (attempt === DUMP_ATTEMPTS) {
        const text = `changed each of ${DUMP_ATTEMPTS} times while it was told`;
        throw new NetlinkError(operation, Errno.interrupted, text);
      }
    }
  }

  /** The kernel is at a dump still that was given up, goes on with it only as it is read, and begins no other before. */
  async #readOut(): Promise<void> {
    let turnMs = performance.now();
    while (this.#socket.receive(this.#buffer) > 0) {
      if (performance.now() - turnMs < TURN_MS) continue;
      await nextTurn();
      turnMs = performance.now();
    }
  }

  /** Of a long dump: in a thread the kernel makes the next datagrams while these are read. */
  async #receiveRest(exchange: Exchange): Promise<void> {
    let [now, next] = [buffers(), buffers()];
    let receiving = this.#socket.receiveInThread(now);
    while (!exchange.done) {
      const lengths = await receiving;
      // What is wrong is told only outside of a thread, and while none takes what comes behind it.
      if (lengths.length === 0) this.#receive(exchange);
      if (exchange.done) return;
      receiving = this.#socket.receiveInThread(next);
      let turnMs = performance.now();
      for (const [index, length] of lengths.entries()) {
        walkMessages((now[index] as Uint8Array).subarray(0, length), (message) =>
          this.#dispatch(message),
        );
        if (performance.now() - turnMs < TURN_MS) continue;
        await nextTurn();
        turnMs = performance.now();
      }
      [now, next] = [next, now];
    }
    await receiving;
  }

  #ask(
    operation: string,
    type: number,
    flags: number,
    body: Uint8Array,
    onMessage: (message: NetlinkMessage) => void,
  ): Exchange {
    const { exchange, octets } = this.#prepare(operation, type, flags, body, onMessage);
    try {
      this.#socket.send(octets);
    } catch (error) {
      this.#exchanges.delete(exchange.sequence);
      throw error;
    }
    return exchange;
  }

  #prepare(
    operation: string,
    type: number,
    flags: number,
    body: Uint8Array,
    onMessage: (message: NetlinkMessage) => void,
  ): { readonly exchange: Exchange; readonly octets: Uint8Array } {
    const sequence = this.#sequence;
    this.#sequence = sequence === 0xffffffff ? 1 : sequence + 1;
    const octets = encodeMessage(type, flags | MessageFlag.request, sequence, body);
    const exchange: Exchange = {
      sequence,
      operation,
      onMessage,
      done: false,
      interrupted: false,
      failure: undefined,
      thrown: undefined,
    };
    this.#exchanges.set(sequence, exchange);
    return { exchange, octets };
  }

  #finish(exchange: Exchange): void {
    while (!exchange.done) this.#receive(exchange);
    this.#end(exchange);
  }

  /** An answer that comes all the same is nobody's. Throws what went wrong. */
  #end({ sequence, failure, thrown }: Exchange): void {
    this.#exchanges.delete(sequence);
    if (thrown !== undefined) throw thrown.error;
    if (failure !== undefined) throw failure;
  }

  /** Takes one datagram; it may answer another exchange than the one that waits for it. */
  #receive(waiting: Exchange): void {
    const length = this.#socket.receive(this.#buffer);
    if (length <= 0) {
      const errno = length === 0 ? Errno.io : -length;
      waiting.failure = new NetlinkError(waiting.operation, errno, "the answer was lost");
      waiting.done = true;
      return;
    }
    walkMessages(this.#buffer.subarray(0, length), (message) => this.#dispatch(message));
  }

  #dispatch(message: NetlinkMessage): void {
    const exchange = this.#exchanges.get(message.sequence);
    if (exchange === undefined) return;
    if ((message.flags & MessageFlag.dumpInterrupted) !== 0) exchange.interrupted = true;
    if (message.type === MessageType.error) {
      const acknowledgement = decodeAcknowledgement(message);
      const errno = acknowledgement?.errno ?? Errno.io;
      if (errno !== 0) {
        exchange.failure = new NetlinkError(exchange.operation, errno, acknowledgement?.text);
      }
      exchange.done = true;
    } else if (message.type === MessageType.done) {
      const errno = decodeDone(message);
      if (errno > 0) exchange.failure = new NetlinkError(exchange.operation, errno);
      exchange.done = true;
    } else if (exchange.thrown === undefined) {
      try {
        exchange.onMessage(message);
      } catch (error) {
        exchange.thrown = { error };
      }
    }
    if (exchange.done) this.#exchanges.delete(message.sequence);
  }
}

/**
 * In one piece, of which the machine gives only the pages that are used: to fill all of it with zeros would take as long as
 * the kernel takes for ten thousand routes.
 */
function buffers(): Uint8Array[] {
  const { buffer } = Buffer.allocUnsafeSlow(DATAGRAMS_AT_ONCE * RECEIVE_OCTETS);
  return Array.from({ length: DATAGRAMS_AT_ONCE }, (_, index) => {
    return new Uint8Array(buffer, index * RECEIVE_OCTETS, RECEIVE_OCTETS);
  });
}
