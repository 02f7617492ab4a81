import { bytesOf, grown } from "./columns.ts";
import type { NlriSequence } from "./slab-packer.ts";

/**
 * Gathers prefixes by the path they share (same attributes, same peer), in the order in which the paths turned up, so
 * that prefixes which arrived in one UPDATE leave in one.
 */
export class PrefixBuckets implements NlriSequence {
  /** First bucket of an attribute id + 1, or 0. */
  #bucketOf = new Int32Array(256);
  #attributes = new Int32Array(256);
  #peer = new Uint16Array(256);
  #source = new Uint8Array(256);
  #firstEntry = new Int32Array(256);
  #lastEntry = new Int32Array(256);
  /** Next bucket with the same attributes + 1, or 0. */
  #sibling = new Int32Array(256);
  #size = 0;
  #entryPrefix = new Int32Array(1024);
  #entryNext = new Int32Array(1024);
  /** Reaches only as far as it must: entries behind have none. */
  #entryPathId = new Int32Array(0);
  #entries = 0;
  #cursor = -1;
  /** The entry that `next` gave last. */
  #given = -1;

  /** Buckets in use. */
  get size(): number {
    return this.#size;
  }

  /** Octets that the columns occupy. */
  get bytes(): number {
    const buckets = bytesOf(this.#attributes, this.#peer, this.#source, this.#sibling);
    const chains = bytesOf(this.#firstEntry, this.#lastEntry);
    const entries = bytesOf(this.#entryPrefix, this.#entryNext, this.#entryPathId);
    return buckets + chains + bytesOf(this.#bucketOf) + entries;
  }

  /** @param pathId 0 without ADD-PATH */
  add(prefix: number, attributes: number, peer: number, source: number, pathId: number): void {
    const entry = this.#entries++;
    if (entry === this.#entryPrefix.length) {
      this.#entryPrefix = grown(this.#entryPrefix, entry + 1);
      this.#entryNext = grown(this.#entryNext, entry + 1);
    }
    this.#entryPrefix[entry] = prefix;
    if (pathId !== 0) this.#setPathId(entry, pathId);
    this.#entryNext[entry] = -1;
    const bucket = this.#find(attributes, peer, source);
    const last = this.#lastEntry[bucket] as number;
    if (last < 0) this.#firstEntry[bucket] = entry;
    else this.#entryNext[last] = entry;
    this.#lastEntry[bucket] = entry;
  }

  #setPathId(entry: number, pathId: number): void {
    if (entry >= this.#entryPathId.length) this.#entryPathId = grown(this.#entryPathId, entry + 1);
    this.#entryPathId[entry] = pathId;
  }

  #find(attributes: number, peer: number, source: number): number {
    if (attributes >= this.#bucketOf.length) {
      this.#bucketOf = grown(this.#bucketOf, attributes + 1);
    }
    const first = this.#bucketOf[attributes] as number;
    for (let at = first; at !== 0; at = this.#sibling[at - 1] as number) {
      if (this.#peer[at - 1] === peer) return at - 1;
    }
    const bucket = this.#size++;
    if (bucket === this.#attributes.length) this.#grow();
    this.#attributes[bucket] = attributes;
    this.#peer[bucket] = peer;
    this.#source[bucket] = source;
    this.#firstEntry[bucket] = -1;
    this.#lastEntry[bucket] = -1;
    this.#sibling[bucket] = first;
    this.#bucketOf[attributes] = bucket + 1;
    return bucket;
  }

  #grow(): void {
    const needed = this.#size;
    this.#attributes = grown(this.#attributes, needed);
    this.#peer = grown(this.#peer, needed);
    this.#source = grown(this.#source, needed);
    this.#firstEntry = grown(this.#firstEntry, needed);
    this.#lastEntry = grown(this.#lastEntry, needed);
    this.#sibling = grown(this.#sibling, needed);
  }

  attributes(bucket: number): number {
    return this.#attributes[bucket] as number;
  }
  peer(bucket: number): number {
    return this.#peer[bucket] as number;
  }
  source(bucket: number): number {
    return this.#source[bucket] as number;
  }

  /** Starts reading a bucket with `next`. */
  open(bucket: number): void {
    this.#cursor = this.#firstEntry[bucket] as number;
  }

  /** The next prefix of the opened bucket, or -1. */
  next(): number {
    const entry = this.#cursor;
    if (entry < 0) return -1;
    this.#given = entry;
    this.#cursor = this.#entryNext[entry] as number;
    return this.#entryPrefix[entry] as number;
  }

  get pathId(): number {
    return this.#entryPathId[this.#given] as number;
  }

  clear(): void {
    for (let bucket = 0; bucket < this.#size; bucket++) {
      this.#bucketOf[this.#attributes[bucket] as number] = 0;
    }
    this.#size = 0;
    this.#entries = 0;
  }
}
