import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  type CallSchema,
  type End,
  type Frame,
  FrameSchema,
  StatusCode,
} from "../gen/margay/v1/frame_pb.ts";
import type { Clock } from "../platform/clock.ts";
import { ApiError } from "./api-error.ts";
import type { FrameTransport } from "./transport.ts";

/** How many messages may be on the way to us, per call. */
const WINDOW_CREDITS = 16;

/** One call under way: what came and was not yet taken. */
interface ClientStream {
  readonly payloads: Any[];
  end: End | ApiError | undefined;
  wake: (() => void) | undefined;
}

type Body = NonNullable<MessageInitShape<typeof FrameSchema>["body"]>;

/** The client's side of a connection: numbers the calls, and grants credit as answers are taken. */
export class ClientConnection {
  readonly #transport: FrameTransport;
  readonly #clock: Clock;
  readonly #streams = new Map<number, ClientStream>();
  #lastStreamId = 0;
  #closedReason: string | undefined;

  constructor(transport: FrameTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
    transport.start({
      frame: (frame) => this.#receive(frame),
      closed: (reason) => this.#closed(reason),
    });
  }

  /**
   * Makes a call. Yields its payloads; throws ApiError when it ends otherwise than OK, when the connection goes or
   * when nothing comes for `silenceMs`. Leaving the loop early cancels the call.
   */
  async *call(
    call: MessageInitShape<typeof CallSchema>,
    silenceMs: number | undefined,
  ): AsyncGenerator<Any, void> {
    const streamId = ++this.#lastStreamId;
    const stream: ClientStream = { payloads: [], end: undefined, wake: undefined };
    if (this.#closedReason !== undefined) throw connectionGone(this.#closedReason);
    this.#streams.set(streamId, stream);
    try {
      this.#send(streamId, { case: "call", value: { ...call, credits: WINDOW_CREDITS } });
      let taken = 0;
      for (;;) {
        const payload = await this.#next(stream, silenceMs);
        if (payload === undefined) return;
        yield payload;
        if (++taken < WINDOW_CREDITS / 2) continue;
        this.#send(streamId, { case: "window", value: { credits: taken } });
        taken = 0;
      }
    } finally {
      this.#streams.delete(streamId);
      if (stream.end === undefined) this.#send(streamId, { case: "cancel", value: {} });
    }
  }

  /** The next payload, or undefined at a good end. */
  async #next(stream: ClientStream, silenceMs: number | undefined): Promise<Any | undefined> {
    if (stream.payloads.length === 0 && stream.end === undefined) {
      await this.#arrival(stream, silenceMs);
    }
    const payload = stream.payloads.shift();
    if (payload !== undefined) return payload;
    const { end } = stream;
    if (end === undefined || end instanceof ApiError) {
      throw end ?? new ApiError(StatusCode.DEADLINE_EXCEEDED, `no answer within ${silenceMs} ms`);
    }
    if (end.code !== StatusCode.OK) throw new ApiError(end.code, end.message);
    return undefined;
  }

  async #arrival(stream: ClientStream, silenceMs: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.wake = resolve;
    const timer = silenceMs === undefined ? undefined : this.#clock.after(silenceMs, resolve);
    await promise;
    timer?.cancel();
    stream.wake = undefined;
  }

  #receive({ streamId, body }: Frame): void {
    // A stream that was cancelled may still have frames on the way.
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (body.case === "data" && body.value.payload !== undefined) {
      stream.payloads.push(body.value.payload);
    } else if (body.case === "end") stream.end = body.value;
    stream.wake?.();
  }

  #send(streamId: number, body: Body): void {
    if (this.#closedReason !== undefined) return;
    // Requests are few and small: no need to wait until they have left.
    void this.#transport.send(create(FrameSchema, { streamId, body }));
  }

  #closed(reason: string): void {
    this.#closedReason = reason;
    for (const stream of this.#streams.values()) {
      stream.end ??= connectionGone(reason);
      stream.wake?.();
    }
  }
}

function connectionGone(reason: string): ApiError {
  return new ApiError(StatusCode.UNAVAILABLE, `the connection to the daemon is gone: ${reason}`);
}
