import type { FibPath } from "./path.ts";
import { FibChange, type FibOp } from "./row.ts";
import { RowFlag } from "./row-flag.ts";
import type { RowTable } from "./row-table.ts";

/** Changes that are through are forgotten when they are as many as those that are not, and so many more. */
const SLACK = 1024;

/** The changes that are with the kernel, and of which nobody knows yet whether it has made them. */
export class Flight<Want> {
  readonly #table: RowTable<Want>;
  /** Those, and some that are through. */
  #launched: FibChange<Want>[] = [];
  changes = 0;
  /** Those that are no deletions. */
  writes = 0;

  constructor(table: RowTable<Want>) {
    this.#table = table;
  }

  launch(row: number, op: FibOp, path: FibPath): FibChange<Want> {
    const change = new FibChange(this.#table, row, op, path);
    this.#table.set(row, RowFlag.inFlight);
    this.changes++;
    if (op !== "delete") this.writes++;
    if (this.#launched.length > 2 * this.changes + SLACK) this.#launched = this.#flying();
    this.#launched.push(change);
    return change;
  }

  landed(row: number, op: FibOp): void {
    this.#table.clear(row, RowFlag.inFlight);
    this.changes--;
    if (op !== "delete") this.writes--;
    if (this.changes === 0) this.#launched = [];
  }

  /** Where they lead. */
  paths(): FibPath[] {
    return this.#flying().map(({ path }) => path);
  }

  #flying(): FibChange<Want>[] {
    return this.#launched.filter(({ number }) => this.#table.has(number, RowFlag.inFlight));
  }
}
