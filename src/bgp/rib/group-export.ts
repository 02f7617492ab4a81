import type { AdvertisementPacer } from "./advertisement-pacer.ts";
import type { LocRibChanges } from "./loc-rib.ts";
import type { RankedPathChanges } from "./ranked-paths.ts";

/** What has been decided in a turn. */
export interface RibChanges {
  readonly best: LocRibChanges;
  readonly ranked: RankedPathChanges;
}

/** Who hears of changes, and when. */
export interface Audience {
  /** Holds announcements back, where they are to wait. */
  readonly pacer: AdvertisementPacer | undefined;
  /** May the peer be one that was sent the path before? */
  readonly mayRead: (peer: number) => boolean;
}

/** Which paths the members of an update group are sent: the selected one of each prefix, or with ADD-PATH several. */
export interface GroupExport {
  /** Paths that a peer is sent: all but its own. */
  advertisedTo(peer: number): number;
  /** Is anything sent of a prefix? */
  has(prefix: number): boolean;
  /** Has the encoder announce what is sent of a prefix. @returns whether there is anything */
  announce(prefix: number): boolean;
  /** Has the encoder say all about a prefix that one peer, which may have missed anything, is to know. */
  tell(prefix: number, peer: number): void;
  /** Has the encoder say what changed. @returns the prefixes */
  distribute(changes: RibChanges, audience: Audience): Int32Array;
  /** The identifier under which a path, a row of the Adj-RIB-In, is sent; `undefined` where it is not, or without one. */
  pathIdOf(prefix: number, row: number): number | undefined;
}
