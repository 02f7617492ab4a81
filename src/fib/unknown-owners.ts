import { RowFlag } from "./row-flag.ts";
import type { RowTable } from "./row-table.ts";

/** Rows of which only a scan of all protocols can tell whose route is there, or goes first. */
export class UnknownOwners {
  readonly #table: RowTable<unknown>;
  #count = 0;

  constructor(table: RowTable<unknown>) {
    this.#table = table;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  ask(row: number): void {
    if (!this.#table.has(row, RowFlag.ownerUnknown)) this.#count++;
    this.#table.set(row, RowFlag.ownerUnknown);
  }

  /** It is known now. Returns whether it had not been. */
  known(row: number): boolean {
    if (!this.#table.has(row, RowFlag.ownerUnknown)) return false;
    this.#table.clear(row, RowFlag.ownerUnknown);
    this.#count--;
    return true;
  }
}
