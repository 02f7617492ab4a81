import type { Fib, Outcome } from "../fib/fib.ts";
import type { FibChange } from "../fib/row.ts";
import type { KernelRoute } from "../netlink/route.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { BackOff } from "./back-off.ts";
import { Contest, contested } from "./contest.ts";
import { culpritText } from "./culprit.ts";
import { type EntryContext, throughObject } from "./entry.ts";
import { pathText, protocolName } from "./format.ts";
import type { RouteOwner } from "./owner.ts";
import { isPassing } from "./problem.ts";
import type { FelixEvent } from "./status.ts";

export interface ReporterOptions {
  readonly fib: Fib<RouteOwner>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** rtm_protocol of our routes. */
  readonly protocol: number;
  readonly deviceName: (ifindex: number) => string;
  readonly hopsOf: EntryContext["hopsOf"];
  /** Has what failed or was held tried again after a while, which is asked for where nothing is to be tried again yet. */
  readonly retryAfter: (delayMs: () => number) => void;
  /** Is the place of another's route taken? */
  readonly mayTake: (route: { readonly protocol: number }) => boolean;
}

/** Between attempts to write what the kernel was short of means for, from and to. */
const RETRY_MS = 1_000;
const RETRY_MAXIMUM_MS = 60_000;

const contestedRoute = contested("this route");

/** Tells the log and those who watch what became of routes, counts, and sees to it that what failed is tried again. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #contest: Contest;
  /** Who listens, and whether it cares at the moment. */
  readonly #listeners = new Map<(event: FelixEvent) => void, () => boolean>();
  readonly #backOff = new BackOff(RETRY_MS, RETRY_MAXIMUM_MS);
  /** What others deleted or changed, and that was put back. */
  repairs = 0;
  /** Routes that were taken away. */
  removals = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#contest = new Contest(options.clock);
  }

  /** Tells every event from now on, while `cares` says so; returns what ends it. */
  listen(listener: (event: FelixEvent) => void, cares: () => boolean): () => void {
    this.#listeners.set(listener, cares);
    return () => this.#listeners.delete(listener);
  }

  tell(event: FelixEvent): void {
    for (const [listener, cares] of this.#listeners) if (cares()) listener(event);
  }

  /** Of every route that is written there would be an event: it is only made for somebody. */
  get #isHeard(): boolean {
    for (const cares of this.#listeners.values()) if (cares()) return true;
    return false;
  }

  /** What the kernel made of a change. */
  changed(change: FibChange<RouteOwner>, outcome: Outcome): void {
    if (outcome === "repaired") this.#repaired(change);
    if (outcome === "removed") this.removals++;
    if (outcome === "occupied") return;
    if (outcome === "failed") return this.#failed(change);
    this.#backOff.reset();
    if (!this.#isHeard) return;
    this.tell({ kind: outcome, prefix: change.prefix, text: this.#way(change) });
  }

  /** A route of another protocol stands where one is wanted. */
  conflict(route: KernelRoute): void {
    const { protocol, logger, mayTake, deviceName } = this.#options;
    const { prefix } = route;
    const owner = protocolName(route.protocol, protocol);
    const text = `${pathText(route, deviceName, prefix.version)} proto ${owner}`;
    const message = mayTake(route)
      ? "taking the place of a route of another protocol"
      : "conflict: a route of another protocol is there";
    logger.warn({ prefix: prefix.text, there: text }, message);
    this.tell({ kind: "conflict", prefix, text });
  }

  #failed(change: FibChange<RouteOwner>): void {
    const { failure } = change;
    if (failure === undefined) return;
    const { logger, retryAfter } = this.#options;
    logger.error({ prefix: change.prefix.text, way: this.#way(change) }, failure.text);
    this.tell({ kind: "error", prefix: change.prefix, text: failure.text });
    if (isPassing(failure.errno)) retryAfter(() => this.#backOff.next());
  }

  #repaired(change: FibChange<RouteOwner>): void {
    const { fib, logger, protocol, retryAfter } = this.#options;
    const { prefix } = change;
    this.repairs++;
    const by = change.culprit === undefined ? "" : `: ${culpritText(change.culprit, protocol)}`;
    const fields = { prefix: prefix.text, way: this.#way(change) };
    logger.warn(fields, `put back a route that someone deleted or changed${by}`);
    if (!this.#contest.repaired(prefix.text)) return;
    fib.hold(change, contestedRoute);
    logger.error(fields, contestedRoute.text);
    this.tell({ kind: "error", prefix, text: contestedRoute.text });
    retryAfter(() => Contest.restMs);
  }

  #way({ path, prefix }: FibChange<RouteOwner>): string {
    const { deviceName } = this.#options;
    return pathText(throughObject(path, this.#options), deviceName, prefix.version);
  }
}
