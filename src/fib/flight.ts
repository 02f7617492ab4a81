import type { FibPath } from "./path.ts";
import { FibChange, type FibOp } from "./row.ts";
import { RowFlag } from "./row-flag.ts";
import type { RowTable } from "./row-table.ts";

/**
 * The changes that are with the kernel, and of which nobody knows yet whether it has made them. Those that are through are
 * used again as long as others are under way: as garbage they would be old by then, and dear to collect.
 */
export class Flight<Want> {
  readonly #table: RowTable<Want>;
  /** First those that are under way, then those that are to be used again. */
  #all: FibChange<Want>[] = [];
  changes = 0;
  /** Those that are no deletions. */
  writes = 0;

  constructor(table: RowTable<Want>) {
    this.#table = table;
  }

  launch(row: number, op: FibOp, path: FibPath): FibChange<Want> {
    this.#table.set(row, RowFlag.inFlight);
    if (op !== "delete") this.writes++;
    const change = this.#change(row, op, path);
    change.place = this.changes++;
    return change;
  }

  #change(row: number, op: FibOp, path: FibPath): FibChange<Want> {
    let change = this.#all[this.changes];
    if (change === undefined) {
      change = new FibChange(this.#table, row, op, path);
      this.#all.push(change);
      return change;
    }
    change.number = row;
    change.op = op;
    change.path = path;
    change.culprit = undefined;
    return change;
  }

  landed(change: FibChange<Want>): void {
    this.#table.clear(change.number, RowFlag.inFlight);
    if (change.op !== "delete") this.writes--;
    this.changes--;
    const last = this.#all[this.changes] as FibChange<Want>;
    this.#all[change.place] = last;
    this.#all[this.changes] = change;
    last.place = change.place;
    if (this.changes === 0) this.#all = [];
  }

  /** Where they lead. */
  paths(): FibPath[] {
    return this.#all.slice(0, this.changes).map(({ path }) => path);
  }
}
