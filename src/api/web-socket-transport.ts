import type { RawData, WebSocket } from "ws";
import type { Frame } from "../gen/margay/v1/frame_pb.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { FrameCodec } from "./frame-codec.ts";
import { CloseCode, type FrameReceiver, type FrameTransport } from "./transport.ts";

/** A side that answers no ping for two of these is gone. */
const PING_INTERVAL_MS = 15_000;
const MISSED_PONGS = 2;
/** RFC 6455 §5.5: a control frame carries 125 octets, of which the code takes two. */
const MAXIMUM_REASON_OCTETS = 123;

/** What both ends set on `ws` besides their own limits: frames are small already, and zlib would hold memory per client. */
export const commonSocketOptions = {
  perMessageDeflate: false,
  maxFragments: 64,
  maxBufferedChunks: 1024,
} as const;

/** Frames over an open WebSocket, one per message, in the form of its subprotocol. */
export class WebSocketTransport implements FrameTransport {
  readonly #socket: WebSocket;
  readonly #codec: FrameCodec;
  readonly #clock: Clock;
  #receiver: FrameReceiver | undefined;
  #ping: Timer | undefined;
  #missedPongs = 0;
  /** Why the connection ends, where this side knows better than the close frame. */
  #reason: string | undefined;

  constructor(socket: WebSocket, codec: FrameCodec, clock: Clock) {
    this.#socket = socket;
    this.#codec = codec;
    this.#clock = clock;
    // An open socket may already have messages in its buffer: they wait for `start`.
    socket.pause();
  }

  start(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    this.#socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    this.#socket.on("pong", () => {
      this.#missedPongs = 0;
    });
    this.#socket.on("error", (error) => {
      this.#reason ??= error.message;
    });
    this.#socket.on("close", (code, reason) => {
      this.#ping?.cancel();
      receiver.closed(this.#reason ?? (reason.toString() || `closed with code ${code}`));
    });
    this.#ping = this.#clock.after(PING_INTERVAL_MS, () => this.#checkAlive());
    this.#socket.resume();
  }

  async send(frame: Frame): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const data = this.#codec.encode(frame);
    const { promise, resolve } = Promise.withResolvers<void>();
    // An error here means that the connection is gone, which "close" tells.
    this.#socket.send(data, { binary: this.#codec.binary }, () => resolve());
    await promise;
  }

  close(code: CloseCode, reason: string): void {
    this.#reason ??= reason;
    this.#socket.close(code, truncated(reason));
  }

  /** Ends it without waiting for the other side. */
  terminate(): void {
    this.#socket.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (isBinary !== this.#codec.binary) {
      const expected = this.#codec.binary ? "binary" : "text";
      const { subprotocol } = this.#codec;
      this.close(CloseCode.invalidPayload, `${subprotocol} takes ${expected} messages`);
      return;
    }
    let frame: Frame;
    try {
      // `binaryType` is left at "nodebuffer", so the data is one Buffer.
      frame = this.#codec.decode(data as Buffer);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.close(CloseCode.invalidPayload, `not a frame: ${text}`);
      return;
    }
    this.#receiver?.frame(frame);
  }

  #checkAlive(): void {
    if (this.#missedPongs >= MISSED_PONGS) {
      this.#reason ??= "the other side answers no ping";
      this.#socket.terminate();
      return;
    }
    this.#missedPongs++;
    this.#socket.ping();
    this.#ping?.restart();
  }
}

function truncated(reason: string): string {
  const octets = new TextEncoder().encode(reason);
  if (octets.length <= MAXIMUM_REASON_OCTETS) return reason;
  // A character cut in two becomes U+FFFD, three octets: leave room for it.
  return new TextDecoder().decode(octets.subarray(0, MAXIMUM_REASON_OCTETS - 3));
}
