import type { FibPolicy } from "./fib-policy.ts";
import { RowFlag } from "./row-flag.ts";
import { RowQueue } from "./row-queue.ts";
import type { RowTable } from "./row-table.ts";

/** Rows whose deletion is due, in the order in which that came; how many may go is asked for all of them at once. */
export class DueDeletions {
  readonly #table: RowTable<unknown>;
  readonly #mayRemove: FibPolicy<unknown>["mayRemove"];
  /** Some are not due any more: a flag of the row tells. */
  readonly #rows = new RowQueue();
  #count = 0;
  /** So many may go without asking again. */
  #approved = 0;
  #frozen = false;
  /** A refusal holds no more. */
  #isToBeAsked = false;

  /** May so many rows go? A refusal holds until `askAgain`. */
  constructor(table: RowTable<unknown>, mayRemove: FibPolicy<unknown>["mayRemove"]) {
    this.#table = table;
    this.#mayRemove = mayRemove;
  }

  /** None is due, or none may go. */
  get isIdle(): boolean {
    return this.#count === 0 || (this.#frozen && !this.#isToBeAsked);
  }

  /** Those that were refused. */
  get frozen(): number {
    return this.#frozen ? this.#count : 0;
  }

  askAgain(): void {
    this.#isToBeAsked = true;
  }

  add(row: number): void {
    const table = this.#table;
    if (table.has(row, RowFlag.due)) return;
    this.#count++;
    if (!table.has(row, RowFlag.listed)) this.#rows.push(row);
    table.set(row, RowFlag.due | RowFlag.listed);
  }

  /**
   * It is not due any more, if it was. So many fewer may go, for what comes due later was not asked about; and of those that
   * were refused it is asked again, for so few may be allowed to.
   */
  drop(row: number): void {
    if (!this.#table.has(row, RowFlag.due)) return;
    this.#table.clear(row, RowFlag.due);
    this.#count--;
    if (this.#approved > 0) this.#approved--;
    this.#isToBeAsked = true;
  }

  /** The next that may go, or -1. */
  take(): number {
    while (this.#count > 0 && this.#isApproved()) {
      const row = this.#rows.shift();
      this.#table.clear(row, RowFlag.listed);
      if (!this.#table.has(row, RowFlag.due)) continue;
      this.drop(row);
      return row;
    }
    if (this.#count === 0) {
      this.#approved = 0;
      this.#frozen = false;
    }
    return -1;
  }

  #isApproved(): boolean {
    if (this.#approved > 0) return true;
    if (this.#frozen && !this.#isToBeAsked) return false;
    this.#frozen = !this.#mayRemove(this.#count, this.#table.held.routes);
    this.#isToBeAsked = false;
    if (!this.#frozen) this.#approved = this.#count;
    return !this.#frozen;
  }
}
