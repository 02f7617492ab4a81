import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageFlag, MessageType } from "../../src/netlink/constants.ts";
import { Errno, NetlinkError } from "../../src/netlink/errno.ts";
import { MESSAGE_HEADER_OCTETS, walkMessages } from "../../src/netlink/message.ts";
import type { NetlinkSocket } from "../../src/netlink/socket.ts";
import { NLM_F_MULTI, receiveMany } from "./memory-sockets.ts";

/**
 * What goes wrong on a socket:
 * - send: nothing is sent
 * - receive: nothing is received, and what was to be is still there
 * - lost: an answer, or a part of one, never comes
 * - interrupted: what a list is about has changed while it was told (NLM_F_DUMP_INTR)
 * - short: a list ends early, without a word
 * - starved: the kernel has no memory for the next part of a list, which stays begun until somebody asks for something
 * - overrun: events come faster than they are read, and all that wait are lost
 */
export type SocketFault =
  | { readonly kind: "send" | "receive"; readonly errno: number }
  | { readonly kind: "lost" | "interrupted" | "short" | "starved" | "overrun" };

type OpenSocket = (groups: number) => NetlinkSocket;

/** Far more than any life takes: whoever asks on and on would do it forever. */
const MAXIMUM_CALLS = 1_000_000;

/** Sockets of which one meets with a fault, once. */
export class FaultySockets {
  readonly #inner: OpenSocket;
  readonly #at: number;
  readonly #fault: SocketFault;
  #calls = 0;
  /** How often it could have gone wrong so far. */
  #chances = 0;

  /** `at`: of the times that it could go wrong in this way, which one it does, from 1. */
  constructor(inner: OpenSocket, at: number, fault: SocketFault) {
    this.#inner = inner;
    this.#at = at;
    this.#fault = fault;
  }

  get hasStruck(): boolean {
    return this.#chances >= this.#at;
  }

  readonly open: OpenSocket = (groups) => {
    return new FaultySocket(this.#inner(groups), groups !== 0, (kind) => this.#strike(kind));
  };

  #strike(kind: SocketFault["kind"]): number | undefined {
    if (++this.#calls > MAXIMUM_CALLS) throw new Error("it never ends");
    const fault = this.#fault;
    if (fault.kind !== kind || ++this.#chances !== this.#at) return undefined;
    return "errno" in fault ? fault.errno : Errno.noBuffers;
  }
}

/** Says with which errno it goes wrong, if it does. */
type Strike = (kind: SocketFault["kind"]) => number | undefined;

class FaultySocket implements NetlinkSocket {
  readonly portId: number;
  readonly #inner: NetlinkSocket;
  readonly #isEvents: boolean;
  readonly #strike: Strike;
  /** To be received before anything else. */
  readonly #next: (Uint8Array | number)[] = [];
  #isStarved = false;
  #callback: (() => void) | undefined;

  constructor(inner: NetlinkSocket, isEvents: boolean, strike: Strike) {
    this.#inner = inner;
    this.portId = inner.portId;
    this.#isEvents = isEvents;
    this.#strike = strike;
  }

  send(octets: Uint8Array): void {
    const errno = this.#strike("send");
    if (errno !== undefined) throw new NetlinkError("send to the kernel", errno);
    this.#isStarved = false;
    this.#inner.send(octets);
  }

  async sendInThread(...datagrams: readonly Uint8Array[]): Promise<void> {
    await nextTurn();
    for (const datagram of datagrams) this.send(datagram);
  }

  receive(into: Uint8Array): number {
    const length = this.#take(into);
    if (length <= 0) return length;
    const errno = this.#strike("receive");
    if (errno !== undefined) {
      this.#next.unshift(into.slice(0, length));
      // A socket with something to be read stays readable.
      if (this.#isEvents) setImmediate(() => this.#callback?.());
      return -errno;
    }
    return this.#isEvents ? this.#event(into, length) : this.#answer(into, length);
  }

  receiveInThread(into: readonly Uint8Array[]): Promise<number[]> {
    return receiveMany(this, into, (failure) => this.#next.unshift(failure));
  }

  #take(into: Uint8Array): number {
    const next = this.#next.shift();
    if (typeof next === "number") return next;
    if (next !== undefined) {
      into.set(next);
      return next.length;
    }
    return this.#isStarved ? 0 : this.#inner.receive(into);
  }

  #event(into: Uint8Array, length: number): number {
    const errno = this.#strike("overrun");
    if (errno === undefined) return length;
    this.#next.length = 0;
    while (this.#inner.receive(into) > 0);
    return -errno;
  }

  #answer(into: Uint8Array, length: number): number {
    if (this.#strike("lost") !== undefined) return this.receive(into);
    const datagram = into.subarray(0, length);
    if (!isOfList(datagram)) return length;
    if (this.#strike("interrupted") !== undefined) interrupt(datagram);
    if (doneOf(datagram) !== undefined) return length;
    if (this.#strike("short") !== undefined) this.#next.push(this.#end());
    const errno = this.#strike("starved");
    if (errno !== undefined) {
      this.#next.push(-errno);
      this.#isStarved = true;
    }
    return length;
  }

  /** What ends the list that is being told, without all that comes before. */
  #end(): Uint8Array {
    const into = new Uint8Array(64 * 1024);
    for (;;) {
      const length = this.#take(into);
      const done = doneOf(into.subarray(0, Math.max(0, length)));
      if (done !== undefined || length <= 0) return done ?? new Uint8Array(0);
    }
  }

  onReadable(callback: () => void): void {
    this.#callback = callback;
    this.#inner.onReadable(callback);
  }

  attachFilter(program: Uint8Array): void {
    this.#inner.attachFilter(program);
  }

  close(): void {
    this.#callback = undefined;
    this.#inner.close();
  }
}

function isOfList(datagram: Uint8Array): boolean {
  let isMulti = false;
  walkMessages(datagram, ({ flags }) => {
    if ((flags & NLM_F_MULTI) !== 0) isMulti = true;
  });
  return isMulti;
}

/** A copy of the message that ends a list, if it is there. */
function doneOf(datagram: Uint8Array): Uint8Array | undefined {
  let done: Uint8Array | undefined;
  walkMessages(datagram, ({ type, start, end }) => {
    if (type === MessageType.done) done = datagram.slice(start - MESSAGE_HEADER_OCTETS, end);
  });
  return done;
}

function interrupt(datagram: Uint8Array): void {
  walkMessages(datagram, ({ start }) => {
    // The lower octet of the flags, behind length and type.
    (datagram[start - MESSAGE_HEADER_OCTETS + 6] as number) |= MessageFlag.dumpInterrupted;
  });
}
