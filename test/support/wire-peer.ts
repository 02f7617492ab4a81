import { once } from "node:events";
import { createServer, type Server, Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";

const patienceMs = 10_000;

/** Waits until `wake` is called. @throws Error when that takes too long: a test that waits in vain shall end, and clean up */
function woken(awaited: string, sleep: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new Error(`waited ${patienceMs / 1000} s in vain for ${awaited}`));
    }, patienceMs);
    sleep(() => {
      clearTimeout(late);
      resolve();
    });
  });
}

/** One end of a real TCP connection that says what a test has it say, and hears what the other end answers. */
export class WirePeer {
  readonly #socket: Socket;
  readonly #messages: Uint8Array[] = [];
  #octets = new Uint8Array(0);
  #isOver = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true);
    const over = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    socket.on("data", (octets) => this.#take(octets)).on("error", () => {});
    socket.on("end", over).on("close", over);
  }

  /** Dials 127.0.0.1. */
  static async connect(port: number, localAddress: string): Promise<WirePeer> {
    const socket = new Socket({ allowHalfOpen: true });
    const peer = new WirePeer(socket);
    socket.connect({ host: "127.0.0.1", port, localAddress });
    await once(socket, "connect");
    return peer;
  }

  #take(octets: Uint8Array): void {
    this.#octets = Buffer.concat([this.#octets, octets]);
    for (;;) {
      const length = ((this.#octets[16] ?? 0) << 8) | (this.#octets[17] ?? 0);
      if (length < 19 || this.#octets.length < length) break;
      this.#messages.push(this.#octets.subarray(0, length));
      this.#octets = this.#octets.subarray(length);
    }
    this.#wake();
  }

  /** Writes octets, so many at a time, a turn of the event loop each. */
  async send(octets: Uint8Array, chunkOctets = octets.length): Promise<void> {
    for (let at = 0; at < octets.length; at += chunkOctets) {
      if (at > 0) await nextTurn();
      this.#socket.write(octets.subarray(at, at + chunkOctets));
    }
  }

  /** The next whole message; `undefined` when the other end has closed without one. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#messages.length === 0 && !this.#isOver) {
      await woken("a message", (wake) => {
        this.#wake = wake;
      });
    }
    return this.#messages.shift();
  }

  /** Stops and resumes reading: what is not read fills the buffers of both kernels. */
  setReading(reading: boolean): void {
    if (reading) this.#socket.resume();
    else this.#socket.pause();
  }

  /** Says that nothing more comes. */
  end(): void {
    this.#socket.end();
  }

  /** Gone, with a reset where octets are unread. */
  destroy(): void {
    this.#socket.destroy();
  }
}

/** Somebody who can be dialled. */
export class WireListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #waiting: WirePeer[] = [];
  #wake: () => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#waiting.push(new WirePeer(socket));
      this.#wake();
    });
  }

  static async listen(address: string): Promise<WireListener> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, address);
    await once(server, "listening");
    return new WireListener(server);
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  }

  /** The next that dials. */
  async next(): Promise<WirePeer> {
    for (;;) {
      const peer = this.#waiting.shift();
      if (peer !== undefined) return peer;
      await woken("a connection", (wake) => {
        this.#wake = wake;
      });
    }
  }

  /** Who dials from now on is refused, and so is who waits. */
  close(): void {
    this.#server.close();
    for (const peer of this.#waiting) peer.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await Promise.resolve();
  }
}
