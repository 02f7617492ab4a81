import { readIpv4 } from "../net/ip-address.ts";
import { ipv4Prefix } from "../net/prefix.ts";
import { AddressFamily, RouteAttribute } from "./constants.ts";
import type { NetlinkMessage } from "./message.ts";
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
