import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Call, type Frame, FrameSchema, StatusCode } from "../gen/margay/v1/frame_pb.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { ApiError } from "./api-error.ts";
import type { Router } from "./router.ts";
import { CloseCode, type FrameTransport } from "./transport.ts";

/** What a client may have under way at once on a connection. */
const MAXIMUM_STREAMS = 64;
const DEFAULT_CREDITS = 16;
const MAXIMUM_CREDITS = 65_536;

export interface ServerConnectionOptions {
  readonly transport: FrameTransport;
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One call under way. */
interface Stream {
  credits: number;
  /** Wakes the stream when credits come. */
  wake: (() => void) | undefined;
  readonly abort: AbortController;
  deadline: Timer | undefined;
}

type Body = NonNullable<MessageInitShape<typeof FrameSchema>["body"]>;

/**
 * The server's side of a connection: runs calls, sends only what the client gave credit for and what the transport has
 * room for, so that a client that does not read costs one message per stream.
 */
export class ServerConnection {
  readonly #options: ServerConnectionOptions;
  readonly #streams = new Map<number, Stream>();
  #lastStreamId = 0;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
  }

  /** Takes calls from now on, until the transport is closed. */
  start(): void {
    this.#options.transport.start({
      frame: (frame) => this.#receive(frame),
      closed: () => this.#closed(),
    });
  }

  /** Calls under way. */
  get streams(): number {
    return this.#streams.size;
  }

  #receive(frame: Frame): void {
    const { streamId, body } = frame;
    switch (body.case) {
      case "call":
        this.#open(streamId, body.value);
        break;
      case "window":
        this.#grant(streamId, body.value.credits);
        break;
      case "cancel":
        this.#streams.get(streamId)?.abort.abort();
        this.#drop(streamId);
        break;
      case "data":
      case "end":
      case undefined:
        this.#protocolError(
          `a client sends call, window and cancel, not ${body.case ?? "nothing"}`,
        );
    }
  }

  #open(streamId: number, call: Call): void {
    if (streamId <= this.#lastStreamId) {
      this.#protocolError(`stream ${streamId} is not above ${this.#lastStreamId}`);
      return;
    }
    this.#lastStreamId = streamId;
    if (this.#streams.size >= MAXIMUM_STREAMS) {
      const text = `more than ${MAXIMUM_STREAMS} calls at once on a connection`;
      void this.#end(streamId, new ApiError(StatusCode.RESOURCE_EXHAUSTED, text));
      return;
    }
    const credits = Math.min(call.credits || DEFAULT_CREDITS, MAXIMUM_CREDITS);
    const stream: Stream = {
      credits,
      wake: undefined,
      abort: new AbortController(),
      deadline: undefined,
    };
    stream.abort.signal.addEventListener("abort", () => stream.wake?.(), { once: true });
    this.#streams.set(streamId, stream);
    if (call.deadlineMs > 0) {
      stream.deadline = this.#options.clock.after(call.deadlineMs, () => {
        stream.abort.abort(
          new ApiError(StatusCode.DEADLINE_EXCEEDED, `not done within ${call.deadlineMs} ms`),
        );
        void this.#finish(streamId, stream, stream.abort.signal.reason);
      });
    }
    void this.#run(streamId, stream, call);
  }

  async #run(streamId: number, stream: Stream, call: Call): Promise<void> {
    const { signal } = stream.abort;
    try {
      const payloads = this.#options.router(call, { signal });
      while (await this.#mayPull(stream)) {
        const next = await payloads.next();
        if (signal.aborted || next.done === true) break;
        stream.credits--;
        await this.#send(streamId, { case: "data", value: { payload: next.value } });
      }
      if (signal.aborted) await payloads.return();
      await this.#finish(streamId, stream, undefined);
    } catch (error) {
      await this.#finish(streamId, stream, error);
    }
  }

  /** Waits for credit; false when the call is over. */
  async #mayPull(stream: Stream): Promise<boolean> {
    const { signal } = stream.abort;
    if (stream.credits === 0 && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.wake = resolve;
      await promise;
      stream.wake = undefined;
    }
    return !signal.aborted;
  }

  #grant(streamId: number, credits: number): void {
    const stream = this.#streams.get(streamId);
    // The stream may have ended while the window was on its way.
    if (stream === undefined) return;
    stream.credits = Math.min(stream.credits + credits, MAXIMUM_CREDITS);
    if (stream.credits > 0) stream.wake?.();
  }

  async #finish(streamId: number, stream: Stream, error: unknown): Promise<void> {
    // Cancelled, expired or disconnected meanwhile: the stream is over for the client.
    if (this.#streams.get(streamId) !== stream) return;
    this.#drop(streamId);
    await this.#end(streamId, error);
  }

  async #end(streamId: number, error: unknown): Promise<void> {
    const status = this.#statusOf(error);
    await this.#send(streamId, { case: "end", value: status });
  }

  #statusOf(error: unknown): { code: StatusCode; message: string } {
    if (error === undefined) return { code: StatusCode.OK, message: "" };
    if (error instanceof ApiError) return { code: error.code, message: error.message };
    this.#options.logger.error({ err: error }, "an API call failed");
    const message =
      error instanceof Error ? error.message : "something that is no Error was thrown";
    return { code: StatusCode.INTERNAL, message };
  }

  #drop(streamId: number): void {
    this.#streams.get(streamId)?.deadline?.cancel();
    this.#streams.delete(streamId);
  }

  #send(streamId: number, body: Body): Promise<void> {
    return this.#options.transport.send(create(FrameSchema, { streamId, body }));
  }

  #protocolError(text: string): void {
    this.#options.logger.warn({ problem: text }, "an API client broke the protocol");
    this.#options.transport.close(CloseCode.protocolError, text);
  }

  #closed(): void {
    for (const [streamId, stream] of this.#streams) {
      stream.abort.abort();
      this.#drop(streamId);
    }
  }
}
