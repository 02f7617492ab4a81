import { negotiate } from "../bgp/fsm/negotiate.ts";
import { headerOctets, MessageType } from "../bgp/iana.ts";
import type { CodecContext } from "../bgp/message/codec-context.ts";
import { assumedContext } from "./assumed-context.ts";
import { BgpDirection } from "./bgp-direction.ts";
import type { AssumedSession, CaptureTime, Emit } from "./captured.ts";
import type { TcpSegment } from "./tcp-segment.ts";

/** One TCP connection: its two directions, and what their OPENs agree on. */
export class BgpConnection {
  readonly #assumed: CodecContext;
  readonly #emit: Emit;
  readonly #there: BgpDirection;
  readonly #back: BgpDirection;
  /** Of the packet that is read. */
  #place = "";
  #time: CaptureTime = { seconds: 0, nanoseconds: 0 };

  constructor(from: string, to: string, assumed: AssumedSession, emit: Emit) {
    this.#assumed = assumedContext(assumed);
    this.#emit = emit;
    const tell = (direction: BgpDirection, octets: Uint8Array): void => {
      this.#tell(direction, octets);
    };
    this.#there = new BgpDirection(from, to, tell);
    this.#back = new BgpDirection(to, from, tell);
  }

  /** Octets kept for later. */
  get heldOctets(): number {
    return this.#there.heldOctets + this.#back.heldOctets;
  }

  /** @param from the sender's end, by which its direction is known */
  push(segment: TcpSegment, from: string, place: string, time: CaptureTime): void {
    this.#place = place;
    this.#time = time;
    const { isSyn, missingOctets, payload, sequence } = segment;
    const direction = this.#there.from === from ? this.#there : this.#back;
    if (isSyn) direction.begin(sequence);
    // A SYN has a number of its own before that of its data.
    direction.push(isSyn ? (sequence + 1) >>> 0 : sequence, payload, missingOctets);
  }

  end(): void {
    this.#there.end();
    this.#back.end();
  }

  #tell({ context = this.#assumed, from, to }: BgpDirection, octets: Uint8Array): void {
    const place = this.#place;
    this.#emit({ place, octets, context, time: this.#time, from, to });
    if (octets[headerOctets - 1] === MessageType.open) this.#negotiate();
  }

  /** What either end sends is read as the other understood it. */
  #negotiate(): void {
    const { open: there } = this.#there;
    const { open: back } = this.#back;
    if (there === undefined || back === undefined) return;
    this.#there.context = negotiate(back, there).codec;
    this.#back.context = negotiate(there, back).codec;
  }
}
