import { ApiError } from "../../api/api-error.ts";
import type { ServiceHandlers } from "../../api/router.ts";
import type { StatusView } from "../../api/views.ts";
import type { RouteIntent } from "../../felix/intent.ts";
import { StatusCode } from "../../gen/margay/v1/frame_pb.ts";
import type { RouteFeedService } from "../../gen/margay/v1/route_feed_pb.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Logger } from "../../platform/logger.ts";
import { type FeedPage, FeedQueue } from "./feed-queue.ts";
import type { Picture, RouteFeed } from "./route-feed.ts";

/** What a programmer says of itself. */
export type ProgrammerReport = Pick<StatusView, "fib" | "kernel" | "firewall" | "warnings">;

export interface FeedServerOptions {
  /** Every route that is selected; may change while it is iterated. */
  readonly table: () => Iterable<RouteIntent>;
  readonly picture: () => Picture;
  readonly logger: Logger;
  /** A programmer says which next hops do not answer on their segment. What it said stands while it is away, as its routes do. */
  readonly onSilence: (silent: readonly string[]) => void;
}

/** Feeds programmers in other processes: one queue for each that follows. */
export class FeedServer implements RouteFeed {
  readonly #options: FeedServerOptions;
  readonly #followers = new Set<FeedQueue>();
  #report: ProgrammerReport | undefined;

  constructor(options: FeedServerOptions) {
    this.#options = options;
  }

  /** Programmers that follow now. */
  get followers(): number {
    return this.#followers.size;
  }

  /** Changes that wait to be taken by them. */
  get waiting(): number {
    return [...this.#followers].reduce((sum, { size }) => sum + size, 0);
  }

  /** What the programmer said last; `undefined` while there is none. */
  get report(): ProgrammerReport | undefined {
    return this.#report;
  }

  setRoute(intent: RouteIntent): void {
    for (const follower of this.#followers) follower.setRoute(intent);
  }

  removeRoute(prefix: Prefix): void {
    for (const follower of this.#followers) follower.removeRoute(prefix);
  }

  pictureChanged(): void {
    for (const follower of this.#followers) follower.pictureChanged();
  }

  /** The calls of RouteFeedService. @param mayReport as of `managementHandlers`' `mayControl` */
  handlers(mayReport: boolean): ServiceHandlers<typeof RouteFeedService> {
    return {
      follow: ({ version }, { signal }) => this.#follow(version, signal),
      report: ({ fib, kernel, firewall, warnings, silent }) => {
        if (!mayReport) {
          const text = "reports are taken on the unix socket only";
          throw new ApiError(StatusCode.PERMISSION_DENIED, text);
        }
        this.#report = {
          ...(fib && { fib }),
          ...(kernel && { kernel }),
          ...(firewall && { firewall }),
          warnings,
        };
        this.#options.onSilence(silent);
        return {};
      },
    };
  }

  #follow(version: string, signal: AbortSignal): AsyncGenerator<FeedPage, void> {
    const { table, picture, logger } = this.#options;
    const queue = new FeedQueue({ table, picture: picture() });
    this.#followers.add(queue);
    logger.info({ version }, "a programmer follows");
    signal.addEventListener(
      "abort",
      () => {
        this.#followers.delete(queue);
        if (this.#followers.size === 0) this.#report = undefined;
        logger.warn({ version }, "the programmer is gone: its kernel routes stay");
      },
      { once: true },
    );
    return queue.pages(signal);
  }
}
