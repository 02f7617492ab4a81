import { formatEndpoint } from "../net/endpoint.ts";
import { bgpPort } from "../bgp/iana.ts";
import { BgpConnection } from "./bgp-connection.ts";
import type { AssumedSession, CaptureTime, Emit } from "./captured.ts";
import type { TcpSegment } from "./tcp-segment.ts";

/** So many are followed at once; the one that was silent longest is forgotten first. */
const maximumConnections = 65_536;
/** What all of them may hold: octets out of order, and messages that are not whole. */
const maximumHeldOctets = 64 * 1024 * 1024;

/** The TCP connections of port 179 in a capture. */
export class BgpConnections {
  readonly #assumed: AssumedSession;
  readonly #emit: Emit;
  /** By their ends, the one heard of last at the end. */
  readonly #connections = new Map<string, BgpConnection>();
  #heldOctets = 0;

  constructor(assumed: AssumedSession, emit: Emit) {
    this.#assumed = assumed;
    this.#emit = emit;
  }

  push(segment: TcpSegment, place: string, time: CaptureTime): void {
    const { destinationPort, sourcePort } = segment;
    if (sourcePort !== bgpPort && destinationPort !== bgpPort) return;
    if (segment.payload.length === 0 && segment.missingOctets === 0 && !segment.isSyn) return;
    const from = formatEndpoint(segment.source, sourcePort);
    const to = formatEndpoint(segment.destination, destinationPort);
    const [key, connection] = this.#find(from, to);
    const before = connection.heldOctets;
    connection.push(segment, from, place, time);
    this.#heldOctets += connection.heldOctets - before;
    if (this.#heldOctets > maximumHeldOctets) this.#forget(key, connection);
  }

  #find(from: string, to: string): [key: string, connection: BgpConnection] {
    const key = from < to ? `${from} ${to}` : `${to} ${from}`;
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new BgpConnection(from, to, this.#assumed, this.#emit);
      const [oldest] = this.#connections;
      if (oldest !== undefined && this.#connections.size >= maximumConnections)
        this.#forget(...oldest);
    }
    this.#connections.delete(key);
    this.#connections.set(key, connection);
    return [key, connection];
  }

  #forget(key: string, connection: BgpConnection): void {
    this.#heldOctets -= connection.heldOctets;
    this.#connections.delete(key);
    connection.end();
  }

  /** The capture is over: tells what could not be put in order. */
  end(): void {
    for (const connection of this.#connections.values()) connection.end();
    this.#connections.clear();
  }
}
