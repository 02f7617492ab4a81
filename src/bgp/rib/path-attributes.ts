import { asPathLength } from "../attribute/as-path.ts";
import { decodePathAttributes } from "../attribute/decode-attributes.ts";
import type { AsPathSegment, PathAttributes } from "../attribute/path-attributes.ts";
import { AsPathSegmentType, AttributeCode, AttributeFlag, WellKnownCommunity } from "../iana.ts";
import type { CodecContext } from "../message/codec-context.ts";
import { bytesOf, grown } from "./columns.ts";
import { OctetArena } from "./octet-arena.ts";

/** LOCAL_PREF where the attribute is absent. */
export const defaultLocalPref = 100;

/** Flags of an interned block. */
export const AttributeTrait = {
  /** The octets hold only attributes that a reflector passes on as they are, in ascending order. */
  verbatim: 1,
  /** MULTI_EXIT_DISC is there. */
  hasMed: 2,
  /** ORIGINATOR_ID is there. */
  hasOriginatorId: 4,
  noAdvertise: 8,
  noExport: 16,
  /** The decoding had nothing to complain of. */
  clean: 32,
} as const;

const passedOnVerbatim = new Set<number>([
  AttributeCode.origin,
  AttributeCode.asPath,
  AttributeCode.nextHop,
  AttributeCode.multiExitDisc,
  AttributeCode.localPref,
  AttributeCode.atomicAggregate,
  AttributeCode.aggregator,
  AttributeCode.communities,
  AttributeCode.originatorId,
  AttributeCode.clusterList,
  AttributeCode.extendedCommunities,
  AttributeCode.largeCommunities,
]);

/** RFC 4271 §4.3: zero when sent, ignored when received. */
const unusedFlags = 0x0f;

/** Bits of the codec that change the meaning of the same octets: they are part of a block's identity. */
export function contextBits(context: Pick<CodecContext, "fourOctetAs" | "external">): number {
  return (context.fourOctetAs ? 1 : 0) | (context.external ? 2 : 0);
}

/** The codec context, as far as attributes go, that `contextBits` stands for. */
export function contextOfBits(bits: number): CodecContext {
  return {
    fourOctetAs: (bits & 1) !== 0,
    external: (bits & 2) !== 0,
    maximumMessageOctets: 65535,
    addPathReceive: new Set(),
    addPathSend: new Set(),
  };
}

/** The neighbouring AS that a MULTI_EXIT_DISC is compared within: the leftmost of the path, 0 when there is none. */
function neighborAs(path: readonly AsPathSegment[]): number {
  const first = path.find(
    (segment) =>
      segment.type === AsPathSegmentType.asSequence || segment.type === AsPathSegmentType.asSet,
  );
  return first?.type === AsPathSegmentType.asSequence ? (first.asns[0] ?? 0) : 0;
}

function hashOctets(octets: Uint8Array, start: number, end: number, context: number): number {
  let hash = 0x811c9dc5 ^ context;
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ (octets[at] as number), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

const initialCapacity = 256;

/**
 * Path attributes, interned: a block is looked up by its raw octets before it is decoded, and equal blocks are one
 * integer. What the Decision Process reads stands in columns; the rest is decoded again when somebody asks.
 */
export class PathAttributeStore {
  readonly #judge: (attributes: PathAttributes, external: boolean) => number;
  readonly #arena = new OctetArena();
  #place = new Float64Array(initialCapacity);
  #length = new Uint16Array(initialCapacity);
  #context = new Uint8Array(initialCapacity);
  #hash = new Uint32Array(initialCapacity);
  #references = new Int32Array(initialCapacity);
  #traits = new Uint8Array(initialCapacity);
  #ineligible = new Uint8Array(initialCapacity);
  #localPref = new Uint32Array(initialCapacity);
  #med = new Uint32Array(initialCapacity);
  #asPathLength = new Uint16Array(initialCapacity);
  #origin = new Uint8Array(initialCapacity);
  #neighborAs = new Uint32Array(initialCapacity);
  #originatorId = new Uint32Array(initialCapacity);
  #clusterListLength = new Uint8Array(initialCapacity);
  #slots = new Int32Array(initialCapacity * 2);
  #mask = initialCapacity * 2 - 1;
  readonly #free: number[] = [];
  #end = 0;
  #size = 0;

  /** @param judge why no path with these attributes may be used here (an `Ineligible` code), or 0 */
  constructor(judge: (attributes: PathAttributes, external: boolean) => number) {
    this.#judge = judge;
  }

  /** Distinct blocks held. */
  get size(): number {
    return this.#size;
  }

  /** One more than the greatest id given out. */
  get end(): number {
    return this.#end;
  }

  /** Octets that the columns and the blocks themselves occupy. */
  get bytes(): number {
    const keys = bytesOf(this.#place, this.#length, this.#context, this.#hash, this.#references);
    const flags = bytesOf(this.#traits, this.#ineligible, this.#slots, this.#free);
    const values = bytesOf(
      this.#localPref,
      this.#med,
      this.#asPathLength,
      this.#origin,
      this.#neighborAs,
      this.#originatorId,
      this.#clusterListLength,
    );
    return keys + flags + values + this.#arena.bytes;
  }

  localPref(id: number): number {
    return this.#localPref[id] as number;
  }
  /** 0 where MULTI_EXIT_DISC is absent (RFC 4271 §9.1.2.2 c). */
  med(id: number): number {
    return this.#med[id] as number;
  }
  asPathLength(id: number): number {
    return this.#asPathLength[id] as number;
  }
  origin(id: number): number {
    return this.#origin[id] as number;
  }
  neighborAs(id: number): number {
    return this.#neighborAs[id] as number;
  }
  /** Meaningful only with `AttributeTrait.hasOriginatorId`. */
  originatorId(id: number): number {
    return this.#originatorId[id] as number;
  }
  clusterListLength(id: number): number {
    return this.#clusterListLength[id] as number;
  }
  has(id: number, trait: number): boolean {
    return ((this.#traits[id] as number) & trait) !== 0;
  }
  /** An `Ineligible` code, or 0. */
  ineligible(id: number): number {
    return this.#ineligible[id] as number;
  }
  contextBits(id: number): number {
    return this.#context[id] as number;
  }

  /** The buffer that holds a block's octets, from `start(id)`, `length(id)` octets long. */
  octets(id: number): Uint8Array {
    return this.#arena.slab(this.#place[id] as number);
  }
  start(id: number): number {
    return this.#arena.offset(this.#place[id] as number);
  }
  length(id: number): number {
    return this.#length[id] as number;
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

  /** The id of a block, or -1. Its reference count is untouched. */
  find(octets: Uint8Array, start: number, end: number, context: number): number {
    const hash = hashOctets(octets, start, end, context);
    let slot = hash & this.#mask;
    for (;;) {
      const entry = this.#slots[slot] as number;
      if (entry === 0) return -1;
      const id = entry - 1;
      if (this.#hash[id] === hash && this.#equals(id, octets, start, end, context)) return id;
      slot = (slot + 1) & this.#mask;
    }
  }

  #equals(id: number, octets: Uint8Array, start: number, end: number, context: number): boolean {
    const length = end - start;
    if (this.#length[id] !== length || this.#context[id] !== context) return false;
    const held = this.octets(id);
    const heldStart = this.start(id);
    for (let at = 0; at < length; at++) {
      if (held[heldStart + at] !== octets[start + at]) return false;
    }
    return true;
  }

  /**
   * Adds a block that `find` did not know, with no reference held yet; `attributes` is what it decodes to. `clean` says
   * that the decoding had nothing to discard, so that the octets themselves may be passed on.
   */
  add(
    octets: Uint8Array,
    range: { readonly start: number; readonly end: number; readonly clean: boolean },
    context: number,
    attributes: PathAttributes,
  ): number {
    const { start, end } = range;
    const id = this.#free.pop() ?? this.#end++;
    if (id >= this.#place.length) this.#grow();
    this.#place[id] = this.#arena.store(octets, start, end);
    this.#length[id] = end - start;
    this.#context[id] = context;
    this.#hash[id] = hashOctets(octets, start, end, context);
    this.#references[id] = 0;
    const verbatim = range.clean && isVerbatim(octets, start, end);
    this.#describe(id, attributes);
    this.#traits[id] =
      traitsOf(attributes) |
      (range.clean ? AttributeTrait.clean : 0) |
      (verbatim ? AttributeTrait.verbatim : 0);
    this.#ineligible[id] = this.#judge(attributes, (context & 2) !== 0);
    this.#size++;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    else this.#insert(id);
    return id;
  }

  #describe(id: number, attributes: PathAttributes): void {
    const path = attributes.asPath ?? [];
    this.#localPref[id] = attributes.localPref ?? defaultLocalPref;
    this.#med[id] = attributes.multiExitDisc ?? 0;
    this.#asPathLength[id] = asPathLength(path);
    this.#origin[id] = attributes.origin ?? 2;
    this.#neighborAs[id] = neighborAs(path);
    this.#originatorId[id] = attributes.originatorId ?? 0;
    this.#clusterListLength[id] = Math.min(255, attributes.clusterList?.length ?? 0);
  }

  #insert(id: number): void {
    let slot = (this.#hash[id] as number) & this.#mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = id + 1;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    this.#mask = this.#slots.length - 1;
    const freed = new Set(this.#free);
    for (let id = 0; id < this.#end; id++) {
      if (!freed.has(id)) this.#insert(id);
    }
  }

  #grow(): void {
    const needed = this.#end;
    this.#place = grown(this.#place, needed);
    this.#length = grown(this.#length, needed);
    this.#context = grown(this.#context, needed);
    this.#hash = grown(this.#hash, needed);
    this.#references = grown(this.#references, needed);
    this.#traits = grown(this.#traits, needed);
    this.#ineligible = grown(this.#ineligible, needed);
    this.#localPref = grown(this.#localPref, needed);
    this.#med = grown(this.#med, needed);
    this.#asPathLength = grown(this.#asPathLength, needed);
    this.#origin = grown(this.#origin, needed);
    this.#neighborAs = grown(this.#neighborAs, needed);
    this.#originatorId = grown(this.#originatorId, needed);
    this.#clusterListLength = grown(this.#clusterListLength, needed);
  }

  /** One more path refers to the block. */
  retain(id: number): void {
    (this.#references[id] as number)++;
  }

  /** One path fewer; the block goes with the last. */
  release(id: number): void {
    if (--(this.#references[id] as number) > 0) return;
    this.#remove(id);
    this.#arena.free(this.#place[id] as number, this.#length[id] as number);
    this.#free.push(id);
    this.#size--;
  }

  #remove(id: number): void {
    let hole = (this.#hash[id] as number) & this.#mask;
    while (this.#slots[hole] !== id + 1) hole = (hole + 1) & this.#mask;
    let slot = hole;
    for (;;) {
      slot = (slot + 1) & this.#mask;
      const entry = this.#slots[slot] as number;
      if (entry === 0) break;
      const home = (this.#hash[entry - 1] as number) & this.#mask;
      if (((slot - home) & this.#mask) >= ((slot - hole) & this.#mask)) {
        this.#slots[hole] = entry;
        hole = slot;
      }
    }
    this.#slots[hole] = 0;
  }
}

/** The traits that the values show. */
function traitsOf({ communities = [], multiExitDisc, originatorId }: PathAttributes): number {
  const staysHere =
    communities.includes(WellKnownCommunity.noExport) ||
    communities.includes(WellKnownCommunity.noExportSubconfed);
  return (
    (multiExitDisc !== undefined ? AttributeTrait.hasMed : 0) |
    (originatorId !== undefined ? AttributeTrait.hasOriginatorId : 0) |
    (communities.includes(WellKnownCommunity.noAdvertise) ? AttributeTrait.noAdvertise : 0) |
    (staysHere ? AttributeTrait.noExport : 0)
  );
}

/**
 * Only attributes that are passed on as they are, ascending, so that a reflector may splice its own in (RFC 4271 §5: sorted
 * by type code); LOCAL_PREF, which an internal peer must be sent, among them; no flag that we may not send.
 */
function isVerbatim(octets: Uint8Array, start: number, end: number): boolean {
  let last = 0;
  let hasLocalPref = false;
  for (let at = start; at < end; ) {
    const flags = octets[at] as number;
    const code = octets[at + 1] as number;
    const extended = (flags & AttributeFlag.extendedLength) !== 0;
    const length = extended
      ? ((octets[at + 2] as number) << 8) | (octets[at + 3] as number)
      : (octets[at + 2] as number);
    // MP_REACH_NLRI goes where the family wants it, wherever it stood.
    if (code !== AttributeCode.mpReachNlri) {
      if (code <= last || !passedOnVerbatim.has(code)) return false;
      if ((flags & (AttributeFlag.partial | unusedFlags)) !== 0) return false;
      last = code;
      hasLocalPref ||= code === AttributeCode.localPref;
    }
    at += (extended ? 4 : 3) + length;
  }
  return hasLocalPref;
}
