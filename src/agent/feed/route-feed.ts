import type { RouteIntent } from "../../felix/intent.ts";
import type { Prefix } from "../../net/prefix.ts";

/** How far what was told of routes can be relied on. */
export interface Picture {
  /** Every peer is up and has told its table: however many routes go now, it is meant. */
  readonly isWhole: boolean;
  /**
   * After the start every peer has told its table, or nobody waits for that any more: what was not told is not there. Stays
   * true once it is.
   */
  readonly isComplete: boolean;
}

/** What the BGP side tells whoever programs routes: in the same process, or in another one. */
export interface RouteFeed {
  /** A route, or another one for the same prefix. */
  setRoute(intent: RouteIntent): void;
  removeRoute(prefix: Prefix): void;
  /** Of all that was told before. The object may change until it is told anew. */
  pictureChanged(picture: Picture): void;
}
