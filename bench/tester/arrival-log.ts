const slabOctets = 4 << 20;
const slabArrivals = 1 << 16;

class Slab {
  readonly octets = new Uint8Array(slabOctets);
  readonly client = new Uint16Array(slabArrivals);
  readonly end = new Uint32Array(slabArrivals);
  readonly atMs = new Float64Array(slabArrivals);
  arrivals = 0;
  used = 0;
}

/** `octets[start..end)` came to `client` at `atMs`. */
export type TakeArrival = (
  client: number,
  octets: Uint8Array,
  start: number,
  end: number,
  atMs: number,
) => void;

/**
 * What came, to whom, and when, to be looked at later: while a daemon is being timed the tester does no more than to take
 * in. Its memory is got and touched beforehand, and used again.
 */
export class ArrivalLog {
  readonly #free: Slab[] = [];
  readonly #filled: Slab[] = [];
  #current: Slab;
  /** The next arrival to take, of the first slab. */
  #next = 0;
  /** Octets that wait. */
  octets = 0;

  /** @param expectedOctets that will wait at most, as far as one can say */
  constructor(expectedOctets: number) {
    for (let octets = 0; octets < expectedOctets; octets += slabOctets) {
      const slab = new Slab();
      slab.octets.fill(1); // a page that was never written is not there yet
      this.#free.push(slab);
    }
    this.#current = this.#free.pop() ?? new Slab();
  }

  /** Notes `octets`, at most 1 MiB, and keeps a copy. */
  add(client: number, octets: Uint8Array, atMs: number): void {
    let slab = this.#current;
    if (slab.arrivals === slabArrivals || slab.used + octets.length > slabOctets) {
      this.#filled.push(slab);
      slab = this.#free.pop() ?? new Slab();
      this.#current = slab;
    }
    slab.octets.set(octets, slab.used);
    slab.used += octets.length;
    slab.client[slab.arrivals] = client;
    slab.end[slab.arrivals] = slab.used;
    slab.atMs[slab.arrivals++] = atMs;
    this.octets += octets.length;
  }

  /** Hands out the oldest arrival. @returns false when there is none */
  take(visit: TakeArrival): boolean {
    const slab = this.#filled[0] ?? this.#current;
    if (this.#next === slab.arrivals) return false;
    const at = this.#next++;
    const start = at === 0 ? 0 : (slab.end[at - 1] as number);
    const end = slab.end[at] as number;
    this.octets -= end - start;
    visit(slab.client[at] as number, slab.octets, start, end, slab.atMs[at] as number);
    if (this.#next === slab.arrivals) this.#recycle(slab);
    return true;
  }

  #recycle(slab: Slab): void {
    this.#next = 0;
    slab.arrivals = 0;
    slab.used = 0;
    if (slab === this.#current) return;
    this.#filled.shift();
    this.#free.push(slab);
  }
}
