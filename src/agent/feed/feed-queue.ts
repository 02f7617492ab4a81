import { setImmediate } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteIntent } from "../../felix/intent.ts";
import type {
  FollowResponseSchema,
  SegmentClaimSchema,
  SelectedRouteSchema,
} from "../../gen/margay/v1/route_feed_pb.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { SegmentClaim } from "../../net/segment-claim.ts";
import type { Picture, RouteFeed } from "./route-feed.ts";

export type FeedPage = MessageInitShape<typeof FollowResponseSchema>;
type RouteMessage = MessageInitShape<typeof SelectedRouteSchema>;

/** Routes in a message. */
const PAGE_ROUTES = 500;
/** Changes that wait for a reader. With more it is told the whole table again, which is no longer than it is. */
const CAPACITY = 65_536;

export interface FeedQueueOptions {
  /** Every route that is selected; may change while it is iterated. */
  readonly table: () => Iterable<RouteIntent>;
  readonly picture: Picture;
  /** Changes that may wait. */
  readonly capacity?: number;
}

/**
 * Routes for somebody who takes them at a pace of their own. A newer change of a prefix takes the older one's place, and
 * there are never more than `capacity` of them: who falls behind further is told the table from its beginning.
 */
export class FeedQueue implements RouteFeed {
  readonly #options: FeedQueueOptions;
  readonly #capacity: number;
  /** By prefix; without next hops it is gone. */
  readonly #changes = new Map<string, RouteIntent>();
  #hasOverflowed = false;
  #told: { readonly whole: boolean; readonly complete: boolean } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: FeedQueueOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? CAPACITY;
  }

  /** Changes that wait. */
  get size(): number {
    return this.#changes.size;
  }

  setRoute(intent: RouteIntent): void {
    if (this.#hasOverflowed) return;
    this.#changes.set(intent.prefix.text, intent);
    if (this.#changes.size > this.#capacity) {
      this.#changes.clear();
      this.#hasOverflowed = true;
    }
    this.#wake?.();
  }

  removeRoute(prefix: Prefix): void {
    this.setRoute({ prefix, nextHops: [] });
  }

  pictureChanged(): void {
    this.#wake?.();
  }

  /** The table, and then what changes, until aborted. */
  async *pages(signal: AbortSignal): AsyncGenerator<FeedPage, void> {
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
    while (!signal.aborted) {
      yield* this.#table();
      while (!this.#hasOverflowed) {
        await this.#something(signal);
        // One message for what one turn of the program changed.
        await setImmediate();
        if (signal.aborted) return;
        if (this.#hasNews) yield this.#news();
      }
    }
  }

  async *#table(): AsyncGenerator<FeedPage, void> {
    // Whatever changes from here on comes after the table, so that it does not matter which state of it the table shows.
    this.#changes.clear();
    this.#hasOverflowed = false;
    this.#told = undefined;
    yield { begins: true };
    let routes: RouteIntent[] = [];
    for (const intent of this.#options.table()) {
      routes.push(intent);
      if (routes.length < PAGE_ROUTES) continue;
      yield { routes: routes.map(message) };
      routes = [];
      await setImmediate();
    }
    if (!this.#hasOverflowed) yield { ...this.#page(routes), ends: true };
  }

  /** What waits, as much as a message holds. */
  #news(): FeedPage {
    const routes: RouteIntent[] = [];
    for (const [text, intent] of this.#changes) {
      if (routes.length === PAGE_ROUTES) break;
      routes.push(intent);
      this.#changes.delete(text);
    }
    return this.#page(routes);
  }

  #page(routes: readonly RouteIntent[]): FeedPage {
    const picture = this.#picture;
    const isNew = !isTold(picture, this.#told);
    if (isNew) this.#told = picture;
    return { routes: routes.map(message), ...(isNew && { picture }) };
  }

  /** The picture as it can be told now: it is not complete before all that it is of has been told. */
  get #picture(): { whole: boolean; complete: boolean } {
    const { isWhole, isComplete } = this.#options.picture;
    const wasComplete = this.#told?.complete ?? false;
    const complete = isComplete && (wasComplete || this.#changes.size === 0);
    return { whole: isWhole, complete };
  }

  get #hasNews(): boolean {
    return this.#changes.size > 0 || !isTold(this.#picture, this.#told);
  }

  async #something(signal: AbortSignal): Promise<void> {
    if (this.#hasNews || this.#hasOverflowed || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
  }
}

function message({ prefix, nextHops, claims }: RouteIntent): RouteMessage {
  const route = { prefix: prefix.text, nextHops: [...nextHops] };
  return claims === undefined ? route : { ...route, claims: claims.map(claimMessage) };
}

function claimMessage({
  address,
  subnet,
  unheard,
}: SegmentClaim): MessageInitShape<typeof SegmentClaimSchema> {
  return { address, subnet: subnet.text, unheard: [...unheard] };
}

function isTold(
  picture: { readonly whole: boolean; readonly complete: boolean },
  told: { readonly whole: boolean; readonly complete: boolean } | undefined,
): boolean {
  return picture.whole === told?.whole && picture.complete === told.complete;
}
