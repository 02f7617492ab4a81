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
  /** The payload that was decoded last. */
  #octets = new Uint8Array(0);
  #route: KernelRoute | undefined;
  /** Where in the payload the four octets of the destination are; -1 where there are none such. */
  #destination = -1;

  /** See `decodeRoute`. */
  read(message: NetlinkMessage): KernelRoute | undefined {
    const route = this.#route;
    if (route === undefined || !this.#isLike(message)) return this.#decode(message.payload);
    const address = readIpv4(message.datagram, message.start + this.#destination);
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
    const octets = this.#octets;
    const destination = this.#destination;
    if (destination < 0 || end - start !== octets.length) return false;
    for (let at = 0; at < destination; at++) {
      if (datagram[start + at] !== octets[at]) return false;
    }
    for (let at = destination + 4; at < octets.length; at++) {
      if (datagram[start + at] !== octets[at]) return false;
    }
    return true;
  }

  #decode(payload: Uint8Array): KernelRoute | undefined {
    this.#octets = payload.slice();
    this.#destination = destinationOffset(this.#octets);
    this.#route = decodeRoute(payload);
    return this.#route;
  }
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
