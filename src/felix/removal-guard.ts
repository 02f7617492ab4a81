import { DeletionGuard } from "../fib/deletion-guard.ts";
import type { FelixOptions } from "./options.ts";

/** Fewer may always go, whatever share of all that is. */
const UNGUARDED = 10;
const PERCENT = 30;
const WINDOW_MS = 60_000;

/** Lets no more than a share of the routes go while those who tell of them are not all there. */
export class RemovalGuard {
  readonly #options: Pick<FelixOptions, "isPictureWhole" | "clock" | "logger">;
  readonly #guard: DeletionGuard;
  /** So many are kept, and that was told. */
  #told = 0;

  constructor(
    options: Pick<FelixOptions, "maximumRemovalPercent" | "isPictureWhole" | "clock" | "logger">,
  ) {
    this.#options = options;
    this.#guard = new DeletionGuard({
      share: (options.maximumRemovalPercent ?? PERCENT) / 100,
      floor: UNGUARDED,
      windowMs: WINDOW_MS,
    });
  }

  /** May so many go, of those that are held? */
  mayRemove(due: number, held: number): boolean {
    const { isPictureWhole, clock, logger } = this.#options;
    const whole = isPictureWhole?.() ?? true;
    const isAllowed = this.#guard.allows(due, held, whole, clock.nowMs());
    const isNews = due > this.#told;
    this.#told = isAllowed ? 0 : due;
    if (isAllowed || !isNews) return isAllowed;
    const remedy = "look at `margay peers`; `margay fib confirm` removes them";
    logger.error({ routes: due, of: held, remedy }, "keeping routes that nobody wants any more");
    return false;
  }

  /** A person says that so many of what is asked for next may go. */
  confirm(routes: number): void {
    this.#guard.confirm(routes);
  }

  /** What has not gone by now is confirmed no more. */
  withdraw(): void {
    this.#guard.withdraw();
  }
}
