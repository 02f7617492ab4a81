import { headerOctets, maximumMessageOctets, type MessageType } from "../iana.ts";
import { checkHeader } from "./header.ts";

const nothing = new Uint8Array(0);

/** One message in a stream: a view that the framer reuses, valid until the next call of `next`. */
export interface FramedMessage {
  readonly type: MessageType;
  readonly octets: Uint8Array;
  /** The body is `octets[start..end)`, without the header. */
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts a TCP stream into messages (RFC 4271 §4.1). Push what arrived, then call `next` until it gives `undefined`: after
 * that the pushed memory is the caller's again. A message that lies whole in a chunk is not copied; only one that
 * spans chunks is, each octet once. Besides the chunks that are not drained it holds at most one message, and none while it
 * waits for the next: there are thousands of framers.
 */
export class Framer {
  /** 4096, or 65535 once we have offered RFC 8654. Takes effect at the next header. */
  maximumMessageOctets: number;
  /** Chunks that the last message of `next` came in; the one that goes on behind it is not counted. */
  pieces = 1;

  readonly #view: { -readonly [K in keyof FramedMessage]: FramedMessage[K] };
  /** Chunks not drained yet; those before `#head` are done with. */
  #chunks: Uint8Array[] = [];
  #head = 0;
  /** Where the rest of the chunk at `#head` starts. */
  #offset = 0;
  /** The beginning of a message that spans chunks, or the last such message. */
  #partial: Uint8Array = nothing;
  #partialOctets = 0;
  #pendingOctets = 0;

  constructor(maximumOctets: number = maximumMessageOctets) {
    this.maximumMessageOctets = maximumOctets;
    this.#view = { type: 4, octets: nothing, start: 0, end: 0 };
  }

  /** Octets pushed that no message returned by `next` has covered yet. */
  get pendingOctets(): number {
    return this.#pendingOctets;
  }

  /** Takes octets off the stream, without a copy: they must not change before `next` has given `undefined`. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#head === this.#chunks.length) this.#forgetChunks();
    this.#chunks.push(chunk);
    this.#pendingOctets += chunk.length;
  }

  /**
   * The next whole message, or `undefined` when more octets are needed.
   * @throws MessageHeaderError (RFC 4271 §6.1), again at every later call: the stream cannot be resynchronised
   */
  next(): FramedMessage | undefined {
    if (this.#partialOctets > 0) return this.#nextAcrossChunks();
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) {
      this.#forgetChunks();
      this.#partial = nothing;
      this.#view.octets = nothing;
      return undefined;
    }
    const start = this.#offset;
    const available = chunk.length - start;
    if (available >= headerOctets) {
      const length = checkHeader(chunk, start, this.maximumMessageOctets);
      if (available >= length) {
        this.pieces = 1;
        this.#skip(chunk, length);
        return this.#frame(chunk, start, length);
      }
    }
    this.pieces = 0;
    return this.#nextAcrossChunks();
  }

  #nextAcrossChunks(): FramedMessage | undefined {
    this.#reserve(headerOctets);
    if (!this.#collect(headerOctets)) return undefined;
    const length = checkHeader(this.#partial, 0, this.maximumMessageOctets);
    this.#reserve(length);
    if (!this.#collect(length)) return undefined;
    this.#partialOctets = 0;
    return this.#frame(this.#partial, 0, length);
  }

  /** Moves octets into `#partial` until it holds `count`; false when the chunks ran out first. */
  #collect(count: number): boolean {
    while (this.#partialOctets < count) {
      const chunk = this.#chunks[this.#head];
      if (chunk === undefined) {
        this.#forgetChunks();
        return false;
      }
      const moved = Math.min(count - this.#partialOctets, chunk.length - this.#offset);
      this.#partial.set(chunk.subarray(this.#offset, this.#offset + moved), this.#partialOctets);
      this.#partialOctets += moved;
      this.#skip(chunk, moved);
      if (this.#offset === 0) this.pieces++;
    }
    return true;
  }

  #reserve(octets: number): void {
    if (octets <= this.#partial.length) return;
    const larger = new Uint8Array(octets);
    larger.set(this.#partial.subarray(0, this.#partialOctets));
    this.#partial = larger;
  }

  #skip(chunk: Uint8Array, octets: number): void {
    this.#offset += octets;
    if (this.#offset < chunk.length) return;
    this.#head++;
    this.#offset = 0;
  }

  #forgetChunks(): void {
    if (this.#chunks.length === 0) return;
    this.#chunks.length = 0;
    this.#head = 0;
  }

  #frame(octets: Uint8Array, start: number, length: number): FramedMessage {
    this.#pendingOctets -= length;
    const view = this.#view;
    view.type = octets[start + headerOctets - 1] as MessageType;
    view.octets = octets;
    view.start = start + headerOctets;
    view.end = start + length;
    return view;
  }
}
