import { setImmediate as nextTurn } from "node:timers/promises";
import type { Fib, Outcome } from "../fib/fib.ts";
import type { FibChange } from "../fib/row.ts";
import { NetlinkError } from "../netlink/errno.ts";
import type { Netlink, RouteFailure } from "../netlink/netlink.ts";
import { Anchors } from "./anchors.ts";
import type { RouteIdentity } from "../netlink/route-request.ts";

/**
 * Changes per batch: some 400 KiB, ten to thirty milliseconds of the kernel's time, in a thread. That one is through is
 * seen a millisecond late, so that a quarter of it would cost a tenth of the speed.
 */
const BATCH = 8192;
/** The first is made ready sooner, for the kernel has nothing to do until then. */
const FIRST_BATCH = 2048;
/** One batch is with the kernel while the next is made ready. */
const BATCHES_IN_FLIGHT = 2;
/** Of what the kernel has made of a batch so many are taken in before the event loop turns: a few milliseconds, for deletions. */
const SETTLED_EACH_TURN = 4096;

/** Writes what the FIB wants into the kernel, in batches, until nothing is left to write. */
export class RouteProgrammer<Want> {
  readonly #fib: Fib<Want>;
  readonly #netlink: Netlink;
  readonly #identity: RouteIdentity;
  readonly #report: (change: FibChange<Want>, outcome: Outcome) => void;
  readonly #prepare: () => Promise<void> | undefined;
  readonly #anchors = new Anchors();
  #uncertain: NetlinkError | undefined;
  /** Ends the wait for more to write, where there is one. */
  #wake: (() => void) | undefined;

  /** `prepare` sees to what routes need that are taken next; it is asked until it says that there is nothing. */
  constructor(
    fib: Fib<Want>,
    netlink: Netlink,
    identity: RouteIdentity,
    report: (change: FibChange<Want>, outcome: Outcome) => void,
    prepare: () => Promise<void> | undefined,
  ) {
    this.#fib = fib;
    this.#netlink = netlink;
    this.#identity = identity;
    this.#report = report;
    this.#prepare = prepare;
  }

  /** Resolves when all is written; to the error that left the outcome of a batch unknown, if any. */
  async program(): Promise<NetlinkError | undefined> {
    const running = new Set<Promise<void>>();
    this.#uncertain = undefined;
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      while (running.size < BATCHES_IN_FLIGHT && this.#uncertain === undefined) {
        for (let more = this.#prepare(); more !== undefined; more = this.#prepare()) await more;
        // What others have done to a route decides what is to be done with it.
        this.#netlink.hear();
        const changes = this.#fib.take(running.size === 0 ? FIRST_BATCH : BATCH);
        if (changes.length === 0 && this.#fib.hasMore) {
          await nextTurn();
          continue;
        }
        if (changes.length === 0) break;
        const batch = this.#apply(changes).finally(() => running.delete(batch));
        running.add(batch);
      }
      if (running.size === 0) {
        await this.#dropAnchors();
        return this.#uncertain;
      }
      const mayMore = running.size < BATCHES_IN_FLIGHT && this.#uncertain === undefined;
      await Promise.race(mayMore ? [...running, woken] : running);
    }
  }

  /** There may be more to write: what has come while one batch is with the kernel is made ready meanwhile. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  async #apply(changes: readonly FibChange<Want>[]): Promise<void> {
    const anchors = this.#anchors.before(changes);
    const all = anchors.length === 0 ? changes : [...anchors, ...changes];
    let failures: readonly RouteFailure[];
    try {
      failures = await this.#netlink.applyRoutes(all, this.#identity);
    } catch (error) {
      this.#fib.abandon(changes);
      if (!(error instanceof NetlinkError)) throw error;
      this.#uncertain = error;
      return;
    }
    // An anchor that the kernel refused holds a path that nobody can follow any more.
    const own = failures.filter(({ index }) => index >= anchors.length);
    await this.#settle(changes, own, anchors.length);
  }

  /** By the next turn no reader is left that was there before the last batch. */
  async #dropAnchors(): Promise<void> {
    const removals = this.#anchors.after();
    if (removals.length === 0) return;
    await nextTurn();
    try {
      await this.#netlink.applyRoutes(removals, this.#identity);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      this.#uncertain ??= error;
    }
  }

  /** `first`: what the first change's number among the failures is. */
  async #settle(
    changes: readonly FibChange<Want>[],
    failures: readonly RouteFailure[],
    first: number,
  ): Promise<void> {
    let next = 0;
    for (let index = 0; index < changes.length; index++) {
      if (index > 0 && index % SETTLED_EACH_TURN === 0) await nextTurn();
      const change = changes[index] as FibChange<Want>;
      const candidate = failures[next];
      const failure = candidate?.index === index + first ? candidate : undefined;
      if (failure !== undefined) next++;
      this.#report(change, this.#fib.settle(change, failure));
    }
  }
}
