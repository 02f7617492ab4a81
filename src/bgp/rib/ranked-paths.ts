import type { AdjRibIn } from "./adj-rib-in.ts";
import { grown, Records } from "./columns.ts";
import type { DecisionProcess } from "./decision-process.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { originOf, type PathSource, type RibPeer, sourceIn } from "./source.ts";

/** Words of a prefix's record. */
const Head = {
  /** Its first entry + 1, or 0. */
  first: 0,
  /** The greatest identifier that a path of it has had. */
  maximumPathId: 1,
} as const;
const wordsPerHead = 2;

/** Words of an entry. */
const Word = {
  /** The next entry of the prefix + 1, or 0; of a free entry, the next free one + 1, or 0. */
  next: 0,
  /** In the Adj-RIB-In. */
  row: 1,
  pathId: 2,
  attributes: 3,
  /** Whose it is: the peer index in the lower half, its `originOf` from bit 16. */
  owner: 4,
} as const;
const wordsPerEntry = 5;
const originShift = 16;

/**
 * What the Loc-RIB is to the selected path, for all that may be used: the paths of each prefix in order of preference, for
 * peers that are sent several (RFC 7911). It is kept from when the first such peer comes until the last has gone.
 *
 * Each path has an identifier of its own among those of its prefix: the least that is free when it comes, for as long as it
 * is there. All peers are sent it under that.
 */
export class RankedPaths {
  readonly #paths: AdjRibIn;
  readonly #attributeStore: PathAttributeStore;
  readonly #decision: DecisionProcess;
  readonly #peer: (index: number) => RibPeer;
  readonly #heads = new Records(wordsPerHead);
  readonly #entries = new Records(wordsPerEntry);
  /** First free entry + 1, or 0. */
  #free = 0;
  #end = 0;
  #size = 0;
  /** All prefixes have been ranked that were there when the first peer came that is sent several paths. */
  isComplete = false;
  /** Of the prefix at hand: its rows, and the identifiers that they have. */
  readonly #rows: number[] = [];
  readonly #idOfRow = new Map<number, number>();
  readonly #idsInUse = new Set<number>();
  /** Prefixes that `dismantle` is through with. */
  #dismantled = 0;

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

  /** Octets of memory held. */
  get bytes(): number {
    return this.#heads.bytes + this.#entries.bytes;
  }

  /** The entry of the best path of a prefix, or -1. */
  first(prefix: number): number {
    return prefix < this.#heads.capacity ? this.#heads.get(prefix, Head.first) - 1 : -1;
  }
  /** The entry of the next best, or -1. */
  next(entry: number): number {
    return this.#entries.get(entry, Word.next) - 1;
  }
  row(entry: number): number {
    return this.#entries.get(entry, Word.row);
  }
  pathId(entry: number): number {
    return this.#entries.get(entry, Word.pathId);
  }
  attributes(entry: number): number {
    return this.#entries.get(entry, Word.attributes);
  }
  peer(entry: number): number {
    return this.owner(entry) & 0xffff;
  }
  source(entry: number): PathSource {
    return sourceIn(this.owner(entry) >>> originShift);
  }
  /** Tells owners of paths apart: peers, and those who had the index of one before it. */
  owner(entry: number): number {
    return this.#entries.get(entry, Word.owner);
  }
  /** No path of the prefix has had a greater identifier since the prefix is known. */
  maximumPathId(prefix: number): number {
    return prefix < this.#heads.capacity ? this.#heads.get(prefix, Head.maximumPathId) : 0;
  }

  /**
   * Ranks the paths of prefixes anew and adds those to `changes` of which it is another list now. The old attributes stay
   * alive until `release` gets the changes back. To be called before the Loc-RIB decides, which gives each path its reason.
   */
  decide(prefixes: Int32Array, changes: RankedPathChanges): void {
    for (const prefix of prefixes) {
      const count = this.#decision.rank(prefix, this.#rows);
      if (!this.#isAsBefore(prefix, count)) this.#replace(prefix, count, changes);
    }
  }

  #isAsBefore(prefix: number, count: number): boolean {
    let entry = this.first(prefix);
    for (let place = 0; place < count; place++, entry = this.next(entry)) {
      if (entry < 0) return false;
      const row = this.#rows[place] as number;
      if (this.row(entry) !== row || this.attributes(entry) !== this.#paths.attributes(row)) {
        return false;
      }
      if (this.owner(entry) !== this.#ownerOf(row)) return false;
    }
    return entry < 0;
  }

  #ownerOf(row: number): number {
    const peer = this.#paths.peer(row);
    return peer | (originOf(this.#peer(peer)) << originShift);
  }

  #replace(prefix: number, count: number, changes: RankedPathChanges): void {
    this.#heads.reach(prefix);
    changes.begin(prefix);
    this.#idOfRow.clear();
    this.#idsInUse.clear();
    for (let entry = this.first(prefix); entry >= 0; ) {
      const next = this.next(entry);
      changes.addOld(this.pathId(entry), this.attributes(entry), this.owner(entry));
      this.#idOfRow.set(this.row(entry), this.pathId(entry));
      this.#entries.set(entry, Word.next, this.#free);
      this.#free = entry + 1;
      this.#size--;
      entry = next;
    }
    for (let place = 0; place < count; place++) {
      const id = this.#idOfRow.get(this.#rows[place] as number);
      if (id !== undefined) this.#idsInUse.add(id);
    }
    let following = 0;
    let leastId = 1;
    let maximumId = this.#heads.get(prefix, Head.maximumPathId);
    for (let place = count - 1; place >= 0; place--) {
      const row = this.#rows[place] as number;
      let id = this.#idOfRow.get(row);
      if (id === undefined) {
        while (this.#idsInUse.has(leastId)) leastId++;
        id = leastId++;
        if (id > maximumId) maximumId = id;
      }
      following = this.#add(row, id, following) + 1;
    }
    this.#heads.set(prefix, Head.first, following);
    this.#heads.set(prefix, Head.maximumPathId, maximumId);
  }

  /** @param following the entry behind it + 1, or 0 */
  #add(row: number, pathId: number, following: number): number {
    const entry = this.#allocate();
    const attributes = this.#paths.attributes(row);
    const page = this.#entries.page(entry);
    const at = this.#entries.at(entry);
    page[at + Word.next] = following;
    page[at + Word.row] = row;
    page[at + Word.pathId] = pathId;
    page[at + Word.attributes] = attributes;
    page[at + Word.owner] = this.#ownerOf(row);
    this.#attributeStore.retain(attributes);
    return entry;
  }

  #allocate(): number {
    this.#size++;
    if (this.#free !== 0) {
      const entry = this.#free - 1;
      this.#free = this.#entries.get(entry, Word.next);
      return entry;
    }
    this.#entries.reach(this.#end);
    return this.#end++;
  }

  /** Lets go of the attributes that the changes kept alive. */
  release(changes: RankedPathChanges): void {
    for (let old = 0; old < changes.oldCount; old++) {
      this.#attributeStore.release(changes.attributes(old));
    }
  }

  /** Nobody remembers anything about the prefix any more: identifiers begin anew. */
  forget(prefix: number): void {
    if (prefix < this.#heads.capacity) this.#heads.set(prefix, Head.maximumPathId, 0);
  }

  /** Gives back memory that nothing is in; to be called when nobody remembers anything about any prefix. */
  shrink(): void {
    if (this.#size > 0) return;
    this.#entries.clear();
    this.#heads.clear();
    this.#free = this.#end = 0;
  }

  /** Lets go of the paths of so many prefixes, for when nobody is sent several any more. @returns whether there are more */
  dismantle(limit: number): boolean {
    const { capacity } = this.#heads;
    const end = Math.min(capacity, this.#dismantled + limit);
    for (; this.#dismantled < end; this.#dismantled++) {
      for (let entry = this.first(this.#dismantled); entry >= 0; entry = this.next(entry)) {
        this.#attributeStore.release(this.attributes(entry));
      }
    }
    return end < capacity;
  }
}

/** The changes of one turn, with the lists as they were before: columns that are used again in the next. */
export class RankedPathChanges {
  #prefix = new Int32Array(256);
  #oldStart = new Int32Array(256);
  #length = 0;
  #pathId = new Int32Array(256);
  #attributes = new Int32Array(256);
  #owner = new Int32Array(256);
  #oldCount = 0;

  get length(): number {
    return this.#length;
  }
  /** Old paths of all changes. */
  get oldCount(): number {
    return this.#oldCount;
  }
  prefix(index: number): number {
    return this.#prefix[index] as number;
  }
  /** The old paths of the change `index` are those from here, the best first, … */
  oldStart(index: number): number {
    return this.#oldStart[index] as number;
  }
  /** … to before here. */
  oldEnd(index: number): number {
    return index + 1 < this.#length ? this.oldStart(index + 1) : this.#oldCount;
  }
  pathId(old: number): number {
    return this.#pathId[old] as number;
  }
  attributes(old: number): number {
    return this.#attributes[old] as number;
  }
  peer(old: number): number {
    return this.owner(old) & 0xffff;
  }
  source(old: number): PathSource {
    return sourceIn(this.owner(old) >>> originShift);
  }
  /** As `RankedPaths.owner`. */
  owner(old: number): number {
    return this.#owner[old] as number;
  }

  begin(prefix: number): void {
    const at = this.#length++;
    if (at === this.#prefix.length) {
      this.#prefix = grown(this.#prefix, at + 1);
      this.#oldStart = grown(this.#oldStart, at + 1);
    }
    this.#prefix[at] = prefix;
    this.#oldStart[at] = this.#oldCount;
  }

  addOld(pathId: number, attributes: number, owner: number): void {
    const at = this.#oldCount++;
    if (at === this.#pathId.length) {
      this.#pathId = grown(this.#pathId, at + 1);
      this.#attributes = grown(this.#attributes, at + 1);
      this.#owner = grown(this.#owner, at + 1);
    }
    this.#pathId[at] = pathId;
    this.#attributes[at] = attributes;
    this.#owner[at] = owner;
  }

  clear(): void {
    this.#length = 0;
    this.#oldCount = 0;
  }
}
