import { decodePathAttributes } from "../attribute/decode-attributes.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import { AttributeScan } from "./attribute-scan.ts";
import {
  type AttributeSummary,
  AttributeTrait,
  isVerbatim,
  summarise,
} from "./attribute-summary.ts";
import { Records } from "./columns.ts";
import { allowedOwnAsns, contextBits, contextOfBits } from "./context-bits.ts";
import { HashIndex } from "../../net/hash-index.ts";
import { type LoopIdentity, loopReason } from "./loop-check.ts";
import { OctetArena } from "./octet-arena.ts";

/** FNV-1a over words of four octets, then over the octets left, mixed so that its leading bits depend on all octets. */
function hashOctets(octets: Uint8Array, start: number, end: number, context: number): number {
  let hash = 0x811c9dc5 ^ context;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word =
      ((octets[at] as number) << 24) |
      ((octets[at + 1] as number) << 16) |
      ((octets[at + 2] as number) << 8) |
      (octets[at + 3] as number);
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) {
    hash = Math.imul(hash ^ (octets[at] as number), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** Words of a block's record. */
const Word = {
  place: 0,
  hash: 1,
  /** Paths that refer to it; in a free record, the next free one + 1, or 0. */
  references: 2,
  /** Length in the lower half, `contextBits` from bit 16, why it may not be used from bit 24. */
  shape: 3,
  /** `AttributeTrait`s */
  traits: 4,
  localPref: 5,
  med: 6,
  neighborAs: 7,
  originatorId: 8,
  /** Length of AS_PATH in the lower half, of CLUSTER_LIST from bit 16, ORIGIN from bit 24. */
  lengths: 9,
  nextHop: 10,
} as const;
const wordsPerBlock = 11;
/** What the length in a record can say; no UPDATE bears more either. */
const maximumBlockOctets = 0xffff;
const contextShift = 16;
const ineligibleShift = 24;
const clusterListShift = 16;
const originShift = 24;

/**
 * Path attributes, interned: a block is looked up by its raw octets before it is decoded, and equal blocks are one
 * integer. What the Decision Process reads stands in its record; the rest is decoded again when somebody asks.
 */
export class PathAttributeStore {
  readonly #identity: LoopIdentity;
  readonly #scan: AttributeScan;
  readonly #arena = new OctetArena();
  readonly #blocks = new Records(wordsPerBlock);
  readonly #index = new HashIndex();
  /** First free record + 1, or 0. */
  #free = 0;
  #end = 0;
  #size = 0;

  /** @param identity whose loops make a block ineligible */
  constructor(identity: LoopIdentity) {
    this.#identity = identity;
    this.#scan = new AttributeScan(identity);
  }

  /** Distinct blocks held. */
  get size(): number {
    return this.#size;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.#arena.bytes + this.#blocks.bytes + this.#index.bytes;
  }

  localPref(id: number): number {
    return this.#blocks.get(id, Word.localPref) >>> 0;
  }
  /** 0 where MULTI_EXIT_DISC is absent (RFC 4271 §9.1.2.2 c). */
  med(id: number): number {
    return this.#blocks.get(id, Word.med) >>> 0;
  }
  asPathLength(id: number): number {
    return this.#blocks.get(id, Word.lengths) & 0xffff;
  }
  origin(id: number): number {
    return this.#blocks.get(id, Word.lengths) >>> originShift;
  }
  neighborAs(id: number): number {
    return this.#blocks.get(id, Word.neighborAs) >>> 0;
  }
  /** Meaningful only with `AttributeTrait.hasOriginatorId`. */
  originatorId(id: number): number {
    return this.#blocks.get(id, Word.originatorId) >>> 0;
  }
  clusterListLength(id: number): number {
    return (this.#blocks.get(id, Word.lengths) >>> clusterListShift) & 0xff;
  }
  /** Tells next hops apart; see `AttributeSummary`. */
  nextHopKey(id: number): number {
    return this.#blocks.get(id, Word.nextHop) >>> 0;
  }
  has(id: number, trait: number): boolean {
    return (this.#blocks.get(id, Word.traits) & trait) !== 0;
  }
  /** Why no path with these attributes may be used here (a `PathReason`), or 0. */
  ineligible(id: number): number {
    return this.#blocks.get(id, Word.shape) >>> ineligibleShift;
  }
  contextBits(id: number): number {
    return (this.#blocks.get(id, Word.shape) >>> contextShift) & 0xff;
  }

  /** The buffer that holds a block's octets, from `start(id)`, `length(id)` octets long. */
  octets(id: number): Uint8Array {
    return this.#arena.slab(this.#blocks.get(id, Word.place));
  }
  start(id: number): number {
    return this.#arena.offset(this.#blocks.get(id, Word.place));
  }
  length(id: number): number {
    return this.#blocks.get(id, Word.shape) & 0xffff;
  }

  /** The attributes as values; decoded anew at each call. */
  attributes(id: number): PathAttributes {
    const start = this.start(id);
    return decodePathAttributes(
      this.octets(id),
      start,
      start + this.length(id),
      contextOfBits(this.contextBits(id)),
    ).attributes;
  }

  /** The block of the same octets in which our own AS number may stand so often in AS_PATH: mostly itself. */
  inContext(id: number, allowed: number): number {
    const bits = this.contextBits(id);
    if (allowedOwnAsns(bits) === allowed) return id;
    const context = contextOfBits(bits);
    const other = contextBits(context, allowed);
    const octets = this.octets(id);
    const start = this.start(id);
    const end = start + this.length(id);
    const known = this.find(octets, start, end, other);
    if (known >= 0) return known;
    const { attributes, errors } = decodePathAttributes(octets, start, end, context);
    return this.add(octets, { start, end, clean: errors.length === 0 }, other, attributes);
  }

  /** The id of a block, or -1. Its reference count is untouched. */
  find(octets: Uint8Array, start: number, end: number, context: number): number {
    return this.#find(hashOctets(octets, start, end, context), octets, start, end, context);
  }

  #find(hash: number, octets: Uint8Array, start: number, end: number, context: number): number {
    const index = this.#index;
    for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
      const id = index.record(slot, hash);
      if (this.#equals(id, octets, start, end, context)) return id;
    }
    return -1;
  }

  #equals(id: number, octets: Uint8Array, start: number, end: number, context: number): boolean {
    const length = end - start;
    if (this.length(id) !== length || this.contextBits(id) !== context) return false;
    const held = this.octets(id);
    const heldStart = this.start(id);
    for (let at = 0; at < length; at++) {
      if (held[heldStart + at] !== octets[start + at]) return false;
    }
    return true;
  }

  /**
   * As `find`, but a block that is new is added, with no reference held yet, if its attributes are plain enough to be
   * judged without being decoded. @returns -1 for one that must be decoded, and added with `add`
   */
  intern(octets: Uint8Array, start: number, end: number, context: number): number {
    const hash = hashOctets(octets, start, end, context);
    const found = this.#find(hash, octets, start, end, context);
    if (found >= 0 || !this.#scan.read(octets, start, end, context)) return found;
    return this.#add(hash, octets, start, end, context, this.#scan);
  }

  /**
   * Adds a block that `find` did not know, with no reference held yet; `attributes` is what it decodes to. `clean` says
   * that the decoding had nothing to discard, so that the octets themselves may be passed on.
   * @returns -1, and adds nothing, where it has more than 65535 octets
   */
  add(
    octets: Uint8Array,
    range: { readonly start: number; readonly end: number; readonly clean: boolean },
    context: number,
    attributes: PathAttributes,
  ): number {
    const { start, end, clean } = range;
    if (end - start > maximumBlockOctets) return -1;
    const summary = summarise(
      attributes,
      loopReason(attributes, this.#identity, allowedOwnAsns(context)),
    );
    if (clean) summary.traits |= AttributeTrait.clean;
    if (clean && isVerbatim(octets, start, end)) summary.traits |= AttributeTrait.verbatim;
    const hash = hashOctets(octets, start, end, context);
    return this.#add(hash, octets, start, end, context, summary);
  }

  #add(
    hash: number,
    octets: Uint8Array,
    start: number,
    end: number,
    context: number,
    summary: AttributeSummary,
  ): number {
    const id = this.#allocate();
    const page = this.#blocks.page(id);
    const at = this.#blocks.at(id);
    page[at + Word.place] = this.#arena.store(octets, start, end);
    page[at + Word.hash] = hash;
    page[at + Word.references] = 0;
    page[at + Word.shape] =
      (end - start) | (context << contextShift) | (summary.ineligible << ineligibleShift);
    page[at + Word.traits] = summary.traits;
    page[at + Word.localPref] = summary.localPref;
    page[at + Word.med] = summary.med;
    page[at + Word.neighborAs] = summary.neighborAs;
    page[at + Word.originatorId] = summary.originatorId;
    page[at + Word.nextHop] = summary.nextHop;
    page[at + Word.lengths] =
      Math.min(0xffff, summary.asPathLength) |
      (Math.min(0xff, summary.clusterListLength) << clusterListShift) |
      (summary.origin << originShift);
    this.#index.add(hash, id);
    this.#size++;
    return id;
  }

  #allocate(): number {
    if (this.#free !== 0) {
      const id = this.#free - 1;
      this.#free = this.#blocks.get(id, Word.references);
      return id;
    }
    this.#blocks.reach(this.#end);
    return this.#end++;
  }

  /** One more path refers to the block. */
  retain(id: number): void {
    (this.#blocks.page(id)[this.#blocks.at(id) + Word.references] as number)++;
  }

  /** One path fewer; the block goes with the last, and all memory with the last block. */
  release(id: number): void {
    const page = this.#blocks.page(id);
    const at = this.#blocks.at(id);
    if (--(page[at + Word.references] as number) > 0) return;
    this.#index.remove(page[at + Word.hash] as number, id);
    this.#arena.free(page[at + Word.place] as number, (page[at + Word.shape] as number) & 0xffff);
    page[at + Word.references] = this.#free;
    this.#free = id + 1;
    if (--this.#size > 0) return;
    this.#blocks.clear();
    this.#index.clear();
    this.#arena.clear();
    this.#free = this.#end = 0;
  }
}
