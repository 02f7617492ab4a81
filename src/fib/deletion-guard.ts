export interface DeletionGuardOptions {
  /** Share of the routes held that may go unconfirmed within the window, 0..1. */
  readonly share: number;
  /** So many may always go. */
  readonly floor: number;
  /** Removals within this time count together, so that many small passes are no way around. */
  readonly windowMs: number;
}

/**
 * How far a mistake may reach: lets only so many routes go as long as those who say that they are gone are not all
 * there. Losing both reflectors must not empty the kernel's table.
 */
export class DeletionGuard {
  readonly #options: DeletionGuardOptions;
  #removed = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #confirmed = 0;

  constructor(options: DeletionGuardOptions) {
    this.#options = options;
  }

  /** May `due` routes of the `held` ones go now? `whole`: everybody who could say otherwise has spoken. */
  allows(due: number, held: number, whole: boolean, nowMs: number): boolean {
    const { share, floor, windowMs } = this.#options;
    if (whole || nowMs - this.#sinceMs > windowMs) {
      this.#removed = 0;
      this.#sinceMs = nowMs;
    }
    const bound = Math.max(floor, share * (held + this.#removed));
    const unconfirmed = Math.max(0, due - this.#confirmed);
    if (!whole && this.#removed + unconfirmed > bound) return false;
    this.#removed += due;
    this.#confirmed = 0;
    return true;
  }

  /** A person says that so many of what is asked for next may go. Counts once, and until `withdraw`. */
  confirm(routes: number): void {
    this.#confirmed = routes;
  }

  /** What was confirmed and did not go since is confirmed no more. */
  withdraw(): void {
    this.#confirmed = 0;
  }
}
