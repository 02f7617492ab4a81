/** Octets that came before their turn, one segment. */
interface HeldSegment {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Told of the stream: octets in their order, or that some are missing before the next. */
export interface StreamReader {
  /** A view, valid until it returns. */
  push(octets: Uint8Array): void;
  gap(): void;
}

/** More than this out of order, and what is missing was never captured. */
const maximumHeldOctets = 1024 * 1024;
const maximumHeldSegments = 4096;
/** Farther off than any window: the stream is another one. */
const maximumDistance = 1 << 30;

/** One direction of a TCP connection, put in order: retransmissions are dropped, segments that came too soon held. */
export class TcpStream {
  readonly #reader: StreamReader;
  /** The sequence number that is due; `undefined` before anything was seen. */
  #next: number | undefined;
  #held: HeldSegment[] = [];
  #heldOctets = 0;

  constructor(reader: StreamReader) {
    this.#reader = reader;
  }

  /** Octets kept for later. */
  get heldOctets(): number {
    return this.#heldOctets;
  }

  /** The connection begins: the stream's first octet has the number after `sequence`. */
  begin(sequence: number): void {
    this.#next = (sequence + 1) >>> 0;
    this.#held = [];
    this.#heldOctets = 0;
  }

  /** @param missingOctets how many of the segment were not captured */
  push(sequence: number, payload: Uint8Array, missingOctets: number): void {
    this.#next ??= sequence;
    const distance = distanceOf(sequence, this.#next);
    if (Math.abs(distance) > maximumDistance) {
      this.#skipTo(sequence);
      this.#held = [];
      this.#heldOctets = 0;
    }
    if (distance > 0 && distance <= maximumDistance) this.#hold(sequence, payload);
    else this.#deliver(sequence, payload);
    this.#deliverHeld();
    if (missingOctets > 0) this.#skipMissing((sequence + payload.length + missingOctets) >>> 0);
    if (this.#heldOctets > maximumHeldOctets || this.#held.length > maximumHeldSegments) {
      this.#giveUp();
    }
  }

  /** Nothing more will come: tells what was held. */
  end(): void {
    this.#giveUp();
  }

  #hold(sequence: number, payload: Uint8Array): void {
    if (payload.length === 0) return;
    this.#held.push({ sequence, payload: payload.slice() });
    this.#heldOctets += payload.length;
    const next = this.#next as number;
    this.#held.sort((a, b) => distanceOf(a.sequence, next) - distanceOf(b.sequence, next));
  }

  #deliver(sequence: number, payload: Uint8Array): void {
    const known = -distanceOf(sequence, this.#next as number);
    if (known >= payload.length) return;
    this.#next = (sequence + payload.length) >>> 0;
    this.#reader.push(payload.subarray(known));
  }

  #deliverHeld(): void {
    let first = this.#held[0];
    while (first !== undefined && distanceOf(first.sequence, this.#next as number) <= 0) {
      this.#held.shift();
      this.#heldOctets -= first.payload.length;
      this.#deliver(first.sequence, first.payload);
      first = this.#held[0];
    }
  }

  /** The octets before `end` were sent, but are not in the file. */
  #skipMissing(end: number): void {
    this.#giveUp();
    if (distanceOf(end, this.#next as number) > 0) this.#skipTo(end);
  }

  /** What is missing never comes. */
  #giveUp(): void {
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      this.#skipTo(first.sequence);
      this.#deliverHeld();
    }
  }

  #skipTo(sequence: number): void {
    if (this.#next === sequence) return;
    this.#next = sequence;
    this.#reader.gap();
  }
}

/** How far `a` is ahead of `b`, modulo 2³². */
function distanceOf(a: number, b: number): number {
  return (a - b) | 0;
}
