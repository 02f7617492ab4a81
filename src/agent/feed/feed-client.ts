import { ApiError } from "../../api/api-error.ts";
import { connectTo } from "../../api/connect.ts";
import type { ServiceClient } from "../../api/client.ts";
import { margayVersion } from "../../api/version.ts";
import {
  type FollowResponse,
  RouteFeedService,
  type SegmentClaim as ClaimMessage,
  type SelectedRoute,
} from "../../gen/margay/v1/route_feed_pb.ts";
import { StatusCode } from "../../gen/margay/v1/frame_pb.ts";
import { parsePrefix, type Prefix } from "../../net/prefix.ts";
import type { SegmentClaim } from "../../net/segment-claim.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ProgrammerReport } from "./feed-server.ts";
import type { Resync } from "./resync.ts";

/** Between two attempts to reach the speaker; a unix socket costs next to nothing to try. */
const RETRY_MS = 200;
/** Between two reports, where there is something new to say. */
const REPORT_MS = 2000;
const CALL_TIMEOUT_MS = 5000;

type Client = ServiceClient<typeof RouteFeedService>;

export interface FeedClientOptions {
  /** The speaker's unix socket. */
  readonly socketPath: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly resync: Resync;
  /** What to tell the speaker of the programmer. */
  readonly report: () => ProgrammerReport & { readonly silent: string[] };
}

/** Follows the speaker's routes, whenever there is a speaker. */
export class FeedClient {
  readonly #options: FeedClientOptions;
  #isStopped = false;
  #isConnected = false;
  #retry: Timer | undefined;
  #reporting: Timer | undefined;
  #disconnect: (() => void) | undefined;

  constructor(options: FeedClientOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Looks for the speaker from now on. */
  start(): void {
    const { resync, logger, socketPath } = this.#options;
    resync.lost();
    logger.info({ speaker: socketPath }, "looking for the speaker");
    void this.#attempt();
  }

  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
    this.#reporting?.cancel();
    this.#disconnect?.();
    this.#options.resync.stop();
  }

  async #attempt(): Promise<void> {
    const { clock, resync, logger } = this.#options;
    try {
      await this.#follow();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.#isConnected && !this.#isStopped) {
        logger.warn({ reason: error.message }, "the speaker is gone: the routes stay");
      }
    }
    if (this.#isStopped) return;
    if (this.#isConnected) resync.lost();
    this.#isConnected = false;
    this.#reporting?.cancel();
    this.#retry = clock.after(RETRY_MS, () => void this.#attempt());
  }

  async #follow(): Promise<void> {
    const { socketPath, clock, logger } = this.#options;
    const host = `unix:${socketPath}`;
    await using connection = await connectTo(RouteFeedService, host, {
      clock,
      timeoutMs: CALL_TIMEOUT_MS,
    });
    const { client } = connection;
    this.#disconnect = () => connection.close();
    for await (const page of client.follow({ version: margayVersion() })) {
      if (this.#isStopped) return;
      if (!this.#isConnected) {
        this.#isConnected = true;
        logger.info({}, "following the speaker");
        this.#report(client, "");
      }
      this.#take(page);
    }
  }

  #take({ begins, routes, ends, picture }: FollowResponse): void {
    const { resync } = this.#options;
    if (begins) resync.begin();
    for (const route of routes) this.#takeRoute(route);
    if (picture !== undefined) {
      resync.pictureChanged({ isWhole: picture.whole, isComplete: picture.complete });
    }
    if (ends) resync.end();
  }

  #takeRoute({ prefix: text, nextHops, claims }: SelectedRoute): void {
    const { resync } = this.#options;
    const prefix = prefixOf(text);
    if (nextHops.length === 0) resync.removeRoute(prefix);
    else if (claims.length === 0) resync.setRoute({ prefix, nextHops });
    else resync.setRoute({ prefix, nextHops, claims: claims.map(claimOf) });
  }

  /** Tells how the routes fare, now and whenever that has changed. @param last what was told last, as text */
  #report(client: Client, last: string): void {
    const { clock, report } = this.#options;
    const now = report();
    const text = JSON.stringify(now, (_, value) =>
      typeof value === "bigint" ? String(value) : (value as unknown),
    );
    const next = (): void => {
      if (this.#isStopped || !this.#isConnected) return;
      this.#reporting = clock.after(REPORT_MS, () => this.#report(client, text));
    };
    if (text === last) return next();
    // The connection's end is told by `follow`.
    client.report(now, { timeoutMs: CALL_TIMEOUT_MS }).then(next, () => {});
  }
}

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  throw new ApiError(StatusCode.INTERNAL, `the speaker told of "${text}", which is no prefix`);
}

function claimOf({ address, subnet, unheard }: ClaimMessage): SegmentClaim {
  return { address, subnet: prefixOf(subnet), unheard };
}
