import { headerOctets } from "../bgp/iana.ts";
import { OctetQueue } from "./octet-queue.ts";

const markerOctets = 16;

/**
 * Cuts a stream into BGP messages by their Length fields alone, and finds the next marker where it is broken: after octets
 * that were not captured, at the beginning of a capture, or behind a message that is no message.
 */
export class BgpStream {
  readonly #message: (octets: Uint8Array) => void;
  readonly #broken: (octets: Uint8Array) => void;
  readonly #queue = new OctetQueue();
  /** Looking for a marker. */
  #isLost: boolean;

  /**
   * @param message is given each message, as a view that holds until it returns
   * @param broken is given the octets of a header that is none
   * @param startsWhole the first octet to come is the connection's first
   */
  constructor(
    message: (octets: Uint8Array) => void,
    broken: (octets: Uint8Array) => void,
    startsWhole: boolean,
  ) {
    this.#message = message;
    this.#broken = broken;
    this.#isLost = !startsWhole;
  }

  /** Octets kept for later. */
  get heldOctets(): number {
    return this.#queue.length;
  }

  push(octets: Uint8Array): void {
    this.#queue.push(octets);
    while (this.#isLost ? this.#findMarker() : this.#next());
  }

  /** Octets are missing here. */
  gap(): void {
    this.#queue.clear();
    this.#isLost = true;
  }

  /** @returns whether there was a whole message */
  #next(): boolean {
    const header = this.#queue.peek(headerOctets);
    if (header === undefined) return false;
    const length = ((header[16] as number) << 8) | (header[17] as number);
    const isSound = length >= headerOctets && isMarker(header, 0);
    if (!isSound) {
      this.#broken(header);
      this.#queue.skip(1);
      this.#isLost = true;
      return true;
    }
    const message = this.#queue.peek(length);
    if (message === undefined) return false;
    this.#message(message);
    this.#queue.skip(length);
    return true;
  }

  /** Skips to the next marker with a sound header behind it. @returns whether it was found */
  #findMarker(): boolean {
    const octets = this.#queue.peek(this.#queue.length) as Uint8Array;
    let at = 0;
    while (at + headerOctets <= octets.length && !isHeader(octets, at)) at++;
    this.#isLost = at + headerOctets > octets.length;
    this.#queue.skip(at);
    return !this.#isLost;
  }
}

function isMarker(octets: Uint8Array, at: number): boolean {
  for (let index = at; index < at + markerOctets; index++) if (octets[index] !== 0xff) return false;
  return true;
}

/** A marker, a length that is possible and a type that exists: 16 octets of ones alone stand in prefixes, too. */
function isHeader(octets: Uint8Array, at: number): boolean {
  if (!isMarker(octets, at)) return false;
  const length = ((octets[at + 16] as number) << 8) | (octets[at + 17] as number);
  const type = octets[at + 18] as number;
  return length >= headerOctets && length !== 0xffff && type >= 1 && type <= 5;
}
