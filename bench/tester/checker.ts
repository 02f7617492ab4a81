import { AttributeCode, AttributeFlag, headerOctets, MessageType } from "../../src/bgp/iana.ts";
import { type Announcements, firstSetAsn } from "./load.ts";
import { peerAddress, peerOfAddress } from "./universe.ts";

/** What a daemon must not do; all counts must be 0. */
export interface Violations {
  nextHop: number;
  originatorId: number;
  clusterList: number;
  /** Prefixes that came with another's attributes. */
  attributes: number;
  unknownPrefix: number;
  malformed: number;
  notifications: number;
  sessionsLost: number;
}

/** What a daemon may do, at a cost. */
export interface Notes {
  /** A client's own prefixes, sent back to it. */
  echoed: number;
  repeated: number;
  withdrawnInVain: number;
}

const markerOctets = 16;
const maximumOctets = 4096;

/** A change of one prefix that everybody is waiting for. */
interface Watch {
  readonly index: number;
  readonly announced: boolean;
  readonly sinceMs: number;
  readonly seen: Uint8Array;
  /** Milliseconds after `sinceMs` at which a client had it, in the order of arrival. */
  readonly latenciesMs: number[];
}

/**
 * Judges what a reflector sends to its clients, octet for octet: which prefixes each of them holds, and whether every one
 * came with its own next hop, ORIGINATOR_ID, CLUSTER_LIST and attribute set. No object per prefix: what a client holds is
 * a row of bits.
 */
export class Checker {
  readonly violations: Violations = {
    nextHop: 0,
    originatorId: 0,
    clusterList: 0,
    attributes: 0,
    unknownPrefix: 0,
    malformed: 0,
    notifications: 0,
    sessionsLost: 0,
  };
  readonly notes: Notes = { echoed: 0, repeated: 0, withdrawnInVain: 0 };
  /** When a client came to hold all it is meant to, milliseconds, or NaN. */
  readonly completeAtMs: Float64Array;
  updates = 0;
  readonly #announcements: Announcements;
  readonly #sets: Uint32Array | undefined;
  readonly #total: number;
  readonly #words: number;
  readonly #held: Int32Array;
  readonly #counts: Uint32Array;
  readonly #remainders: Uint8Array[];
  readonly #remainderOctets: Uint16Array;
  #joined = new Uint8Array(maximumOctets);
  #wantsAll = false;
  #complete = 0;
  #watch: Watch | undefined;

  // Of the message at hand.
  #client = 0;
  #atMs = 0;
  #nextHop = 0;
  #originatorId = 0;
  #hasClusterList = false;
  #lastAsn = 0;

  constructor(announcements: Announcements, clients: number, sets: Uint32Array | undefined) {
    this.#announcements = announcements;
    this.#sets = sets;
    this.#total = announcements.senders * announcements.prefixesEach;
    this.#words = Math.ceil(this.#total / 32);
    this.#held = new Int32Array(this.#words * clients);
    this.#counts = new Uint32Array(clients);
    this.#remainders = Array.from({ length: clients }, () => new Uint8Array(maximumOctets));
    this.#remainderOctets = new Uint16Array(clients);
    this.completeAtMs = new Float64Array(clients).fill(Number.NaN);
  }

  /** Clients that hold exactly what they are meant to. */
  get complete(): number {
    return this.#complete;
  }

  /** Prefixes that a client is meant to hold: all but its own. */
  #expected(client: number): number {
    if (!this.#wantsAll) return 0;
    const own = client < this.#announcements.senders ? this.#announcements.prefixesEach : 0;
    return this.#total - own;
  }

  /** From now on every client is meant to hold everybody else's prefixes, or none. */
  expect(prefixes: "all" | "none", nowMs: number): void {
    this.#wantsAll = prefixes === "all";
    this.#complete = 0;
    this.completeAtMs.fill(Number.NaN);
    for (let client = 0; client < this.#counts.length; client++) this.#judge(client, nowMs);
  }

  #judge(client: number, atMs: number): void {
    if (this.#counts[client] !== this.#expected(client)) return;
    if (!Number.isNaN(this.completeAtMs[client])) return;
    this.completeAtMs[client] = atMs;
    this.#complete++;
  }

  /** A client's session is gone, and with it what it held. */
  forget(client: number): void {
    this.#held.fill(0, client * this.#words, (client + 1) * this.#words);
    this.#counts[client] = 0;
    this.#remainderOctets[client] = 0;
    if (Number.isNaN(this.completeAtMs[client])) return;
    this.completeAtMs[client] = Number.NaN;
    this.#complete--;
  }

  /** Waits for every client but `sender` to see the change of prefix `index`. */
  watch(index: number, announced: boolean, sinceMs: number): void {
    const seen = new Uint8Array(this.#counts.length);
    this.#watch = { index, announced, sinceMs, seen, latenciesMs: [] };
  }

  /** How long the clients that have seen the watched change waited for it. */
  get latenciesMs(): readonly number[] {
    return this.#watch?.latenciesMs ?? [];
  }

  /**
   * Takes octets of a client's session as they came, cut anywhere.
   * @returns false when they are not BGP; the session is then of no use any more
   */
  take(client: number, octets: Uint8Array, start: number, end: number, atMs: number): boolean {
    this.#client = client;
    this.#atMs = atMs;
    const kept = this.#remainderOctets[client] as number;
    const remainder = this.#remainders[client] as Uint8Array;
    if (kept === 0) return this.#walk(octets, start, end);
    const length = kept + end - start;
    if (length > this.#joined.length) this.#joined = new Uint8Array(2 * length);
    const joined = this.#joined;
    joined.set(remainder.subarray(0, kept));
    joined.set(octets.subarray(start, end), kept);
    return this.#walk(joined, 0, length);
  }

  /** Judges every whole message, and keeps the rest for the next call. */
  #walk(octets: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (end - at >= headerOctets) {
      const length = ((octets[at + 16] as number) << 8) | (octets[at + 17] as number);
      if (length < headerOctets || length > maximumOctets || !isMarker(octets, at)) {
        this.violations.malformed++;
        return false;
      }
      if (end - at < length) break;
      const type = octets[at + 18];
      if (type === MessageType.notification) this.violations.notifications++;
      if (type === MessageType.update && !this.#update(octets, at + headerOctets, at + length)) {
        this.violations.malformed++;
        return false;
      }
      at += length;
    }
    (this.#remainders[this.#client] as Uint8Array).set(octets.subarray(at, end));
    this.#remainderOctets[this.#client] = end - at;
    return true;
  }

  #update(octets: Uint8Array, start: number, end: number): boolean {
    this.updates++;
    const withdrawnEnd = start + 2 + uint16(octets, start);
    if (withdrawnEnd + 2 > end) return false;
    if (!this.#withdrawn(octets, start + 2, withdrawnEnd)) return false;
    const attributesEnd = withdrawnEnd + 2 + uint16(octets, withdrawnEnd);
    if (attributesEnd > end) return false;
    if (!this.#attributes(octets, withdrawnEnd + 2, attributesEnd)) return false;
    if (!this.#announced(octets, attributesEnd, end)) return false;
    this.#judge(this.#client, this.#atMs);
    return true;
  }

  #attributes(octets: Uint8Array, start: number, end: number): boolean {
    this.#nextHop = 0;
    this.#originatorId = 0;
    this.#hasClusterList = false;
    this.#lastAsn = 0;
    let at = start;
    while (at < end) {
      const extended = ((octets[at] as number) & AttributeFlag.extendedLength) !== 0;
      const valueAt = at + (extended ? 4 : 3);
      const length = extended ? uint16(octets, at + 2) : (octets[at + 2] as number);
      if (valueAt + length > end) return false;
      switch (octets[at + 1] as number) {
        case AttributeCode.asPath:
          if (length >= 6) this.#lastAsn = uint32(octets, valueAt + length - 4);
          break;
        case AttributeCode.nextHop:
          this.#nextHop = uint32(octets, valueAt);
          break;
        case AttributeCode.originatorId:
          this.#originatorId = uint32(octets, valueAt);
          break;
        case AttributeCode.clusterList:
          this.#hasClusterList = length >= 4 && length % 4 === 0;
          break;
        default:
      }
      at = valueAt + length;
    }
    return at === end;
  }

  #withdrawn(octets: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end) {
      const index = this.#index(octets, at, end);
      at += 1 + (((octets[at] as number) + 7) >>> 3);
      if (at > end) return false;
      if (index < 0) continue;
      const word = this.#client * this.#words + (index >>> 5);
      const bit = 1 << (index & 31);
      if (((this.#held[word] as number) & bit) === 0) {
        this.notes.withdrawnInVain++;
        continue;
      }
      this.#held[word] = (this.#held[word] as number) & ~bit;
      (this.#counts[this.#client] as number)--;
      if (this.#watch?.index === index) this.#see(this.#watch, false);
    }
    return true;
  }

  #announced(octets: Uint8Array, start: number, end: number): boolean {
    if (start === end) return true;
    const { prefixesEach, senders } = this.#announcements;
    const sender = peerOfAddress(this.#nextHop);
    const known = sender >= 0 && sender < senders;
    const first = known ? sender * prefixesEach : 0;
    const last = known ? first + prefixesEach : 0;
    let at = start;
    while (at < end) {
      const index = this.#index(octets, at, end);
      at += 1 + (((octets[at] as number) + 7) >>> 3);
      if (at > end) return false;
      if (index < 0) continue;
      if (index < first || index >= last) this.violations.nextHop++;
      this.#judgeAttributes(index, Math.floor(index / prefixesEach));
      const word = this.#client * this.#words + (index >>> 5);
      const bit = 1 << (index & 31);
      if (((this.#held[word] as number) & bit) !== 0) this.notes.repeated++;
      else {
        this.#held[word] = (this.#held[word] as number) | bit;
        (this.#counts[this.#client] as number)++;
      }
      if (this.#watch?.index === index) this.#see(this.#watch, true);
    }
    return true;
  }

  /** The number of a prefix that the client is meant to be told of, or -1. */
  #index(octets: Uint8Array, at: number, end: number): number {
    const lengthBits = octets[at] as number;
    if (at + 1 + ((lengthBits + 7) >>> 3) > end) return -1;
    const index = this.#announcements.universe.indexOf(octets, at + 1, lengthBits);
    if (index < 0 || index >= this.#total) {
      this.violations.unknownPrefix++;
      return -1;
    }
    const { prefixesEach } = this.#announcements;
    const ownFirst = this.#client * prefixesEach;
    if (index >= ownFirst && index < ownFirst + prefixesEach) {
      this.notes.echoed++;
      return -1;
    }
    return index;
  }

  #judgeAttributes(index: number, owner: number): void {
    if (this.#originatorId !== peerAddress(owner)) this.violations.originatorId++;
    if (!this.#hasClusterList) this.violations.clusterList++;
    const set = this.#sets?.[index];
    const expected = set === undefined ? 0 : firstSetAsn + set;
    if (this.#lastAsn !== expected) this.violations.attributes++;
  }

  #see(watch: Watch, announced: boolean): void {
    if (watch.announced !== announced || watch.seen[this.#client] === 1) return;
    watch.seen[this.#client] = 1;
    watch.latenciesMs.push(this.#atMs - watch.sinceMs);
  }
}

function uint16(octets: Uint8Array, at: number): number {
  return ((octets[at] as number) << 8) | (octets[at + 1] as number);
}

function uint32(octets: Uint8Array, at: number): number {
  return ((uint16(octets, at) << 16) | uint16(octets, at + 2)) >>> 0;
}

function isMarker(octets: Uint8Array, at: number): boolean {
  for (let index = at; index < at + markerOctets; index++) {
    if (octets[index] !== 0xff) return false;
  }
  return true;
}
