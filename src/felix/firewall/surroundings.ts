import type { NftablesChange, NftablesTable } from "../../netlink/nftables-event.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Clock } from "../../platform/clock.ts";
import { OPENABLE } from "./forward.ts";
import { LookBudget } from "./look-budget.ts";
import type { Nft } from "./nft.ts";
import { isOfOthers, type Others, readChanged, readOthers } from "./others.ts";

/**
 * What other programs have in nftables, looked at when there is reason to: at once, but not more and more often. A table
 * that changed is looked at alone. Those that rules of ours may be in have a budget each: what happens in other tables,
 * however much, does not keep these rules from being put back.
 */
export class Surroundings {
  readonly #nft: Nft;
  readonly #budgets: ReadonlyMap<NftablesTable, LookBudget>;
  readonly #common: LookBudget;
  /** Who pays for what follows from the last look. */
  #payers: ReadonlySet<LookBudget> = new Set();
  /** All tables have been read, and those that are not due are as they were then. */
  #isKnown = false;
  #isAsked = false;
  #isAllDue = false;
  readonly #due = new Set<NftablesTable>();
  others: Others = { forward: [], nat: [] };
  /** Who changed tables last, where that is known. */
  readonly culprits = new Map<NftablesTable, NftablesChange>();

  constructor(nft: Nft, clock: Clock) {
    this.#nft = nft;
    this.#common = new LookBudget(clock);
    this.#budgets = new Map(OPENABLE.map((table) => [table, new LookBudget(clock)]));
  }

  /** There is something to look at. */
  get isDue(): boolean {
    return this.#isAllDue || this.#due.size > 0;
  }

  /** What is looked for is other than before. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Milliseconds until the next look. */
  get waitMs(): number {
    if (this.#isAsked) return 0;
    const payers = [...this.#due].map((table) => this.#payerOf(table));
    if (this.#isAllDue) payers.push(this.#common);
    return Math.min(...payers.map(({ waitMs }) => waitMs));
  }

  /** Somebody changed something, `by` whom, and in which tables, where that is known. */
  doubt(by?: NftablesChange): void {
    if (by === undefined || !this.#isKnown) this.#isAllDue = true;
    for (const table of by?.tables ?? []) {
      if (!isOfOthers(table)) continue;
      this.culprits.set(table, by as NftablesChange);
      if (this.#isKnown) this.#due.add(table);
    }
  }

  /** What is looked for is other than before: that waits for nothing. */
  ask(): void {
    this.#isAllDue = true;
    this.#isAsked = true;
  }

  /** Looks at what is due and may be by now. `masqueraded`: of these it is looked for who else masquerades them. Rejects with `NftError`. */
  async look(masqueraded: readonly Prefix[]): Promise<void> {
    const isWhole = this.#isAsked || (this.#isAllDue && this.#common.waitMs === 0);
    const tables = [...this.#due].filter((table) => isWhole || this.#payerOf(table).waitMs === 0);
    for (const table of tables) this.#due.delete(table);
    if (isWhole) this.#isAllDue = this.#isAsked = false;
    this.#payers = new Set(isWhole ? [this.#common] : tables.map((table) => this.#payerOf(table)));
    // What changes from here on is read again, whether or not this look saw it.
    this.#isKnown ||= isWhole;
    try {
      this.others = await this.#paid(
        () =>
          isWhole
            ? readOthers(this.#nft, masqueraded)
            : readChanged(this.#nft, masqueraded, this.others, new Set(tables)),
        (budget, cpuMs) => budget.looked(cpuMs),
      );
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** Does what follows from the last look. */
  follow<T>(work: () => Promise<T>): Promise<T> {
    return this.#paid(work, (budget, cpuMs) => budget.worked(cpuMs));
  }

  /** What was seen may not be so any more: the next look is at everything. */
  forget(): void {
    this.#isKnown = false;
    this.#isAllDue ||= this.#due.size > 0;
    this.#due.clear();
  }

  async #paid<T>(
    work: () => Promise<T>,
    pay: (budget: LookBudget, cpuMs: number) => void,
  ): Promise<T> {
    const payers = this.#payers;
    const fromMs = this.#nft.cpuMs;
    try {
      return await work();
    } finally {
      const cpuMs = (this.#nft.cpuMs - fromMs) / payers.size;
      for (const budget of payers) pay(budget, cpuMs);
    }
  }

  #payerOf(table: NftablesTable): LookBudget {
    return this.#budgets.get(table) ?? this.#common;
  }
}
