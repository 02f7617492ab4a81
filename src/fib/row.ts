import type { Prefix } from "../net/prefix.ts";
import type { FibPath } from "./path.ts";
import { RowFlag } from "./row-flag.ts";
import { type RowState, stateOfRow } from "./row-state.ts";
import type { RowTable } from "./row-table.ts";
import type { Culprit, RowFailure, RowTrouble } from "./trouble.ts";

export type FibOp = "create" | "replace" | "delete";

/** One key of the FIB (prefix and metric): what is wanted, and what is there. Says what is so now, as long as the row lasts. */
export class FibRow<Want> {
  /** For `Fib`. */
  number: number;
  readonly #table: RowTable<Want>;

  constructor(table: RowTable<Want>, number: number) {
    this.#table = table;
    this.number = number;
  }

  get metric(): number {
    return this.#table.metric(this.number);
  }

  /** Of an IPv4 prefix, its address as a signed number. */
  get ipv4Address(): number | undefined {
    return this.#table.ipv4Address(this.number);
  }

  get prefixLength(): number {
    return this.#table.prefixLength(this.number);
  }

  get prefix(): Prefix {
    return this.#table.prefix(this.number);
  }

  /** Who wants it; `undefined` when nobody does. */
  get want(): Want | undefined {
    return this.#table.want[this.number];
  }

  /** Where it shall lead; `undefined` while that is not known, and then what is there stays. */
  get wanted(): FibPath | undefined {
    return this.#table.wanted[this.number];
  }

  /** What the kernel holds of ours. */
  get kernel(): FibPath | undefined {
    return this.#table.kernel[this.number];
  }

  /** The route of another protocol in its place. */
  get foreign(): RowTrouble["foreign"] {
    return this.#table.trouble(this.number)?.foreign;
  }

  get failure(): RowFailure | undefined {
    return this.#table.trouble(this.number)?.failure;
  }

  get state(): RowState {
    return stateOfRow(this.#table, this.number);
  }
}

/** All rows that are in use. */
export function* rowsOf<Want>(table: RowTable<Want>): Generator<FibRow<Want>, undefined> {
  for (let row = 0; row < table.end; row++) {
    if (table.has(row, RowFlag.used)) yield new FibRow(table, row);
  }
}

/**
 * One change that brings the kernel nearer to what is wanted. Once it is settled it may become another one, with the next
 * that are taken.
 */
export class FibChange<Want> extends FibRow<Want> {
  /** `create` where nothing is known to be there; `replace` only where what is there is ours. */
  op: FibOp;
  path: FibPath;
  /** Of a repair, whose doing it mends, where the kernel told. */
  culprit: Culprit | undefined = undefined;
  /** For `Flight`. */
  place = -1;

  constructor(table: RowTable<Want>, number: number, op: FibOp, path: FibPath) {
    super(table, number);
    this.op = op;
    this.path = path;
  }
}
