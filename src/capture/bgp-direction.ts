import { BgpError } from "../bgp/errors.ts";
import { headerOctets, MessageType } from "../bgp/iana.ts";
import type { CodecContext } from "../bgp/message/codec-context.ts";
import type { OpenMessage } from "../bgp/message/message.ts";
import { decodeOpen } from "../bgp/message/open.ts";
import { BgpStream } from "./bgp-stream.ts";
import { TcpStream } from "./tcp-stream.ts";

/** Told of each message of one direction, in order. */
type TellMessage = (direction: BgpDirection, octets: Uint8Array) => void;

/** What one end of a TCP connection sends. */
export class BgpDirection {
  readonly from: string;
  readonly to: string;
  /** How its messages are read, once both OPENs are known. */
  context: CodecContext | undefined;
  readonly #tell: TellMessage;
  #bgp: BgpStream;
  #tcp: TcpStream;
  #open: OpenMessage | undefined;

  constructor(from: string, to: string, tell: TellMessage) {
    this.from = from;
    this.to = to;
    this.#tell = tell;
    this.#bgp = this.#newStream(false);
    this.#tcp = new TcpStream(this.#bgp);
  }

  /** Of the last OPEN that was sound. */
  get open(): OpenMessage | undefined {
    return this.#open;
  }

  /** Octets kept for later. */
  get heldOctets(): number {
    return this.#bgp.heldOctets + this.#tcp.heldOctets;
  }

  /** A SYN: whatever had these ends before is over. */
  begin(sequence: number): void {
    this.context = undefined;
    this.#open = undefined;
    this.#bgp = this.#newStream(true);
    this.#tcp = new TcpStream(this.#bgp);
    this.#tcp.begin(sequence);
  }

  /** @param missingOctets how many of the segment were not captured */
  push(sequence: number, payload: Uint8Array, missingOctets: number): void {
    this.#tcp.push(sequence, payload, missingOctets);
  }

  end(): void {
    this.#tcp.end();
  }

  #newStream(startsWhole: boolean): BgpStream {
    const message = (octets: Uint8Array): void => {
      if (octets[headerOctets - 1] === MessageType.open) this.#open = openOf(octets) ?? this.#open;
      this.#tell(this, octets);
    };
    return new BgpStream(message, (octets) => this.#tell(this, octets), startsWhole);
  }
}

function openOf(message: Uint8Array): OpenMessage | undefined {
  try {
    return decodeOpen(message.subarray(headerOctets));
  } catch (error) {
    if (error instanceof BgpError) return undefined;
    throw error;
  }
}
