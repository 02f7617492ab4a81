import { createServer, type Server, Socket } from "node:net";
import {
  type DialOptions,
  type Tcp,
  type TcpConnection,
  type TcpDial,
  type TcpEvents,
  type TcpListener,
  TcpListenError,
} from "./tcp.ts";

/** Thousands of nodes connect at once when a reflector comes back; a short queue would have them retransmit in step. */
const listenBacklog = 4096;

/** Octets a socket may hold before `write` says it is full. */
const sendBufferOctets = 256 * 1024;

/** How long a closed connection may take to flush its last words. */
const closeTimeoutMs = 2000;

/** `::ffff:10.0.0.1` is 10.0.0.1. */
function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(?=\d+\.)/, "");
}

/** A sentence for each errno that a peer's TCP gives. */
function describeError(error: NodeJS.ErrnoException): string {
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

class NodeTcpConnection implements TcpConnection {
  readonly #socket: Socket;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  #isOver = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.localAddress = plainAddress(socket.localAddress);
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.remotePort = socket.remotePort ?? 0;
    socket.setNoDelay(true);
  }

  get queuedOctets(): number {
    return this.#socket.writableLength;
  }

  listen(events: TcpEvents): void {
    let failure = "connection closed by the peer";
    const fail = (): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      events.failed(failure);
    };
    this.#socket
      .on("data", (octets: Buffer) => events.received(octets))
      .on("drain", () => events.drained())
      .on("error", (error) => {
        failure = describeError(error);
      })
      // A peer that sends no more is gone, also while the rest of ours waits for it, which would put `close` off for ever.
      .on("end", fail)
      .on("close", fail);
  }

  write(parts: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (parts.length === 1) return socket.write(parts[0] as Uint8Array);
    socket.cork();
    let mayGoOn = true;
    for (const part of parts) mayGoOn = socket.write(part);
    socket.uncork();
    return mayGoOn;
  }

  setReading(reading: boolean): void {
    if (reading) this.#socket.resume();
    else this.#socket.pause();
  }

  close(): void {
    const socket = this.#socket;
    this.#isOver = true;
    socket.removeAllListeners("data").removeAllListeners("drain").removeAllListeners("close");
    socket.on("error", () => {});
    // What still comes in is read and dropped: unread octets would turn the close into a reset that eats our last words.
    socket.resume();
    socket.end();
    const timeout = setTimeout(() => socket.destroy(), closeTimeoutMs);
    timeout.unref();
    socket.on("close", () => clearTimeout(timeout));
  }
}

function dial(options: DialOptions): TcpDial {
  const socket = new Socket({ writableHighWaterMark: sendBufferOctets } as object);
  let failure = "connection closed by the peer";
  const fail = (): void => options.failed(failure);
  const note = (error: NodeJS.ErrnoException): void => {
    failure = describeError(error);
  };
  socket.on("error", note).once("close", fail);
  socket.once("connect", () => {
    socket.off("close", fail).off("error", note);
    options.connected(new NodeTcpConnection(socket));
  });
  socket.connect({
    host: options.address,
    port: options.port,
    ...(options.localAddress !== undefined && { localAddress: options.localAddress }),
  });
  return {
    cancel() {
      socket.removeAllListeners("connect").removeAllListeners("close");
      socket.destroy();
    },
  };
}

function listenError(error: NodeJS.ErrnoException, where: string): TcpListenError {
  const cause = { cause: error };
  switch (error.code) {
    case "EADDRINUSE":
      return new TcpListenError(
        `${where} is in use: stop the other BGP daemon (\`ss -ltnp\` names it) or listen on another port`,
        cause,
      );
    case "EACCES":
      return new TcpListenError(
        `no permission to listen on ${where}: run as root or grant CAP_NET_BIND_SERVICE`,
        cause,
      );
    case "EADDRNOTAVAIL":
      return new TcpListenError(
        `cannot listen on ${where}: no interface of this machine has that address`,
        cause,
      );
    case undefined:
    default:
      return new TcpListenError(`cannot listen on ${where}: ${error.message}`, cause);
  }
}

async function listen(options: Parameters<Tcp["listen"]>[0]): Promise<TcpListener> {
  const server = createServer({ highWaterMark: sendBufferOctets }, (socket) => {
    options.accepted(new NodeTcpConnection(socket));
  });
  const { address, port } = options;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(listenError(error, `${address.includes(":") ? `[${address}]` : address}:${port}`));
    });
    server.listen({ host: address, port, backlog: listenBacklog, ipv6Only: true }, () => {
      // A connection that cannot be accepted, for want of a file descriptor say, is the peer's to dial again.
      server.removeAllListeners("error").on("error", () => {});
      resolve();
    });
  });
  return { port: boundPort(server), close: () => closeServer(server) };
}

function boundPort(server: Server): number {
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : 0;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/** TCP by `node:net`. */
export const nodeTcp: Tcp = { dial, listen };
