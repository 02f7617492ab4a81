import { setImmediate as nextTurn } from "node:timers/promises";
import { ErrorAttribute, MessageFlag, MessageType } from "../../src/netlink/constants.ts";
import { AttributeWriter } from "../../src/netlink/attribute.ts";
import { Errno, NetlinkError } from "../../src/netlink/errno.ts";
import {
  encodeMessage,
  MESSAGE_HEADER_OCTETS,
  type NetlinkMessage,
  walkMessages,
} from "../../src/netlink/message.ts";
import type { NetlinkEvent } from "../../src/netlink/netlink.ts";
import type { NetlinkSocket } from "../../src/netlink/socket.ts";
import type { MemoryKernel, MemoryNetlink } from "./memory-kernel.ts";
import { MemoryRtnetlink, tellEvent, type Told } from "./memory-rtnetlink.ts";

/** Of the messages of a list. */
export const NLM_F_MULTI = 2;
/** So few that even a short list is several datagrams. */
const MESSAGES_EACH = 4;

let lastPortId = 1000;

/** Opens sockets of one program to a kernel in memory: octets come and go as with Linux. */
export function memorySockets(kernel: MemoryKernel): (groups: number) => NetlinkSocket {
  const hand = kernel.open();
  const rtnetlink = new MemoryRtnetlink(kernel, hand);
  return (groups) => {
    return groups === 0 ? new RequestSocket(rtnetlink) : new EventSocket(hand);
  };
}

/** What both have in common: datagrams that wait to be received. */
abstract class MemorySocket implements NetlinkSocket {
  readonly portId = ++lastPortId;
  protected readonly queue: (Uint8Array | number)[] = [];

  abstract send(octets: Uint8Array): void;

  async sendInThread(...datagrams: readonly Uint8Array[]): Promise<void> {
    await nextTurn();
    for (const datagram of datagrams) this.send(datagram);
  }

  receive(into: Uint8Array): number {
    const next = this.queue.shift() ?? 0;
    if (typeof next === "number") return next;
    into.set(next);
    return next.length;
  }

  receiveInThread(into: readonly Uint8Array[]): Promise<number[]> {
    return receiveMany(this, into, (failure) => this.queue.unshift(failure));
  }

  abstract onReadable(callback: () => void): void;
  attachFilter(): void {}
  abstract close(): void;
}

/** Answers while it is asked. Of a list it makes one datagram then, and another whenever one is received. */
class RequestSocket extends MemorySocket {
  readonly #rtnetlink: MemoryRtnetlink;
  /** What is still to be made of the list that is being told. */
  #rest: Uint8Array[] = [];

  constructor(rtnetlink: MemoryRtnetlink) {
    super();
    this.#rtnetlink = rtnetlink;
  }

  send(octets: Uint8Array): void {
    // Whoever sends may write over it.
    walkMessages(octets.slice(), (message) => this.#answer(message));
  }

  override receive(into: Uint8Array): number {
    const length = super.receive(into);
    if (length > 0) this.#makePart();
    return length;
  }

  #answer(message: NetlinkMessage): void {
    const { type, flags } = message;
    try {
      // By fours: NEW, DEL, GET, SET.
      if (type % 4 === 2) this.#tell(message);
      else {
        this.#rtnetlink.change(message);
        if ((flags & MessageFlag.ack) !== 0) this.queue.push(acknowledgement(message));
      }
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      this.queue.push(acknowledgement(message, error));
    }
  }

  #tell(message: NetlinkMessage): void {
    const { flags, sequence } = message;
    if ((flags & MessageFlag.dump) === MessageFlag.dump) return this.#beginList(message);
    const { type, payload } = this.#rtnetlink.lookUp(message);
    this.queue.push(encodeMessage(type, 0, sequence, payload));
  }

  #beginList(message: NetlinkMessage): void {
    if (this.#rest.length > 0) throw new NetlinkError("list", Errno.busy);
    const { sequence } = message;
    const all = this.#rtnetlink.list(message).map(({ type, payload }: Told) => {
      return encodeMessage(type, NLM_F_MULTI, sequence, payload);
    });
    const done = encodeMessage(MessageType.done, NLM_F_MULTI, sequence, new Uint8Array(4));
    for (let at = 0; at < all.length; at += MESSAGES_EACH) {
      this.#rest.push(Buffer.concat(all.slice(at, at + MESSAGES_EACH)));
    }
    this.#rest.push(done);
    this.#makePart();
  }

  #makePart(): void {
    const part = this.#rest.shift();
    if (part !== undefined) this.queue.push(part);
  }

  onReadable(): void {}

  close(): void {
    this.queue.length = 0;
  }
}

/** Hears what others do, and the kernel itself. */
class EventSocket extends MemorySocket {
  readonly #hand: MemoryNetlink;
  #callback: (() => void) | undefined;
  #isReading = false;

  constructor(hand: MemoryNetlink) {
    super();
    this.#hand = hand;
    hand.onEvent((event) => this.#heard(event));
  }

  send(): void {
    throw new NetlinkError("send to the kernel", Errno.notSupported);
  }

  override receive(into: Uint8Array): number {
    this.#isReading = true;
    this.#hand.hear();
    this.#isReading = false;
    return super.receive(into);
  }

  onReadable(callback: () => void): void {
    this.#callback = callback;
  }

  close(): void {
    this.#callback = undefined;
    this.#hand.close();
  }

  #heard(event: NetlinkEvent): void {
    const told = tellEvent(event);
    if (told === undefined) this.queue.push(-Errno.noBuffers);
    else {
      const message = encodeMessage(told.type, told.flags, 0, told.payload);
      const portId = "portId" in event ? (event.portId ?? 0) : 0;
      new DataView(message.buffer).setUint32(12, portId, true);
      this.queue.push(message);
    }
    if (!this.#isReading) this.#poll();
  }

  /** For as long as there is something. */
  #poll(): void {
    if (this.queue.length === 0) return;
    this.#callback?.();
    if (this.queue.length > 0) setImmediate(() => this.#poll());
  }
}

/** As recvmmsg(2): what goes wrong with the first is told to nobody, with a later one to who receives next. */
export async function receiveMany(
  socket: Pick<NetlinkSocket, "receive">,
  into: readonly Uint8Array[],
  keep: (failure: number) => void,
): Promise<number[]> {
  await nextTurn();
  const lengths: number[] = [];
  for (const buffer of into) {
    const length = socket.receive(buffer);
    if (length < 0 && lengths.length > 0) keep(length);
    if (length <= 0) break;
    lengths.push(length);
  }
  return lengths;
}

function acknowledgement(request: NetlinkMessage, error?: NetlinkError): Uint8Array {
  const header = request.datagram.subarray(request.start - MESSAGE_HEADER_OCTETS, request.start);
  const fixed = new Uint8Array(4 + MESSAGE_HEADER_OCTETS);
  new DataView(fixed.buffer).setInt32(0, -(error?.errno ?? 0), true);
  fixed.set(header, 4);
  const writer = new AttributeWriter(fixed);
  const [, words] = error?.reason.split(": ") ?? [];
  if (words !== undefined) writer.text(ErrorAttribute.message, words);
  const flags = MessageFlag.capped | MessageFlag.ackAttributes;
  return encodeMessage(MessageType.error, flags, request.sequence, writer.finish());
}
