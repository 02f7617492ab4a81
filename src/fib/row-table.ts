import { HashIndex } from "../net/hash-index.ts";
import { ipv4Prefix, type Prefix } from "../net/prefix.ts";
import { HeldPaths } from "./held-paths.ts";
import type { FibPath } from "./path.ts";
import { RowFlag } from "./row-flag.ts";
import type { RowTrouble } from "./trouble.ts";

const INITIAL_ROWS = 256;

/** Seeing what was there already changes something of such rows all the same; or the columns have a key that is theirs no more. */
const unticked = RowFlag.inFlight | RowFlag.doubtful | RowFlag.ownerUnknown | RowFlag.other;

interface OtherKey {
  readonly prefix: Prefix;
  readonly metric: number;
}

/**
 * Rows by prefix and metric, each a number by which its values stand in columns: a hundred thousand objects would be ten
 * times as large, and the collector would look at every one again and again. Nearly all are IPv4 at the main metric:
 * of those the key is two numbers.
 */
export class RowTable<Want> {
  /** Who wants it; `undefined` when nobody does. */
  readonly want = emptyColumn<Want>();
  /** Where it shall lead; `undefined` while that is not known, and then what is there stays. */
  readonly wanted = emptyColumn<FibPath>();
  /** What the kernel holds of ours; `hold` writes it. */
  readonly kernel = emptyColumn<FibPath>();
  /** The same by path. */
  readonly held = new HeldPaths();
  /** The scan that saw what the kernel holds, modulo 256. */
  seen = new Uint8Array(INITIAL_ROWS);
  readonly #mainMetric: number;
  #flags = new Uint16Array(INITIAL_ROWS);
  #addresses = new Int32Array(INITIAL_ROWS);
  #lengths = new Uint8Array(INITIAL_ROWS);
  readonly #free: number[] = [];
  readonly #index = new HashIndex();
  readonly #others = new Map<string, number>();
  readonly #otherKeys = new Map<number, OtherKey>();
  readonly #troubles = new Map<number, RowTrouble>();
  #end = 0;
  /** The row that was ticked off last. The one behind it mostly comes next: the kernel lists routes in the same order each time. */
  #ticked = -1;

  constructor(mainMetric: number) {
    this.#mainMetric = mainMetric;
  }

  /** One more than the greatest number of a row. */
  get end(): number {
    return this.#end;
  }

  has(row: number, flag: number): boolean {
    return ((this.#flags[row] as number) & flag) !== 0;
  }

  set(row: number, flag: number): void {
    (this.#flags[row] as number) |= flag;
  }

  clear(row: number, flag: number): void {
    (this.#flags[row] as number) &= ~flag;
  }

  /** The kernel holds this of ours by now. */
  hold(row: number, path: FibPath | undefined): void {
    const before = this.kernel[row];
    if (path === before) return;
    if (before !== undefined) this.held.remove(before);
    if (path !== undefined) this.held.add(path);
    this.kernel[row] = path;
  }

  /** The row of a key, or -1. */
  find(prefix: Prefix, metric: number): number {
    const { ipv4Address: address, length } = prefix;
    if (address === undefined || metric !== this.#mainMetric) {
      return this.#others.get(otherKey(prefix, metric)) ?? -1;
    }
    return this.#findMain(address, length);
  }

  #findMain(address: number, length: number): number {
    const hash = hashOf(address, length);
    const index = this.#index;
    for (let slot = index.first(hash); slot >= 0; slot = index.next(slot, hash)) {
      const row = index.record(slot, hash);
      if (this.#addresses[row] === address && this.#lengths[row] === length) return row;
    }
    return -1;
  }

  /** Has the kernel there what it had, and is nothing else to be said of it? Then the scan has seen it. */
  tick(address: number, length: number, metric: number, path: FibPath, scan: number): boolean {
    if (metric !== this.#mainMetric) return false;
    let row = this.#ticked + 1;
    const isNext = this.#addresses[row] === address && this.#lengths[row] === length;
    if (!isNext) row = this.#findMain(address, length);
    if (row < 0 || this.kernel[row] !== path || this.has(row, unticked)) return false;
    this.seen[row] = scan;
    this.#ticked = row;
    return true;
  }

  /** The row of a key, a new one where it has none. */
  ensure(prefix: Prefix, metric: number): number {
    const row = this.find(prefix, metric);
    return row < 0 ? this.#add(prefix, metric) : row;
  }

  #add(prefix: Prefix, metric: number): number {
    const row = this.#free.pop() ?? this.#append();
    const { ipv4Address: address, length } = prefix;
    this.#lengths[row] = length;
    this.clear(row, RowFlag.other);
    this.set(row, RowFlag.used);
    if (address === undefined || metric !== this.#mainMetric) {
      this.set(row, RowFlag.other);
      this.#others.set(otherKey(prefix, metric), row);
      this.#otherKeys.set(row, { prefix, metric });
    } else {
      this.#addresses[row] = address;
      this.#index.add(hashOf(address, length), row);
    }
    return row;
  }

  /** Forgets a row that is in no queue; its key can be read until the number is used again. */
  delete(row: number): void {
    if (this.has(row, RowFlag.other)) {
      const { prefix, metric } = this.#otherKeys.get(row) as OtherKey;
      this.#others.delete(otherKey(prefix, metric));
    } else {
      this.#index.remove(hashOf(this.#addresses[row] as number, this.#lengths[row] as number), row);
    }
    this.want[row] = undefined;
    this.wanted[row] = undefined;
    this.hold(row, undefined);
    this.#troubles.delete(row);
    this.clear(row, ~(RowFlag.listed | RowFlag.other));
    this.#free.push(row);
  }

  metric(row: number): number {
    return this.#otherKey(row)?.metric ?? this.#mainMetric;
  }

  prefixLength(row: number): number {
    return this.#lengths[row] as number;
  }

  /** Of IPv4, as a signed number. */
  ipv4Address(row: number): number | undefined {
    const other = this.#otherKey(row);
    return other === undefined ? this.#addresses[row] : other.prefix.ipv4Address;
  }

  /** Made anew each time, for most. */
  prefix(row: number): Prefix {
    const other = this.#otherKey(row);
    return other?.prefix ?? ipv4Prefix(this.#addresses[row] as number, this.prefixLength(row));
  }

  #otherKey(row: number): OtherKey | undefined {
    return this.has(row, RowFlag.other) ? this.#otherKeys.get(row) : undefined;
  }

  /** Of a row that is as it shall be, `undefined`. */
  trouble(row: number): RowTrouble | undefined {
    return this.has(row, RowFlag.troubled) ? this.#troubles.get(row) : undefined;
  }

  /** Its record, to be written to. */
  troubleOf(row: number): RowTrouble {
    let trouble = this.trouble(row);
    if (trouble === undefined) {
      trouble = { fruitlessScans: 0, foreignSeen: 0 };
      this.#troubles.set(row, trouble);
      this.set(row, RowFlag.troubled);
    }
    return trouble;
  }

  forgetTrouble(row: number): void {
    if (!this.has(row, RowFlag.troubled)) return;
    this.#troubles.delete(row);
    this.clear(row, RowFlag.troubled);
  }

  #append(): number {
    const row = this.#end++;
    if (row === this.#flags.length) {
      this.#flags = larger(this.#flags, new Uint16Array(row * 2));
      this.#addresses = larger(this.#addresses, new Int32Array(row * 2));
      this.#lengths = larger(this.#lengths, new Uint8Array(row * 2));
      this.seen = larger(this.seen, new Uint8Array(row * 2));
    }
    this.want.push(undefined);
    this.wanted.push(undefined);
    this.kernel.push(undefined);
    return row;
  }
}

/**
 * Of objects from the start: to V8 an empty array is one of small integers until something else comes, and at the first row of a new
 * table it would throw away the code that appends.
 */
function emptyColumn<T>(): (T | undefined)[] {
  const column: (T | undefined)[] = [undefined];
  column.pop();
  return column;
}

function larger<T extends Uint8Array | Uint16Array | Int32Array>(column: T, copy: T): T {
  copy.set(column);
  return copy;
}

/** Mixes address and length so that all bits depend on all. */
function hashOf(address: number, length: number): number {
  const mixed = Math.imul(address ^ Math.imul(length, 0x9e3779b1), 0x85ebca6b);
  const more = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return more ^ (more >>> 16);
}

function otherKey(prefix: Prefix, metric: number): string {
  return `${prefix.text} metric ${metric}`;
}
