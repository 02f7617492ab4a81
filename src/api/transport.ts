import type { Frame } from "../gen/margay/v1/frame_pb.ts";

/** What a transport tells its user; never before `start`. */
export interface FrameReceiver {
  frame(frame: Frame): void;
  /** Once, last. `reason` is a sentence without a full stop, for people. */
  closed(reason: string): void;
}

/** Carries frames to the other side, in order, and back. Both ends of a connection look the same. */
export interface FrameTransport {
  /** Starts the delivery of frames, with those that came before. */
  start(receiver: FrameReceiver): void;
  /**
   * Resolves when the frame has left this process (or never will, because the connection is closed): await it before
   * sending more on a stream, or a slow other side fills the memory.
   */
  send(frame: Frame): Promise<void>;
  /** Ends the connection; `closed` follows on both sides. */
  close(code: CloseCode, reason: string): void;
}

/** RFC 6455 §7.4.1 */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  invalidPayload: 1007,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];
