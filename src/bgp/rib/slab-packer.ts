import type { Family } from "../family/family.ts";
import { Afi, AttributeCode, AttributeFlag, headerOctets, MessageType, Safi } from "../iana.ts";
import type { EgressAttributes } from "./egress.ts";
import type { PrefixTable } from "./prefix-table.ts";

/** Whole messages, ready for TCP, and which ranges of them came from which peer. */
export interface Slab {
  readonly octets: Uint8Array;
  /** How many messages that is. */
  readonly messages: number;
  /** Prefixes the messages speak of. */
  readonly prefixes: Int32Array;
  /** Flat [start, end) pairs of what a peer itself announced, which it is not sent. */
  readonly own: ReadonlyMap<number, readonly number[]>;
  /** Messages for one peer alone, sent to it after the rest. */
  readonly only: ReadonlyMap<number, Uint8Array>;
}

/** What V8 takes for a slab beside its octets and the numbers of its prefixes: objects, views and buffers; … */
const bytesPerSlab = 640;
/** … and for what is only for one peer, or for all but one. */
const bytesPerPeer = 128;

/** Octets of memory that a slab keeps alive: of one with a single UPDATE, most are not the UPDATE's. */
export function slabBytes({ octets, prefixes, own, only }: Slab): number {
  const ofPeers = (own.size + only.size) * bytesPerPeer;
  return octets.buffer.byteLength + prefixes.byteLength + bytesPerSlab + ofPeers;
}

const nobodysOwn: Slab["own"] = new Map();

/** Messages in `octets[start..end)`, which holds whole ones only. */
export function countMessages(octets: Uint8Array, start = 0, end: number = octets.length): number {
  let count = 0;
  for (let at = start; at < end; count++) {
    at += ((octets[at + 16] as number) << 8) | (octets[at + 17] as number);
  }
  return count;
}

/** IPv4 unicast stands in the UPDATE's own fields; everything else in MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760). */
export function isClassic(family: Pick<Family, "afi" | "safi">): boolean {
  return family.afi === Afi.ipv4 && family.safi === Safi.unicast;
}

/** With ADD-PATH, before each prefix. */
const pathIdOctets = 4;

/** Prefixes one after the other. */
export interface NlriSequence {
  /** The next prefix, or -1. */
  next(): number;
  /** With ADD-PATH: which path to the prefix that `next` gave last is meant. */
  readonly pathId: number;
}

/** Writes UPDATE messages one behind the other into a growing buffer, each as full as the session allows. */
export class SlabPacker {
  readonly #family: Family;
  readonly #prefixes: PrefixTable;
  readonly #classic: boolean;
  readonly #maximumMessageOctets: number;
  readonly #addPath: boolean;
  /** Of one prefix: the path identifier, a length octet, and at most an address. */
  readonly #maximumNlriOctets: number;
  #octets = new Uint8Array(4096);
  #length = 0;
  #messageStart = 0;
  #messages = 0;
  /** Made for the first who needs it: most slabs of a trickle have none. */
  #own: Map<number, number[]> | undefined;

  /** @param addPath NLRI have path identifiers (RFC 7911) */
  constructor(
    family: Family,
    prefixes: PrefixTable,
    maximumMessageOctets: number,
    addPath: boolean,
  ) {
    this.#family = family;
    this.#prefixes = prefixes;
    this.#classic = isClassic(family);
    this.#maximumMessageOctets = maximumMessageOctets;
    this.#addPath = addPath;
    this.#maximumNlriOctets = 1 + family.maximumLengthBits / 8 + (addPath ? pathIdOctets : 0);
  }

  get length(): number {
    return this.#length;
  }

  /** Octets of the buffer that is written to. */
  get bytes(): number {
    return this.#octets.length;
  }

  #ensure(count: number): void {
    if (this.#length + count <= this.#octets.length) return;
    const larger = new Uint8Array(Math.max(this.#length + count, this.#octets.length * 2));
    larger.set(this.#octets.subarray(0, this.#length));
    this.#octets = larger;
  }

  #uint16(at: number, value: number): void {
    this.#octets[at] = value >>> 8;
    this.#octets[at + 1] = value;
  }

  #openMessage(): void {
    this.#ensure(this.#maximumMessageOctets);
    const start = this.#length;
    this.#messageStart = start;
    this.#messages++;
    this.#octets.fill(0xff, start, start + 16);
    this.#octets[start + 18] = MessageType.update;
    this.#octets[start + 19] = 0;
    this.#octets[start + 20] = 0;
    this.#length = start + headerOctets + 2;
  }

  #closeMessage(): void {
    this.#uint16(this.#messageStart + 16, this.#length - this.#messageStart);
  }

  #room(reserved: number): boolean {
    return (
      this.#length - this.#messageStart + reserved + this.#maximumNlriOctets <=
      this.#maximumMessageOctets
    );
  }

  /** Withdraws the prefixes of a sequence. */
  withdraw(nlri: NlriSequence): void {
    let prefix = nlri.next();
    while (prefix >= 0) {
      this.#openMessage();
      const start = this.#messageStart;
      if (this.#classic) {
        // Two octets stay free for the attributes' length.
        for (; prefix >= 0 && this.#room(2); prefix = nlri.next()) this.#nlri(prefix, nlri);
        this.#uint16(start + headerOctets, this.#length - start - headerOctets - 2);
        this.#octets[this.#length++] = 0;
        this.#octets[this.#length++] = 0;
      } else {
        const attributeAt = this.#mpHead(AttributeCode.mpUnreachNlri);
        for (; prefix >= 0 && this.#room(0); prefix = nlri.next()) this.#nlri(prefix, nlri);
        this.#uint16(attributeAt + 2, this.#length - attributeAt - 4);
        this.#uint16(start + headerOctets + 2, this.#length - start - headerOctets - 4);
      }
      this.#closeMessage();
    }
  }

  #nlri(prefix: number, nlri: NlriSequence): void {
    if (this.#addPath) {
      const { pathId } = nlri;
      this.#uint16(this.#length, pathId >>> 16);
      this.#uint16(this.#length + 2, pathId);
      this.#length += pathIdOctets;
    }
    this.#length = this.#prefixes.writeNlri(prefix, this.#octets, this.#length);
  }

  /** Attributes' length (patched later) and the head of an MP attribute; returns where the attribute starts. */
  #mpHead(code: number): number {
    this.#length += 2;
    const at = this.#length;
    this.#octets[at] = AttributeFlag.optional | AttributeFlag.extendedLength;
    this.#octets[at + 1] = code;
    this.#uint16(at + 4, this.#family.afi);
    this.#octets[at + 6] = this.#family.safi;
    this.#length = at + 7;
    return at;
  }

  /**
   * Announces the prefixes of a sequence with these attributes. Where the attributes alone leave
   * no room in a message the prefixes are withdrawn instead, since an UPDATE that is not sent would leave the former
   * route in force. @param fromPeer whose path it is, 0 for our own
   */
  announce(attributes: EgressAttributes, fromPeer: number, nlri: NlriSequence): void {
    const fixed =
      headerOctets +
      4 +
      attributes.length +
      (attributes.classic ? 0 : 12 + attributes.nextHop.length);
    if (fixed + this.#maximumNlriOctets > this.#maximumMessageOctets) {
      this.withdraw(nlri);
      return;
    }
    const from = this.#length;
    let prefix = nlri.next();
    while (prefix >= 0) {
      this.#openMessage();
      prefix = attributes.classic
        ? this.#classicMessage(attributes, prefix, nlri)
        : this.#mpMessage(attributes, prefix, nlri);
      this.#closeMessage();
    }
    if (fromPeer !== 0) this.#noteOwn(fromPeer, from);
  }

  #classicMessage(attributes: EgressAttributes, first: number, nlri: NlriSequence): number {
    this.#uint16(this.#length, attributes.length);
    this.#length += 2;
    this.#copyAttributes(attributes);
    let prefix = first;
    for (; prefix >= 0 && this.#room(0); prefix = nlri.next()) this.#nlri(prefix, nlri);
    return prefix;
  }

  #mpMessage(attributes: EgressAttributes, first: number, nlri: NlriSequence): number {
    const attributeAt = this.#mpHead(AttributeCode.mpReachNlri);
    this.#octets[this.#length++] = attributes.nextHop.length;
    this.#octets.set(attributes.nextHop, this.#length);
    this.#length += attributes.nextHop.length;
    this.#octets[this.#length++] = 0; // reserved
    let prefix = first;
    for (; prefix >= 0 && this.#room(attributes.length); prefix = nlri.next()) {
      this.#nlri(prefix, nlri);
    }
    this.#uint16(attributeAt + 2, this.#length - attributeAt - 4);
    this.#copyAttributes(attributes);
    const lengthAt = this.#messageStart + headerOctets + 2;
    this.#uint16(lengthAt, this.#length - lengthAt - 2);
    return prefix;
  }

  #copyAttributes(attributes: EgressAttributes): void {
    const from = attributes.octets;
    const length = attributes.length;
    let to = this.#length;
    for (let at = 0; at < length; at++) this.#octets[to++] = from[at] as number;
    this.#length = to;
  }

  #noteOwn(peer: number, from: number): void {
    this.#own ??= new Map();
    const ranges = this.#own.get(peer);
    if (ranges === undefined) this.#own.set(peer, [from, this.#length]);
    else if (ranges[ranges.length - 1] === from) ranges[ranges.length - 1] = this.#length;
    else ranges.push(from, this.#length);
  }

  /** Hands out what was written and starts afresh. */
  take(): Pick<Slab, "octets" | "messages" | "own"> {
    const { length } = this;
    let octets = this.#octets.subarray(0, length);
    // A slab may wait long for slow peers: it must not hold on to a buffer much larger than itself.
    if (length * 2 < this.#octets.length) octets = octets.slice();
    else this.#octets = new Uint8Array(this.#octets.length);
    const own = this.#own ?? nobodysOwn;
    const messages = this.#messages;
    this.#messages = 0;
    this.#length = 0;
    this.#own = undefined;
    return { octets, messages, own };
  }
}
