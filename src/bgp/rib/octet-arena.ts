import { bytesOf } from "./columns.ts";

const slabOctets = 1 << 20;
const step = 16;

/**
 * Many small octet strings in few large buffers. An `Uint8Array` of its own costs some hundred octets a piece; here a
 * string costs its length rounded up to 16. Freed places are reused for strings of the same size class.
 */
export class OctetArena {
  readonly #slabs: Uint8Array[] = [];
  #used = slabOctets;
  readonly #free = new Map<number, number[]>();

  /** Octets held, used or not. */
  get bytes(): number {
    return this.#slabs.length * slabOctets + bytesOf(...this.#free.values());
  }

  /** Copies `octets[start..end)` (at most 65535 octets) in and returns its place. */
  store(octets: Uint8Array, start: number, end: number): number {
    const size = Math.max(step, (end - start + step - 1) & -step);
    const place = this.#free.get(size)?.pop() ?? this.#extend(size);
    const slab = this.slab(place);
    const offset = this.offset(place);
    for (let at = start, to = offset; at < end; at++, to++) slab[to] = octets[at] as number;
    return place;
  }

  #extend(size: number): number {
    if (this.#used + size > slabOctets) {
      this.#slabs.push(new Uint8Array(slabOctets));
      this.#used = 0;
    }
    const place = (this.#slabs.length - 1) * slabOctets + this.#used;
    this.#used += size;
    return place;
  }

  /** Gives a place back; `length` is that of the string it holds. */
  free(place: number, length: number): void {
    const size = Math.max(step, (length + step - 1) & -step);
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [place]);
    else list.push(place);
  }

  /** The buffer that holds a place. */
  slab(place: number): Uint8Array {
    return this.#slabs[Math.floor(place / slabOctets)] as Uint8Array;
  }

  /** Where in its buffer a place starts. */
  offset(place: number): number {
    return place % slabOctets;
  }
}
