import { readIpv4 } from "../net/ip-address.ts";
import { ipv4Prefix } from "../net/prefix.ts";
import { AddressFamily, RouteAttribute } from "./constants.ts";
import { MESSAGE_HEADER_OCTETS, type NetlinkMessage } from "./message.ts";
import { decodeRoute, type KernelRoute, ROUTE_HEADER_OCTETS } from "./route.ts";

/**
 * Reads the routes of a list. Mostly one differs from the one before by its destination alone: then that is all that is
 * read, and the two have the same `hops`, as one object.
 */
export class RouteReader {
  /** The payload that was decoded last, in words of the machine. */
  #words: Int32Array = new Int32Array(0);
  #route: KernelRoute | undefined;
  /** Which of them is the destination; -1 where none is. */
  #destination = -1;
  #datagram: Uint8Array | undefined;
  #datagramWords: Int32Array = new Int32Array(0);
  /** Of the messages that `alike` has read. */
  #addresses = new Int32Array(0);

  /** See `decodeRoute`. */
  read(message: NetlinkMessage): KernelRoute | undefined {
    const route = this.#route;
    if (route === undefined || !this.#isLike(message)) return this.#decode(message.payload);
    const address = readIpv4(message.datagram, message.start + this.#destination * 4);
    return {
      prefix: ipv4Prefix(address, route.prefix.length),
      type: route.type,
      hops: route.hops,
      nextHopId: route.nextHopId,
      mtu: route.mtu,
      table: route.table,
      protocol: route.protocol,
      scope: route.scope,
      metric: route.metric,
      source: route.source,
      extras: route.extras,
    };
  }

  /**
   * Reads on over the messages behind the one that was read last that differ from it by their destination alone, headers and
   * all: their IPv4 addresses, as signed numbers, which hold until the next call. They are not told of again.
   */
  alike(message: NetlinkMessage): Int32Array {
    const words = this.#wordsOf(message.datagram);
    if (this.#addresses.length < words.length) this.#addresses = new Int32Array(words.length);
    const addresses = this.#addresses;
    const first = (message.start - MESSAGE_HEADER_OCTETS) >>> 2;
    const size = (message.next >>> 2) - first;
    const destination = this.#destination + MESSAGE_HEADER_OCTETS / 4;
    let count = 0;
    if (this.#destination < 0) return addresses.subarray(0, 0);
    let at = first + size;
    for (; at + size <= words.length && isAlike(words, first, at, size, destination); at += size) {
      addresses[count++] = swapped(words[at + destination] as number);
    }
    message.next = at * 4;
    return addresses.subarray(0, count);
  }

  /** Has it the same octets as the last one, the destination's apart? */
  #isLike({ datagram, start, end }: NetlinkMessage): boolean {
    const words = this.#words;
    const destination = this.#destination;
    if (destination < 0 || end - start !== words.length * 4) return false;
    const these = this.#wordsOf(datagram);
    const from = start >>> 2;
    for (let at = 0; at < words.length; at++) {
      if (these[from + at] !== words[at] && at !== destination) return false;
    }
    return true;
  }

  /** Messages begin at multiples of four octets of their datagram. */
  #wordsOf(datagram: Uint8Array): Int32Array {
    if (datagram !== this.#datagram) {
      this.#datagram = datagram;
      this.#datagramWords = wordsOf(datagram);
    }
    return this.#datagramWords;
  }

  #decode(payload: Uint8Array): KernelRoute | undefined {
    const octets = new Uint8Array(payload);
    const isWhole = octets.length % 4 === 0;
    this.#words = wordsOf(octets);
    this.#destination = isWhole ? destinationOffset(octets) >> 2 : -1;
    this.#route = decodeRoute(payload);
    return this.#route;
  }
}

/** Have two messages of a datagram the same words, one apart? */
function isAlike(words: Int32Array, a: number, b: number, size: number, except: number): boolean {
  for (let at = 0; at < size; at++) {
    if (words[a + at] !== words[b + at] && at !== except) return false;
  }
  return true;
}

/** A word in network order, as a number. */
function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function wordsOf(octets: Uint8Array): Int32Array {
  const isAligned = octets.byteOffset % 4 === 0;
  const { buffer, byteOffset, length } = isAligned ? octets : new Uint8Array(octets);
  return new Int32Array(buffer, byteOffset, length >>> 2);
}

/** The destination of an IPv4 route, which the kernel writes first or behind the table's number. */
function destinationOffset(payload: Uint8Array): number {
  if (payload[0] !== AddressFamily.ipv4) return -1;
  for (let at = ROUTE_HEADER_OCTETS; at + 8 <= payload.length; at += 8) {
    const isOfFour = payload[at] === 8 && payload[at + 1] === 0;
    if (!isOfFour) return -1;
    if (payload[at + 2] === RouteAttribute.destination && payload[at + 3] === 0) return at + 4;
  }
  return -1;
}
