import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Frame, FrameSchema } from "../gen/margay/v1/frame_pb.ts";
import type { CloseCode, FrameReceiver, FrameTransport } from "./transport.ts";

/** One end of a connection inside the process. Frames cross it encoded, so that the two ends share nothing. */
class MemoryTransport implements FrameTransport {
  other: MemoryTransport | undefined;
  #receiver: FrameReceiver | undefined;
  #closedReason: string | undefined;
  readonly #waiting: Uint8Array[] = [];

  start(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    for (const octets of this.#waiting.splice(0)) receiver.frame(fromBinary(FrameSchema, octets));
    if (this.#closedReason !== undefined) receiver.closed(this.#closedReason);
  }

  async send(frame: Frame): Promise<void> {
    const octets = toBinary(FrameSchema, frame);
    await Promise.resolve();
    if (this.#closedReason === undefined) this.other?.deliver(octets);
  }

  close(_code: CloseCode, reason: string): void {
    this.shut(reason);
    this.other?.shut(reason);
  }

  deliver(octets: Uint8Array): void {
    if (this.#closedReason !== undefined) return;
    if (this.#receiver === undefined) this.#waiting.push(octets);
    else this.#receiver.frame(fromBinary(FrameSchema, octets));
  }

  shut(reason: string): void {
    if (this.#closedReason !== undefined) return;
    this.#closedReason = reason;
    this.#receiver?.closed(reason);
  }
}

/** The two ends of a connection inside the process, for tests and for a user interface that runs beside the speaker. */
export function memoryTransports(): [FrameTransport, FrameTransport] {
  const left = new MemoryTransport();
  const right = new MemoryTransport();
  left.other = right;
  right.other = left;
  return [left, right];
}
