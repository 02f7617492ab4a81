import type { CodecContext } from "../bgp/message/codec-context.ts";

/** A time of day, since 1970 in UTC. */
export interface CaptureTime {
  readonly seconds: number;
  /** 0..999,999,999 */
  readonly nanoseconds: number;
}

/** One BGP message out of a file. */
export interface CapturedMessage {
  /** For people who look for it in the file: `line 3`, `offset 1024`, `frame 17`. */
  readonly place: string;
  /** The whole message with its header: a view that holds until the next message is told. */
  readonly octets: Uint8Array;
  /** What of its session is known, or was guessed. */
  readonly context: CodecContext;
  /** An entry of a dumped table, told as the UPDATE that it came in. */
  readonly isTableEntry?: true;
  readonly time?: CaptureTime;
  /** Addresses, with ports where they are known. */
  readonly from?: string;
  readonly to?: string;
}

/** Something in the file that gives no message. */
export interface CaptureProblem {
  readonly place: string;
  /** In words. */
  readonly problem: string;
  /** What a session would say of it; absent: that it knows no more where messages begin (RFC 4271 §6.1). */
  readonly subcode?: number;
}

export type Captured = CapturedMessage | CaptureProblem;

export type Emit = (captured: Captured) => void;

/** Reads one file, octet by octet or all at once: the chunks make no difference. Never throws. */
export interface CaptureReader {
  /** Takes the next octets, which are the caller's again afterwards, and tells what they complete. */
  push(chunk: Uint8Array): void;
  /** There are no more. */
  end(): void;
}

/** How messages are read whose session is not known. */
export interface AssumedSession {
  readonly fourOctetAs: boolean;
  /** NLRI of every family carry path identifiers (RFC 7911). */
  readonly addPath: boolean;
}
