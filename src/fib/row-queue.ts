const INITIAL_ROWS = 1024;

/** Rows by number, first in first out, in memory that is given back when the last is out. */
export class RowQueue {
  #rows = new Int32Array(INITIAL_ROWS);
  #head = 0;
  #end = 0;

  get isEmpty(): boolean {
    return this.#head === this.#end;
  }

  push(row: number): void {
    if (this.#end === this.#rows.length) this.#makeRoom();
    this.#rows[this.#end++] = row;
  }

  /** The first, or -1. */
  shift(): number {
    if (this.isEmpty) return -1;
    const row = this.#rows[this.#head++] as number;
    if (this.isEmpty) {
      this.#head = this.#end = 0;
      if (this.#rows.length > INITIAL_ROWS) this.#rows = new Int32Array(INITIAL_ROWS);
    }
    return row;
  }

  /** What is out makes room, where it is the greater part. */
  #makeRoom(): void {
    const rest = this.#rows.subarray(this.#head, this.#end);
    const isRoomy = rest.length * 2 <= this.#rows.length;
    const rows = isRoomy ? this.#rows : new Int32Array(this.#rows.length * 2);
    rows.set(rest);
    this.#rows = rows;
    this.#head = 0;
    this.#end = rest.length;
  }
}
