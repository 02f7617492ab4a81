import { setImmediate } from "node:timers/promises";
import type { RouteIntent } from "../../felix/intent.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Picture, RouteFeed } from "./route-feed.ts";

export interface ResyncOptions {
  /** The programmer. */
  readonly feed: RouteFeed;
  /** So long routes stay that nobody has told again since whoever told of them was lost. */
  readonly staleMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Nobody tells, so that nothing is meant. */
const away: Picture = { isWhole: false, isComplete: false };
/** Removals without a pause. */
const SLICE = 1000;

/**
 * Keeps a programmer's routes while whoever tells of them is away, as a peer with graceful restart does (RFC 4724 §4.2):
 * they are stale until told again, and go when a complete picture has come without them, or their time is up. What is
 * told again as it was changes nothing.
 */
export class Resync implements RouteFeed {
  readonly #options: ResyncOptions;
  /** Told since the last `begin`, by prefix. */
  #told = new Map<string, Prefix>();
  /** Told before it, and not again. */
  #stale = new Map<string, Prefix>();
  #hasTable = false;
  #picture: Picture = away;
  #timer: Timer | undefined;
  #lostAtMs: number | undefined;

  constructor(options: ResyncOptions) {
    this.#options = options;
  }

  /** Routes that are wanted. */
  get size(): number {
    return this.#told.size + this.#stale.size;
  }

  /** Of them, those that have yet to be told again. */
  get staleSize(): number {
    return this.#stale.size;
  }

  /** How long they still stay, if nobody tells of them; `undefined` where nobody is missed. */
  get staleForMs(): number | undefined {
    if (this.#timer === undefined || this.#lostAtMs === undefined) return undefined;
    const { staleMs, clock } = this.#options;
    return Math.max(0, this.#lostAtMs + staleMs - clock.nowMs());
  }

  /** Whoever tells of routes is gone, or has not come yet. */
  lost(): void {
    const { clock, staleMs, feed } = this.#options;
    this.begin();
    this.#picture = away;
    feed.pictureChanged(away);
    if (this.#timer !== undefined) return;
    this.#lostAtMs = clock.nowMs();
    this.#timer = clock.after(staleMs, () => this.#expired());
  }

  /** Every route is about to be told. */
  begin(): void {
    for (const [text, prefix] of this.#told) this.#stale.set(text, prefix);
    this.#told = new Map();
    this.#hasTable = false;
  }

  setRoute(intent: RouteIntent): void {
    const { prefix } = intent;
    this.#stale.delete(prefix.text);
    this.#told.set(prefix.text, prefix);
    this.#options.feed.setRoute(intent);
  }

  removeRoute(prefix: Prefix): void {
    this.#stale.delete(prefix.text);
    this.#told.delete(prefix.text);
    this.#options.feed.removeRoute(prefix);
  }

  pictureChanged(picture: Picture): void {
    this.#picture = picture;
    this.#settle();
  }

  /** Every route has been told. */
  end(): void {
    this.#hasTable = true;
    this.#settle();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #settle(): void {
    const { feed } = this.#options;
    if (!this.#hasTable) return;
    if (!this.#picture.isComplete) {
      // What an earlier life of the programmer left waits, too.
      return feed.pictureChanged({ isWhole: this.#picture.isWhole, isComplete: false });
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    feed.pictureChanged(this.#picture);
    void this.#sweep();
  }

  #expired(): void {
    const { logger, feed } = this.#options;
    this.#timer = undefined;
    const routes = this.#stale.size;
    if (routes > 0)
      logger.warn({ routes }, "nobody has told of these routes again: they are stale");
    feed.pictureChanged({ isWhole: this.#picture.isWhole, isComplete: true });
    void this.#sweep();
  }

  /** What was not told again goes. */
  async #sweep(): Promise<void> {
    const stale = this.#stale;
    this.#stale = new Map();
    let count = 0;
    for (const [text, prefix] of stale) {
      const isToldAgain = this.#told.has(text) || this.#stale.has(text);
      if (!isToldAgain) this.#options.feed.removeRoute(prefix);
      if (++count % SLICE === 0) await setImmediate();
    }
  }
}
