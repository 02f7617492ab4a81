/** Records in a page: small enough that a small table stays small, large enough that a large one has few pages. */
const pageBits = 13;
const pageMask = (1 << pageBits) - 1;

/**
 * Numbered records of a few 32-bit words each, in pages. What is read together lies together, so that a look at a random
 * record of a large table costs one cache miss and not one per field; and growing copies nothing, which matters since
 * memory that is touched for the first time costs more than the work on it.
 */
export class Records {
  readonly #words: number;
  #pages: Int32Array[] = [];

  /** @param words 32-bit words in a record */
  constructor(words: number) {
    this.#words = words;
  }

  /** Records that there is room for. */
  get capacity(): number {
    return this.#pages.length << pageBits;
  }

  /** Octets of memory held. */
  get bytes(): number {
    return this.capacity * this.#words * 4;
  }

  /** Makes room up to and with `record`; new records are all zero. */
  reach(record: number): void {
    while (record >= this.capacity) this.#pages.push(new Int32Array(this.#words << pageBits));
  }

  /** The page that holds `record`, whose words stand there from `at(record)` on. */
  page(record: number): Int32Array {
    return this.#pages[record >>> pageBits] as Int32Array;
  }

  at(record: number): number {
    return (record & pageMask) * this.#words;
  }

  get(record: number, word: number): number {
    return this.page(record)[this.at(record) + word] as number;
  }

  set(record: number, word: number, value: number): void {
    this.page(record)[this.at(record) + word] = value;
  }

  /** Gives all memory back. */
  clear(): void {
    this.#pages = [];
  }
}

/** A stack of record numbers, for those that wait for something. */
export class RecordStack {
  readonly #records = new Records(1);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#records.bytes;
  }

  push(record: number): void {
    this.#records.reach(this.#length);
    this.#records.set(this.#length++, 0, record);
  }

  /** The record pushed last, or -1. */
  pop(): number {
    if (this.#length === 0) return -1;
    const record = this.#records.get(--this.#length, 0);
    if (this.#length === 0) this.#records.clear();
    return record;
  }
}

type Column = Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** A number in an array of JavaScript takes a machine word. */
const bytesPerListed = 8;

/** Octets that columns and lists of numbers occupy, used or not. */
export function bytesOf(...columns: readonly (Column | readonly number[])[]): number {
  let bytes = 0;
  for (const column of columns) {
    bytes += "byteLength" in column ? column.byteLength : column.length * bytesPerListed;
  }
  return bytes;
}

/** A copy of a typed-array column, at least `needed` long and at least twice as long as before. */
export function grown<T extends Column>(column: T, needed: number): T {
  const length = Math.max(needed, column.length * 2);
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
}
