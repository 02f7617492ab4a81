import { Records } from "./columns.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PathReason } from "./path-reason.ts";

/** Flags of a path. */
export const PathFlag = {
  /** Kept over its peer's restart until the peer has announced it again (RFC 4724 §4.2). */
  stale: 1,
  /** The import policy refused it; it is kept so that it can be shown, and judged again. */
  filtered: 2,
  /** Stale, and its peer's restart time is over: it has LLGR_STALE attached (RFC 9494 §4.2). */
  longLived: 4,
} as const;

/** From this bit on stands why a path is filtered: a `PathReason`, or 0 for its prefix. */
const refusalShift = 3;

/** Flags that are no verdict of the import policy. */
const ownFlags = PathFlag.stale | PathFlag.longLived;

/** Flags of a path that the import policy refuses for this reason (a `PathReason` below 32). */
export function refusalFlags(reason: number): number {
  return PathFlag.filtered | (reason << refusalShift);
}

/** One offer: a peer's path for a prefix. */
export interface PathOffer {
  prefix: number;
  peer: number;
  /** ADD-PATH identifier (RFC 7911), 0 without. */
  pathId: number;
  /** The block in use. */
  attributes: number;
  /** The block that was received, where the import policy made another of it; otherwise -1. */
  received: number;
  /** `PathFlag`s */
  flags: number;
  /** When it came, seconds of the speaker's clock. */
  atSeconds: number;
}

/** Paths held of a peer. */
export interface PathCounts {
  readonly paths: number;
  /** Of these, such as the import policy refused, … */
  readonly filtered: number;
  /** … such as are kept over its restart, … */
  readonly stale: number;
  /** … and of those, such as are kept for long. */
  readonly longLived: number;
}

const noCounts: PathCounts = { paths: 0, filtered: 0, stale: 0, longLived: 0 };

/** Between these there is no row. */
const nowhere = { first: Number.MAX_SAFE_INTEGER, last: -1 };

/** Rows of other peers that are looked at in about the time that the removal of one takes. */
const othersPerStretch = 32;

/** Words of a row. */
const Word = {
  /** The next row of the prefix + 1, or 0; of a free row, the next free one + 1, or 0. */
  next: 0,
  /** -1 in a free row */
  prefix: 1,
  attributes: 2,
  pathId: 3,
  /** Peer index in the lower half, `PathFlag`s from bit 16, `PathReason` from bit 24. */
  peer: 4,
  atSeconds: 5,
} as const;
const wordsPerRow = 6;
const flagShift = 16;
const reasonShift = 24;

/**
 * The Adj-RIBs-In of all peers for one family (RFC 4271 §3.2), as numbered rows. The paths of one prefix are a chain of
 * rows, in no particular order.
 */
export class AdjRibIn {
  readonly #attributeStore: PathAttributeStore;
  /** First row of a prefix + 1, or 0. */
  readonly #heads = new Records(1);
  readonly #rows = new Records(wordsPerRow);
  /** By row, where the import policy made another block of it: the one received + 1, otherwise 0. Reaches only as far as it must. */
  readonly #received = new Records(1);
  /** First free row + 1, or 0. */
  #free = 0;
  #end = 0;
  #size = 0;
  /** By peer. */
  readonly #counts: { -readonly [Kind in keyof PathCounts]: number }[] = [];
  /** By peer, the rows between which its paths are: most came one after the other. */
  readonly #extents: { first: number; last: number }[] = [];

  constructor(attributeStore: PathAttributeStore) {
    this.#attributeStore = attributeStore;
  }

  /** Paths held. */
  get size(): number {
    return this.#size;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.#heads.bytes + this.#rows.bytes + this.#received.bytes;
  }

  /** First row of a prefix, or -1. */
  first(prefix: number): number {
    return prefix < this.#heads.capacity ? this.#heads.get(prefix, 0) - 1 : -1;
  }
  /** The row after `row` in the chain of its prefix, or -1. */
  next(row: number): number {
    return this.#rows.get(row, Word.next) - 1;
  }
  prefix(row: number): number {
    return this.#rows.get(row, Word.prefix);
  }
  peer(row: number): number {
    return this.#rows.get(row, Word.peer) & 0xffff;
  }
  attributes(row: number): number {
    return this.#rows.get(row, Word.attributes);
  }
  pathId(row: number): number {
    return this.#rows.get(row, Word.pathId) >>> 0;
  }
  #flags(row: number): number {
    return (this.#rows.get(row, Word.peer) >>> flagShift) & 0xff;
  }
  isStale(row: number): boolean {
    return (this.#flags(row) & PathFlag.stale) !== 0;
  }
  /** Stale for so long that it is a last resort (RFC 9494). */
  isLongLived(row: number): boolean {
    return (this.#flags(row) & PathFlag.longLived) !== 0;
  }
  isFiltered(row: number): boolean {
    return (this.#flags(row) & PathFlag.filtered) !== 0;
  }
  /** Why the import policy refused a path, a `PathReason`; 0 when it did not. */
  refusal(row: number): number {
    const flags = this.#flags(row);
    if ((flags & PathFlag.filtered) === 0) return 0;
    return flags >>> refusalShift || PathReason.filtered;
  }
  /** The block that a path came with. */
  received(row: number): number {
    const received = row < this.#received.capacity ? this.#received.get(row, 0) - 1 : -1;
    return received < 0 ? this.attributes(row) : received;
  }
  reason(row: number): number {
    return this.#rows.get(row, Word.peer) >>> reasonShift;
  }
  setReason(row: number, reason: number): void {
    const page = this.#rows.page(row);
    const at = this.#rows.at(row) + Word.peer;
    page[at] = ((page[at] as number) & 0xff_ffff) | (reason << reasonShift);
  }
  atSeconds(row: number): number {
    return this.#rows.get(row, Word.atSeconds);
  }

  /** Paths held of a peer, by kind. */
  counts(peer: number): PathCounts {
    return this.#counts[peer] ?? noCounts;
  }

  /** Paths held of a peer. */
  count(peer: number): number {
    return this.counts(peer).paths;
  }

  #count(peer: number, paths: number, flags: number): void {
    while (peer >= this.#counts.length) {
      this.#counts.push({ ...noCounts });
      this.#extents.push({ ...nowhere });
    }
    const counts = this.#counts[peer];
    if (counts !== undefined) {
      counts.paths += paths;
      if (counts.paths === 0) Object.assign(this.#extents[peer] ?? {}, nowhere);
    }
    if (flags !== 0) this.#countFlags(peer, flags, paths);
  }

  /** @param paths 1 or -1: that have these flags */
  #countFlags(peer: number, flags: number, paths: number): void {
    const counts = this.#counts[peer];
    if (counts === undefined) return;
    if (flags & PathFlag.filtered) counts.filtered += paths;
    if (flags & PathFlag.stale) counts.stale += paths;
    if (flags & PathFlag.longLived) counts.longLived += paths;
  }

  /** The row of the peer's path for a prefix, or -1. @param pathId ADD-PATH identifier, 0 without */
  find(prefix: number, peer: number, pathId: number): number {
    for (let entry = this.first(prefix) + 1; entry > 0; ) {
      const page = this.#rows.page(entry - 1);
      const at = this.#rows.at(entry - 1);
      const isPeer = ((page[at + Word.peer] as number) & 0xffff) === peer;
      if (isPeer && page[at + Word.pathId] === (pathId | 0)) return entry - 1;
      entry = page[at + Word.next] as number;
    }
    return -1;
  }

  /** Takes an offer, in place of the peer's former one for the same prefix. @returns whether the Decision Process must look */
  announce(offer: PathOffer): boolean {
    const { prefix, peer, flags } = offer;
    const found = this.find(prefix, peer, offer.pathId);
    if (found >= 0) return this.#replace(found, offer);
    const row = this.#allocate();
    this.#heads.reach(prefix);
    const page = this.#rows.page(row);
    const at = this.#rows.at(row);
    page[at + Word.next] = this.#heads.get(prefix, 0);
    page[at + Word.prefix] = prefix;
    page[at + Word.attributes] = offer.attributes;
    page[at + Word.pathId] = offer.pathId;
    page[at + Word.peer] = peer | (flags << flagShift) | (PathReason.undecided << reasonShift);
    page[at + Word.atSeconds] = offer.atSeconds;
    this.#heads.set(prefix, 0, row + 1);
    this.#attributeStore.retain(offer.attributes);
    if (offer.received >= 0) this.#setReceived(row, offer.received);
    this.#count(peer, 1, flags);
    const extent = this.#extents[peer] as { first: number; last: number }; // there is one where there is a count
    if (row < extent.first) extent.first = row;
    if (row > extent.last) extent.last = row;
    return true;
  }

  /** @param received -1 for none */
  #setReceived(row: number, received: number): void {
    const known = row < this.#received.capacity ? this.#received.get(row, 0) - 1 : -1;
    if (known === received) return;
    if (received >= 0) {
      this.#attributeStore.retain(received);
      this.#received.reach(row);
    }
    this.#received.set(row, 0, received + 1);
    if (known >= 0) this.#attributeStore.release(known);
  }

  #allocate(): number {
    this.#size++;
    if (this.#free !== 0) {
      const row = this.#free - 1;
      this.#free = this.#rows.get(row, Word.next);
      return row;
    }
    this.#rows.reach(this.#end);
    return this.#end++;
  }

  #setFlags(row: number, flags: number): void {
    const page = this.#rows.page(row);
    const at = this.#rows.at(row) + Word.peer;
    const word = page[at] as number;
    page[at] = (word & ~(0xff << flagShift)) | (flags << flagShift);
    this.#countFlags(word & 0xffff, (word >>> flagShift) & 0xff, -1);
    this.#countFlags(word & 0xffff, flags, 1);
  }

  #replace(row: number, offer: PathOffer): boolean {
    const before = this.#flags(row);
    const sameAttributes = this.attributes(row) === offer.attributes;
    if (offer.received >= 0 || row < this.#received.capacity) {
      this.#setReceived(row, offer.received);
    }
    if (sameAttributes && before === offer.flags) return false;
    if (before !== offer.flags) this.#setFlags(row, offer.flags);
    if (!sameAttributes) {
      this.#attributeStore.retain(offer.attributes);
      this.#attributeStore.release(this.attributes(row));
      this.#rows.set(row, Word.attributes, offer.attributes);
      this.#rows.set(row, Word.atSeconds, offer.atSeconds);
    }
    return !sameAttributes || (before ^ offer.flags) >= PathFlag.filtered;
  }

  /** Takes an offer back. @returns whether there was one */
  withdraw(prefix: number, peer: number, pathId: number): boolean {
    const row = this.find(prefix, peer, pathId);
    if (row < 0) return false;
    this.removeRow(row);
    return true;
  }

  /** Takes a row out of its prefix's chain. With the last one all memory goes. */
  removeRow(row: number): void {
    const page = this.#rows.page(row);
    const at = this.#rows.at(row);
    const next = page[at + Word.next] as number;
    const prefix = page[at + Word.prefix] as number;
    const first = this.#heads.get(prefix, 0) - 1;
    if (first === row) this.#heads.set(prefix, 0, next);
    else {
      let before = first;
      while (this.next(before) !== row) before = this.next(before);
      this.#rows.set(before, Word.next, next);
    }
    const peer = page[at + Word.peer] as number;
    this.#count(peer & 0xffff, -1, (peer >>> flagShift) & 0xff);
    this.#attributeStore.release(page[at + Word.attributes] as number);
    if (row < this.#received.capacity) this.#setReceived(row, -1);
    page[at + Word.prefix] = -1;
    page[at + Word.next] = this.#free;
    this.#free = row + 1;
    if (--this.#size > 0) return;
    this.#rows.clear();
    this.#received.clear();
    this.#heads.clear();
    this.#free = this.#end = 0;
  }

  /**
   * Judges a path anew. @param attributes the block to use @param received as in an offer @param verdict `PathFlag`s of the
   * import policy @returns whether the Decision Process must look
   */
  rejudge(row: number, attributes: number, received: number, verdict: number): boolean {
    return this.#replace(row, {
      prefix: this.prefix(row),
      peer: this.peer(row),
      pathId: this.pathId(row),
      attributes,
      received,
      flags: verdict | (this.#flags(row) & ownFlags),
      atSeconds: this.atSeconds(row),
    });
  }

  /** Marks all paths of a peer stale (RFC 4724 §4.2). */
  markStale(peer: number): void {
    for (const row of this.scan(peer)) {
      if (row >= 0) this.#setFlags(row, this.#flags(row) | PathFlag.stale);
    }
  }

  /** Makes a stale path a long-lived one. @param attributes the block to use from now on: its own with LLGR_STALE */
  makeLongLived(row: number, attributes: number): void {
    const flags = this.#flags(row);
    const received = this.received(row);
    this.#setFlags(row, flags | PathFlag.longLived);
    this.rejudge(row, attributes, received === attributes ? -1 : received, flags & ~ownFlags);
  }

  /** Every row that holds a path of the peer; it may be removed meanwhile, and rows that come meanwhile may be among them. */
  *rowsOf(peer: number): Generator<number> {
    for (const row of this.scan(peer)) if (row >= 0) yield row;
  }

  /** As `rowsOf`; between them stands a -1 for every `othersPerStretch` of other peers, since a look at those takes time, too. */
  *scan(peer: number): Generator<number> {
    const extent = this.#extents[peer];
    if (extent === undefined) return;
    let others = 0;
    for (let row = extent.first; row <= extent.last; row++) {
      const page = this.#rows.page(row);
      const at = this.#rows.at(row);
      const isOwn =
        ((page[at + Word.peer] as number) & 0xffff) === peer &&
        (page[at + Word.prefix] as number) >= 0;
      if (isOwn) yield row;
      else if (++others % othersPerStretch === 0) yield -1;
    }
  }
}
