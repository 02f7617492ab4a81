import type { Fib, Outcome } from "../fib/fib.ts";
import type { FibChange } from "../fib/row.ts";
import type { Prefix } from "../net/prefix.ts";
import type { FelixOptions } from "./options.ts";
import type { RouteOwner } from "./owner.ts";

/** Higher than those that programs and the kernel give by themselves. */
const DEFAULT_METRIC = 2048;

/**
 * Routes of ours beside those of others that are where ours should be: the same way, at a metric of their own. The kernel
 * goes by the other's as long as it is there, and by ours from the moment in which it goes.
 */
export class Beside {
  readonly #fib: Fib<RouteOwner>;
  /** `undefined` where the policy puts none there. */
  readonly metric: number | undefined;
  readonly #prefixes = new Set<string>();

  constructor(
    fib: Fib<RouteOwner>,
    { conflicts, conflictMetric }: Pick<FelixOptions, "conflicts" | "conflictMetric">,
  ) {
    this.#fib = fib;
    this.metric = conflicts === "own-metric" ? (conflictMetric ?? DEFAULT_METRIC) : undefined;
  }

  /** What is wanted at that metric, or who is there, has changed. */
  follow(prefix: Prefix, metric: number): void {
    if (this.metric === undefined || metric === this.metric) return;
    const row = this.#fib.row(prefix, metric);
    if (row?.want?.kind !== "remote") return;
    if (row.foreign === undefined && !this.#prefixes.has(prefix.text)) return;
    this.#prefixes.add(prefix.text);
    this.#fib.want(prefix, this.metric, row.want, row.wanted);
  }

  /** Once ours is in its own place, the one beside is needed no longer. */
  settled(change: FibChange<RouteOwner>, outcome: Outcome): void {
    if (this.#prefixes.size === 0) return;
    if (change.metric === this.metric || change.want === undefined) return;
    if (outcome === "installed" || outcome === "repaired") this.unwant(change.prefix);
  }

  unwant(prefix: Prefix): void {
    if (this.metric !== undefined && this.#prefixes.delete(prefix.text)) {
      this.#fib.unwant(prefix, this.metric);
    }
  }
}
