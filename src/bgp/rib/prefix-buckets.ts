import { bytesOf, grown } from "./columns.ts";

/**
 * Gathers prefixes by the path they share (same attributes, same peer), in the order in which the paths turned up, so
 * that prefixes which arrived in one UPDATE leave in one.
 */
export class PrefixBuckets {
  /** First bucket of an attribute id + 1, or 0. */
  #bucketOf = new Int32Array(256);
  #attributes: number[] = [];
  #peer: number[] = [];
  #source: number[] = [];
  #firstEntry: number[] = [];
  #lastEntry: number[] = [];
  /** Next bucket with the same attributes + 1, or 0. */
  #sibling: number[] = [];
  #entryPrefix = new Int32Array(1024);
  #entryNext = new Int32Array(1024);
  #entries = 0;
  #cursor = -1;

  /** Buckets in use. */
  get size(): number {
    return this.#attributes.length;
  }

  /** Octets that the columns occupy. */
  get bytes(): number {
    return bytesOf(this.#bucketOf, this.#entryPrefix, this.#entryNext);
  }

  add(prefix: number, attributes: number, peer: number, source: number): void {
    const entry = this.#entries++;
    if (entry === this.#entryPrefix.length) {
      this.#entryPrefix = grown(this.#entryPrefix, entry + 1);
      this.#entryNext = grown(this.#entryNext, entry + 1);
    }
    this.#entryPrefix[entry] = prefix;
    this.#entryNext[entry] = -1;
    const bucket = this.#find(attributes, peer, source);
    const last = this.#lastEntry[bucket] as number;
    if (last < 0) this.#firstEntry[bucket] = entry;
    else this.#entryNext[last] = entry;
    this.#lastEntry[bucket] = entry;
  }

  #find(attributes: number, peer: number, source: number): number {
    if (attributes >= this.#bucketOf.length) {
      this.#bucketOf = grown(this.#bucketOf, attributes + 1);
    }
    const first = this.#bucketOf[attributes] as number;
    for (let at = first; at !== 0; at = this.#sibling[at - 1] as number) {
      if (this.#peer[at - 1] === peer) return at - 1;
    }
    const bucket = this.#attributes.length;
    this.#attributes.push(attributes);
    this.#peer.push(peer);
    this.#source.push(source);
    this.#firstEntry.push(-1);
    this.#lastEntry.push(-1);
    this.#sibling.push(first);
    this.#bucketOf[attributes] = bucket + 1;
    return bucket;
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
  readonly next = (): number => {
    const entry = this.#cursor;
    if (entry < 0) return -1;
    this.#cursor = this.#entryNext[entry] as number;
    return this.#entryPrefix[entry] as number;
  };

  clear(): void {
    for (const attributes of this.#attributes) this.#bucketOf[attributes] = 0;
    this.#attributes.length = 0;
    this.#peer.length = 0;
    this.#source.length = 0;
    this.#firstEntry.length = 0;
    this.#lastEntry.length = 0;
    this.#sibling.length = 0;
    this.#entries = 0;
  }
}
