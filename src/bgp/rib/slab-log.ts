import { type Slab, slabBytes } from "./slab-packer.ts";

/** A slab, and what came before it since the log began: octets encoded, and octets of memory. */
interface Entry {
  readonly slab: Slab;
  readonly octetsBefore: number;
  readonly bytesBefore: number;
}

/**
 * Slabs numbered one after the other from 0 on, of which the oldest are let go of. How much lies behind a place is a
 * subtraction, however many slabs that are.
 */
export class SlabLog {
  #entries: Entry[] = [];
  /** The number of the oldest slab held. */
  #start = 0;
  #octets = 0;
  #bytes = 0;

  /** The number that the next slab will have. */
  get end(): number {
    return this.#start + this.#entries.length;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.bytesFrom(this.#start);
  }

  /** The same of all slabs that there have ever been. */
  get bytesEver(): number {
    return this.#bytes;
  }

  append(slab: Slab): void {
    this.#entries.push({ slab, octetsBefore: this.#octets, bytesBefore: this.#bytes });
    this.#octets += slab.octets.length;
    this.#bytes += slabBytes(slab);
  }

  /** One of the slabs held. */
  at(sequence: number): Slab {
    return (this.#entries[sequence - this.#start] as Entry).slab;
  }

  /** Octets encoded from a place on. */
  octetsFrom(sequence: number): number {
    return this.#octets - (this.#entryFrom(sequence)?.octetsBefore ?? this.#octets);
  }

  /** Octets of memory held from a place on. */
  bytesFrom(sequence: number): number {
    return this.#bytes - (this.#entryFrom(sequence)?.bytesBefore ?? this.#bytes);
  }

  #entryFrom(sequence: number): Entry | undefined {
    return this.#entries[Math.max(0, sequence - this.#start)];
  }

  /** Prefixes that the slabs from a place on speak of, some more than once. */
  *prefixesFrom(sequence: number): Generator<Int32Array> {
    for (let at = sequence; at < this.end; at++) yield this.at(at).prefixes;
  }

  /** Lets go of the slabs before a place. */
  trim(sequence: number): void {
    if (sequence <= this.#start) return;
    // All at once: that moves the others once.
    this.#entries.splice(0, sequence - this.#start);
    this.#start = sequence;
  }
}
