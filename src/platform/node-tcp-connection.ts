import { constants } from "node:os";
import type { Server, Socket } from "node:net";
import { type IpVersion, parseIpAddress, withoutZone } from "../net/ip-address.ts";
import { hostPrefix } from "../net/prefix.ts";
import {
  savedSynTtl,
  sendNow,
  setKey,
  setSocketOptions,
  systemError,
  whyUnsupported,
} from "./linux-socket.ts";
import { type BatchSender, sendBatch } from "./send-batch.ts";
import { type TcpConnection, type TcpEvents, TcpOptionError, type TcpOptions } from "./tcp.ts";

/** How long a closed connection may take to flush its last words. */
const closeTimeoutMs = 2000;

/** What is longer gains nothing from going with others. */
const smallOctets = 4096;

const { EAGAIN } = constants.errno;

/** `::ffff:10.0.0.1` is 10.0.0.1. */
function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(?=\d+\.)/, "");
}

/** A sentence for each errno that a peer's TCP gives. */
export function describeError(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "connection refused: nobody listens on the peer's BGP port";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `no route to the peer (${error.code})`;
    case "ETIMEDOUT":
      return "connection timed out";
    case "ECONNRESET":
      return "connection reset by the peer";
    case "EADDRNOTAVAIL":
      return "the local address is not on this machine (EADDRNOTAVAIL)";
    case undefined:
      return error.message;
    default:
      return `${error.message} (${error.code})`;
  }
}

export function versionOf(address: string): IpVersion {
  return address.includes(":") ? 6 : 4;
}

/** The descriptor that Node keeps to itself; -1 once the socket is closed. */
export function descriptorOf(handle: Socket | Server): number {
  return (handle as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}

/** @throws TcpOptionError where this machine has no such options and one is asked for that must not be left out */
export function mayHaveOptions(options: TcpOptions): boolean {
  const why = whyUnsupported();
  if (why === undefined) return true;
  const { password, minimumTtl, device } = options;
  if ((password ?? minimumTtl ?? device) === undefined) return false;
  throw new TcpOptionError(`passwords, TTL security and devices are not possible here: ${why}`);
}

/** Sets options of a socket whose other end is, or will be, at an address. @throws TcpOptionError */
export function applyOptions(fd: number, remoteAddress: string, options: TcpOptions): void {
  if (!mayHaveOptions(options)) return;
  setSocketOptions(fd, versionOf(remoteAddress), options);
  if (!("password" in options)) return;
  const octets = parseIpAddress(withoutZone(remoteAddress));
  if (octets !== undefined) setKey(fd, hostPrefix(octets), options.password);
}

/** Without what Node adds: compiled code that reads octets of two kinds is compiled for both, and slower. */
function withoutMethods({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/** A TCP connection of `node:net`. */
export class NodeTcpConnection implements TcpConnection, BatchSender {
  readonly #socket: Socket;
  /** -1 where sends past Node are not possible. */
  readonly #fd: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  options: TcpOptions;
  /** The kernel has the SYN, and gives it once. */
  #hasSyn: boolean;
  #synTtl: number | undefined;
  /** Nobody is told of it any more. */
  #isOver = false;
  /** The other end has closed it. */
  #isGone = false;
  /** The last write is in the batch. */
  #isBatched = false;

  /** @param hasSyn it was accepted by a listener that keeps SYNs @param options that the socket has already */
  constructor(socket: Socket, hasSyn: boolean, options: TcpOptions) {
    this.#socket = socket;
    this.#fd = whyUnsupported() === undefined ? descriptorOf(socket) : -1;
    this.#hasSyn = hasSyn;
    this.options = options;
    this.localAddress = plainAddress(socket.localAddress);
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.remotePort = socket.remotePort ?? 0;
    socket.setNoDelay(true);
  }

  get synTtl(): number | undefined {
    if (this.#hasSyn) this.#synTtl = savedSynTtl(descriptorOf(this.#socket));
    this.#hasSyn = false;
    return this.#synTtl;
  }

  get queuedOctets(): number {
    this.#flush();
    return this.#socket.writableLength;
  }

  listen(events: TcpEvents): void {
    let failure = "connection closed by the peer";
    const fail = (): void => {
      this.#isGone = true;
      if (this.#isOver) return;
      this.#isOver = true;
      events.failed(failure);
    };
    const received = (octets: Buffer): void => events.received(withoutMethods(octets));
    this.#passOn(received);
    this.#socket
      .on("data", received)
      .on("drain", () => events.drained())
      .on("error", (error) => {
        failure = describeError(error);
      })
      // A peer that sends no more is gone, also while the rest of ours waits for it, which would put `close` off for ever.
      .on("end", fail)
      .on("close", fail);
  }

  /**
   * Has what arrives go past Node's stream, where that would only hand it on: a twelfth of what a single UPDATE takes. What the
   * stream is to keep, and the end, it gets as ever.
   */
  #passOn(received: (octets: Buffer) => void): void {
    const socket = this.#socket;
    const push = socket.push.bind(socket);
    socket.push = (octets: Buffer | null, encoding?: BufferEncoding): boolean => {
      const isHandedOn = socket.readableFlowing === true && socket.readableLength === 0;
      if (octets === null || !isHandedOn || this.#isOver) return push(octets, encoding);
      received(octets);
      return true;
    };
  }

  write(parts: readonly Uint8Array[]): boolean {
    this.#flush();
    const socket = this.#socket;
    const [octets] = parts;
    if (octets !== undefined && parts.length === 1 && this.#maySendAtOnce) {
      const batch = octets.length <= smallOctets ? sendBatch() : undefined;
      if (batch === undefined) return this.#goOn(octets, sendNow(this.#fd, octets));
      batch.add(this.#fd, octets, this);
      this.#isBatched = true;
      return true;
    }
    socket.cork();
    let mayGoOn = true;
    for (const part of parts) mayGoOn = socket.write(part);
    socket.uncork();
    return mayGoOn;
  }

  /** Past Node's stream, where nothing waits in it: small writes to a thousand peers take a third less time. */
  get #maySendAtOnce(): boolean {
    const socket = this.#socket;
    return this.#fd >= 0 && socket.writableLength === 0 && socket.writable;
  }

  sent(octets: Uint8Array, sent: number): void {
    this.#isBatched = false;
    this.#goOn(octets, sent);
  }

  /** Leaves to Node's stream what was not sent at once. */
  #goOn(octets: Uint8Array, sent: number): boolean {
    if (sent === octets.length) return true;
    if (sent >= 0 || sent === -EAGAIN)
      return this.#socket.write(octets.subarray(Math.max(0, sent)));
    this.#socket.destroy(systemError("send", -sent));
    return true;
  }

  /** What comes next comes after what is in the batch. */
  #flush(): void {
    if (this.#isBatched) sendBatch()?.flush();
  }

  setReading(reading: boolean): void {
    if (reading) this.#socket.resume();
    else this.#socket.pause();
  }

  setOptions(options: TcpOptions): void {
    const fd = descriptorOf(this.#socket);
    if (fd < 0) return;
    applyOptions(fd, this.remoteAddress, options);
    this.options = { ...this.options, ...options };
  }

  close(): void {
    this.#flush();
    const socket = this.#socket;
    const isHeard = !this.#isGone || socket.writableLength > 0;
    this.#isOver = true;
    socket.removeAllListeners("data").removeAllListeners("drain").removeAllListeners("close");
    socket.on("error", () => {});
    if (!isHeard) {
      socket.destroy();
      return;
    }
    // What still comes in is read and dropped: unread octets would turn the close into a reset that eats our last words.
    socket.resume();
    socket.end();
    const timeout = setTimeout(() => socket.destroy(), closeTimeoutMs);
    timeout.unref();
    socket.on("close", () => clearTimeout(timeout));
  }
}
