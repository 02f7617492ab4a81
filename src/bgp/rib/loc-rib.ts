import type { AdjRibIn } from "./adj-rib-in.ts";
import { bytesOf, grown, Records, RecordStack } from "./columns.ts";
import type { DecisionProcess } from "./decision-process.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { originOf, PathSource, type RibPeer, sourceIn } from "./source.ts";

/** Words of a prefix's record. */
const Word = {
  /** Attribute id of the best path + 1, or 0 without one. */
  attributes: 0,
  /** Peer index of the best path in the lower half, its `originOf` from bit 16, flags above. */
  peer: 1,
} as const;
const wordsPerPrefix = 2;
const originShift = 16;
/** Waits for the Decision Process. */
const dirty = 1 << 24;
/** Nobody offers a path any more, and the id waits for its release. */
const pathless = 1 << 25;
const initialCapacity = 1024;

/**
 * The Loc-RIB of one family (RFC 4271 §3.2): per prefix the selected path, as a copy of what identifies it, since the
 * row it came from may be gone before the change is distributed. Prefixes that changed wait in a queue; the Decision
 * Process runs over it once a turn.
 */
export class LocRib {
  readonly #paths: AdjRibIn;
  readonly #attributeStore: PathAttributeStore;
  readonly #decision: DecisionProcess;
  readonly #peer: (index: number) => RibPeer;
  readonly #best = new Records(wordsPerPrefix);
  /** By prefix, which paths are used at once (`DecisionProcess.spread`). Reaches only as far as it must. */
  readonly #spread = new Records(1);
  #pathless = new RecordStack();
  /** Of those that nobody offers any more, such as had to wait when their release was tried. */
  #withheld = new RecordStack();
  #dirty = new Int32Array(initialCapacity);
  /** The waiting ones are `#dirty[#dirtyStart..#dirtyEnd)`. */
  #dirtyStart = 0;
  #dirtyEnd = 0;
  #size = 0;

  constructor(
    paths: AdjRibIn,
    attributeStore: PathAttributeStore,
    decision: DecisionProcess,
    peer: (index: number) => RibPeer,
  ) {
    this.#paths = paths;
    this.#attributeStore = attributeStore;
    this.#decision = decision;
    this.#peer = peer;
  }

  /** Prefixes with a best path. */
  get size(): number {
    return this.#size;
  }

  /** Octets of memory held. */
  get bytes(): number {
    const { bytes } = this.#best;
    const waiting = this.#dirty.byteLength + this.#pathless.bytes + this.#withheld.bytes;
    return bytes + this.#spread.bytes + waiting;
  }

  /** Prefixes that wait for the Decision Process. */
  get dirtyCount(): number {
    return this.#dirtyEnd - this.#dirtyStart;
  }

  /** Attribute id of the best path, or -1. */
  attributes(prefix: number): number {
    return prefix < this.#best.capacity ? this.#best.get(prefix, Word.attributes) - 1 : -1;
  }
  /** Peer index of the best path; meaningless without one. */
  peer(prefix: number): number {
    return prefix < this.#best.capacity ? this.#best.get(prefix, Word.peer) & 0xffff : 0;
  }
  /** `PathSource` of the best path; meaningless without one. */
  source(prefix: number): number {
    if (prefix >= this.#best.capacity) return PathSource.none;
    return sourceIn(this.#best.get(prefix, Word.peer) >>> originShift);
  }

  /** Those of them that the next `decide` takes. */
  waiting(limit: number): Int32Array {
    return this.#dirty.subarray(
      this.#dirtyStart,
      Math.min(this.#dirtyEnd, this.#dirtyStart + limit),
    );
  }

  /** Has the Decision Process look at a prefix in this turn. */
  markDirty(prefix: number): void {
    this.#best.reach(prefix);
    const page = this.#best.page(prefix);
    const at = this.#best.at(prefix) + Word.peer;
    const word = page[at] as number;
    if ((word & dirty) !== 0) return;
    page[at] = word | dirty;
    if (this.#dirtyEnd === this.#dirty.length) this.#makeRoom();
    this.#dirty[this.#dirtyEnd++] = prefix;
  }

  /** Moves the waiting ones to the front, where that makes room enough for long, or has more room. */
  #makeRoom(): void {
    if (this.#dirtyStart < this.#dirty.length / 2) {
      this.#dirty = grown(this.#dirty, this.#dirtyEnd + 1);
      return;
    }
    this.#dirty.copyWithin(0, this.#dirtyStart, this.#dirtyEnd);
    this.#dirtyEnd -= this.#dirtyStart;
    this.#dirtyStart = 0;
  }

  /**
   * Runs the Decision Process (Phase 2) over what waits, at most `limit` prefixes, and fills `changes` with those whose
   * selected path is another one now. The old attributes stay alive until `release` gets the changes back.
   */
  decide(changes: LocRibChanges, limit: number): void {
    const end = Math.min(this.#dirtyEnd, this.#dirtyStart + limit);
    for (let index = this.#dirtyStart; index < end; index++) {
      const prefix = this.#dirty[index] as number;
      const page = this.#best.page(prefix);
      const at = this.#best.at(prefix);
      const word = (page[at + Word.peer] as number) & ~dirty;
      page[at + Word.peer] = word;
      const row = this.#decision.select(prefix);
      const attributes = row < 0 ? -1 : this.#paths.attributes(row);
      const peer = row < 0 ? 0 : this.#paths.peer(row);
      const oldAttributes = (page[at + Word.attributes] as number) - 1;
      const oldPeer = word & 0xffff;
      const origin = row < 0 ? PathSource.none : originOf(this.#peer(peer));
      const oldOrigin = (word >>> originShift) & 0xff;
      if ((word & pathless) === 0 && this.#paths.first(prefix) < 0) {
        page[at + Word.peer] = word | pathless;
        this.#pathless.push(prefix);
      }
      const isSpreadNew = this.#noteSpread(prefix, row < 0 ? 0 : this.#decision.spread);
      const isSameOwner = row < 0 || (peer === oldPeer && origin === oldOrigin);
      if (attributes === oldAttributes && isSameOwner) {
        if (isSpreadNew) changes.spread.push(prefix);
        continue;
      }
      changes.add(prefix, oldAttributes, oldPeer, sourceIn(oldOrigin));
      if (attributes >= 0) this.#attributeStore.retain(attributes);
      this.#size += (attributes >= 0 ? 1 : 0) - (oldAttributes >= 0 ? 1 : 0);
      page[at + Word.attributes] = attributes + 1;
      const flags = (page[at + Word.peer] as number) & pathless;
      page[at + Word.peer] = peer | (origin << originShift) | flags;
    }
    this.#dirtyStart = end;
    if (this.#dirtyStart === this.#dirtyEnd) this.#dirtyStart = this.#dirtyEnd = 0;
  }

  /** Prefixes that nobody offered when they were last decided, and whose release has not been tried. */
  get pathlessCount(): number {
    return this.#pathless.length;
  }

  /** The same, whose release has been tried, but had to wait. */
  get withheldCount(): number {
    return this.#withheld.length;
  }

  /** Takes one of the pathless. @param mustWait should it not be released yet? @returns it, or -1 where it is offered again, or must wait */
  takePathless(mustWait: (prefix: number) => boolean): number {
    const prefix = this.#pathless.pop();
    const isOffered = this.#paths.first(prefix) >= 0;
    if (!isOffered && mustWait(prefix)) {
      this.#withheld.push(prefix);
      return -1;
    }
    const page = this.#best.page(prefix);
    (page[this.#best.at(prefix) + Word.peer] as number) &= ~pathless;
    return isOffered ? -1 : prefix;
  }

  /** Has those be tried again that had to wait; to be called when there are no others. */
  retryWithheld(): void {
    [this.#pathless, this.#withheld] = [this.#withheld, this.#pathless];
  }

  /** @returns whether other paths are used at once now */
  #noteSpread(prefix: number, spread: number): boolean {
    if (spread === 0 && prefix >= this.#spread.capacity) return false;
    this.#spread.reach(prefix);
    if (this.#spread.get(prefix, 0) === spread) return false;
    this.#spread.set(prefix, 0, spread);
    return true;
  }

  /** Is more than one path to a prefix used? Their `PathReason` is `multipath`, beside the best. */
  isSpread(prefix: number): boolean {
    return prefix < this.#spread.capacity && this.#spread.get(prefix, 0) !== 0;
  }

  /** Gives back memory that nothing is in. */
  shrink(): void {
    if (this.dirtyCount > 0) return;
    if (this.#size === 0 && this.withheldCount === 0) {
      this.#best.clear();
      this.#spread.clear();
    }
    if (this.#dirty.length > initialCapacity) this.#dirty = new Int32Array(initialCapacity);
  }

  /** Lets go of the attributes that the changes kept alive. */
  release(changes: LocRibChanges): void {
    for (let index = 0; index < changes.length; index++) {
      const old = changes.oldAttributes(index);
      if (old >= 0) this.#attributeStore.release(old);
    }
  }
}

/** The changes of one turn, as columns that are used again in the next. */
export class LocRibChanges {
  #prefix = new Int32Array(initialCapacity);
  #oldAttributes = new Int32Array(initialCapacity);
  #oldPeer = new Uint16Array(initialCapacity);
  #oldSource = new Uint8Array(initialCapacity);
  #length = 0;
  /** Prefixes whose best path is the same, with others used beside it. */
  readonly spread: number[] = [];
  get length(): number {
    return this.#length;
  }
  /** Octets that the columns occupy. */
  get bytes(): number {
    return bytesOf(this.#prefix, this.#oldAttributes, this.#oldPeer, this.#oldSource, this.spread);
  }
  prefix(index: number): number {
    return this.#prefix[index] as number;
  }
  oldAttributes(index: number): number {
    return this.#oldAttributes[index] as number;
  }
  oldPeer(index: number): number {
    return this.#oldPeer[index] as number;
  }
  oldSource(index: number): number {
    return this.#oldSource[index] as number;
  }

  add(prefix: number, oldAttributes: number, oldPeer: number, oldSource: number): void {
    const at = this.#length++;
    if (at === this.#prefix.length) {
      this.#prefix = grown(this.#prefix, at + 1);
      this.#oldAttributes = grown(this.#oldAttributes, at + 1);
      this.#oldPeer = grown(this.#oldPeer, at + 1);
      this.#oldSource = grown(this.#oldSource, at + 1);
    }
    this.#prefix[at] = prefix;
    this.#oldAttributes[at] = oldAttributes;
    this.#oldPeer[at] = oldPeer;
    this.#oldSource[at] = oldSource;
  }

  clear(): void {
    this.#length = 0;
    this.spread.length = 0;
  }
}
