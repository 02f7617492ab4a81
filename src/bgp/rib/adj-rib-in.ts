import { bytesOf, grown } from "./columns.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PathReason } from "./path-reason.ts";

/** Flags of a path. */
export const PathFlag = {
  /** Kept over its peer's restart until the peer has announced it again (RFC 4724 §4.2). */
  stale: 1,
  /** The import policy refused it; it is kept so that it can be shown, and judged again. */
  filtered: 2,
} as const;

/** One offer: a peer's path for a prefix. */
export interface PathOffer {
  prefix: number;
  peer: number;
  /** ADD-PATH identifier (RFC 7911), 0 without. */
  pathId: number;
  attributes: number;
  flags: number;
  /** When it came, milliseconds of the speaker's clock. */
  atMs: number;
}

const initialCapacity = 1024;

/**
 * The Adj-RIBs-In of all peers for one family (RFC 4271 §3.2), as rows of columns. The paths of one prefix are a chain
 * of rows, in no particular order.
 */
export class AdjRibIn {
  readonly #attributeStore: PathAttributeStore;
  /** First row of a prefix + 1, or 0. */
  #head = new Int32Array(initialCapacity);
  /** Next row + 1, or 0. */
  #next = new Int32Array(initialCapacity);
  #prefix = new Int32Array(initialCapacity);
  #peer = new Uint16Array(initialCapacity);
  #attributes = new Int32Array(initialCapacity);
  #pathId = new Uint32Array(initialCapacity);
  #flags = new Uint8Array(initialCapacity);
  #reason = new Uint8Array(initialCapacity);
  #atMs = new Float64Array(initialCapacity);
  readonly #free: number[] = [];
  #end = 0;
  /** Paths and refused paths by peer. */
  readonly #counts = new Map<number, { paths: number; filtered: number }>();

  constructor(attributeStore: PathAttributeStore) {
    this.#attributeStore = attributeStore;
  }

  /** Paths held. */
  get size(): number {
    return this.#end - this.#free.length;
  }

  /** Octets that the columns occupy. */
  get bytes(): number {
    const keys = bytesOf(this.#head, this.#next, this.#prefix, this.#peer, this.#pathId);
    return (
      keys + bytesOf(this.#attributes, this.#flags, this.#reason, this.#atMs) + bytesOf(this.#free)
    );
  }

  /** First row of a prefix, or -1. */
  first(prefix: number): number {
    return prefix < this.#head.length ? (this.#head[prefix] as number) - 1 : -1;
  }
  /** The row after `row` in the chain of its prefix, or -1. */
  next(row: number): number {
    return (this.#next[row] as number) - 1;
  }
  prefix(row: number): number {
    return this.#prefix[row] as number;
  }
  peer(row: number): number {
    return this.#peer[row] as number;
  }
  attributes(row: number): number {
    return this.#attributes[row] as number;
  }
  pathId(row: number): number {
    return this.#pathId[row] as number;
  }
  isStale(row: number): boolean {
    return ((this.#flags[row] as number) & PathFlag.stale) !== 0;
  }
  isFiltered(row: number): boolean {
    return ((this.#flags[row] as number) & PathFlag.filtered) !== 0;
  }
  reason(row: number): number {
    return this.#reason[row] as number;
  }
  setReason(row: number, reason: number): void {
    this.#reason[row] = reason;
  }
  atMs(row: number): number {
    return this.#atMs[row] as number;
  }

  /** Paths held of a peer, and how many of them the import policy refused. */
  counts(peer: number): { readonly paths: number; readonly filtered: number } {
    return this.#counts.get(peer) ?? { paths: 0, filtered: 0 };
  }

  #count(peer: number, paths: number, filtered: number): void {
    const counts = this.#counts.get(peer);
    if (counts === undefined) this.#counts.set(peer, { paths, filtered });
    else {
      counts.paths += paths;
      counts.filtered += filtered;
    }
  }

  #find(prefix: number, peer: number, pathId: number): number {
    for (let row = this.first(prefix); row >= 0; row = this.next(row)) {
      if (this.#peer[row] === peer && this.#pathId[row] === pathId) return row;
    }
    return -1;
  }

  /** Takes an offer, in place of the peer's former one for the same prefix. @returns whether the Decision Process must look */
  announce(offer: PathOffer): boolean {
    const found = this.#find(offer.prefix, offer.peer, offer.pathId);
    if (found >= 0) return this.#replace(found, offer);
    const row = this.#free.pop() ?? this.#end++;
    if (row >= this.#next.length) this.#growRows();
    if (offer.prefix >= this.#head.length) this.#head = grown(this.#head, offer.prefix + 1);
    this.#next[row] = this.#head[offer.prefix] as number;
    this.#head[offer.prefix] = row + 1;
    this.#prefix[row] = offer.prefix;
    this.#peer[row] = offer.peer;
    this.#pathId[row] = offer.pathId;
    this.#attributes[row] = offer.attributes;
    this.#flags[row] = offer.flags;
    this.#reason[row] = PathReason.undecided;
    this.#atMs[row] = offer.atMs;
    this.#attributeStore.retain(offer.attributes);
    this.#count(offer.peer, 1, offer.flags & PathFlag.filtered ? 1 : 0);
    return true;
  }

  #replace(row: number, offer: PathOffer): boolean {
    const before = this.#flags[row] as number;
    const sameAttributes = this.#attributes[row] === offer.attributes;
    this.#flags[row] = offer.flags;
    if (sameAttributes && before === offer.flags) return false;
    const filteredBefore = before & PathFlag.filtered ? 1 : 0;
    const filteredNow = offer.flags & PathFlag.filtered ? 1 : 0;
    this.#count(offer.peer, 0, filteredNow - filteredBefore);
    if (!sameAttributes) {
      this.#attributeStore.retain(offer.attributes);
      this.#attributeStore.release(this.#attributes[row] as number);
      this.#attributes[row] = offer.attributes;
      this.#atMs[row] = offer.atMs;
    }
    return !sameAttributes || filteredBefore !== filteredNow;
  }

  /** Takes an offer back. @returns whether there was one */
  withdraw(prefix: number, peer: number, pathId: number): boolean {
    const row = this.#find(prefix, peer, pathId);
    if (row < 0) return false;
    this.removeRow(row);
    return true;
  }

  /** Takes a row out of its prefix's chain. */
  removeRow(row: number): void {
    const prefix = this.#prefix[row] as number;
    if ((this.#head[prefix] as number) - 1 === row) {
      this.#head[prefix] = this.#next[row] as number;
    } else {
      let before = (this.#head[prefix] as number) - 1;
      while ((this.#next[before] as number) - 1 !== row)
        before = (this.#next[before] as number) - 1;
      this.#next[before] = this.#next[row] as number;
    }
    this.#count(this.peer(row), -1, this.isFiltered(row) ? -1 : 0);
    this.#attributeStore.release(this.#attributes[row] as number);
    this.#prefix[row] = -1;
    this.#free.push(row);
  }

  /** Judges a path anew. @returns whether the verdict is another one */
  setFiltered(row: number, filtered: boolean): boolean {
    if (this.isFiltered(row) === filtered) return false;
    this.#flags[row] = (this.#flags[row] as number) ^ PathFlag.filtered;
    this.#count(this.peer(row), 0, filtered ? 1 : -1);
    return true;
  }

  /** Marks all paths of a peer stale (RFC 4724 §4.2). */
  markStale(peer: number): void {
    for (let row = 0; row < this.#end; row++) {
      if (this.#peer[row] === peer && (this.#prefix[row] as number) >= 0) {
        this.#flags[row] = (this.#flags[row] as number) | PathFlag.stale;
      }
    }
  }

  /** Removes the paths of a peer, all or only the stale ones, and tells of each prefix that lost one. */
  removePeer(peer: number, onlyStale: boolean, removed: (prefix: number) => void): void {
    if (this.counts(peer).paths === 0) return;
    for (let row = 0; row < this.#end; row++) {
      if (this.#peer[row] !== peer) continue;
      const prefix = this.#prefix[row] as number;
      if (prefix < 0 || (onlyStale && !this.isStale(row))) continue;
      this.removeRow(row);
      removed(prefix);
    }
  }

  /** Every row that holds a path of the peer. */
  *rowsOf(peer: number): Generator<number> {
    for (let row = 0; row < this.#end; row++) {
      if (this.#peer[row] === peer && (this.#prefix[row] as number) >= 0) yield row;
    }
  }

  #growRows(): void {
    const needed = this.#end;
    this.#next = grown(this.#next, needed);
    this.#prefix = grown(this.#prefix, needed);
    this.#peer = grown(this.#peer, needed);
    this.#attributes = grown(this.#attributes, needed);
    this.#pathId = grown(this.#pathId, needed);
    this.#flags = grown(this.#flags, needed);
    this.#reason = grown(this.#reason, needed);
    this.#atMs = grown(this.#atMs, needed);
  }
}
