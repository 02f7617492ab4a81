import type { Prefix } from "../net/prefix.ts";
import type { ForeignRoute } from "./ownership.ts";
import type { FibPath } from "./path.ts";

/** Why the kernel does not take a route. */
export interface RowFailure {
  /** Positive errno. */
  readonly errno: number;
  /** `ENETUNREACH: Nexthop has invalid gateway`. */
  readonly text: string;
}

/** Who changed a route of ours, as far as the kernel tells. */
export interface Culprit {
  /** rtm_protocol that the change bore. */
  readonly protocol: number;
  /** The netlink port that asked for it: mostly the process's id; 0 for the kernel itself. */
  readonly portId: number;
}

/**
 * - installed: the kernel has what is wanted, written by us in this life
 * - adopted: the kernel had what is wanted from an earlier life
 * - pending: on its way, or waiting for a way to the next hop
 * - conflict: another protocol has a route of the same prefix and metric
 * - error: the kernel refused
 * - stale: ours, wanted by nobody (yet)
 */
export type RowState = "installed" | "adopted" | "pending" | "conflict" | "error" | "stale";

/** One key of the FIB (prefix and metric): what is wanted, and what is there. */
export class FibRow<Want> {
  readonly prefix: Prefix;
  readonly metric: number;
  /** Who wants it; `undefined` when nobody does. */
  want: Want | undefined = undefined;
  /** Where it shall lead; `undefined` while that is not known, and then what is there stays. */
  wanted: FibPath | undefined = undefined;
  /** What the kernel holds of ours. */
  kernel: FibPath | undefined = undefined;
  foreign: ForeignRoute | undefined = undefined;
  failure: RowFailure | undefined = undefined;
  /** `kernel` was found there, not written by us. */
  adopted = false;
  /** What others did to it since it was installed. */
  damage: "deleted" | "changed" | undefined = undefined;
  /** Who did; `undefined` where only a scan told of it. */
  culprit: Culprit | undefined = undefined;

  /** Bookkeeping of `Fib`. */
  queued = false;
  inFlight = false;
  /** Someone touched it while our own change was in flight: whose was last is unknown. */
  disturbed = false;
  /** Wanted by nobody, and perhaps not there either: `kernel` is what may be there. */
  doubtful = false;
  /** It is to be looked at again when the change in flight is through. */
  again = false;
  /** The kernel says something is there; a scan shall tell whose. */
  ownerUnknown = false;
  /** What replaced ours bears no claim: it may be replaced in turn. */
  reclaim = false;
  /** Scans that found nothing where the kernel says something is. */
  fruitlessScans = 0;
  seen = 0;
  foreignSeen = 0;

  constructor(prefix: Prefix, metric: number) {
    this.prefix = prefix;
    this.metric = metric;
  }

  get state(): RowState {
    if (this.want === undefined) return "stale";
    if (this.foreign !== undefined) return "conflict";
    if (this.failure !== undefined) return "error";
    if (this.wanted === undefined || this.wanted !== this.kernel) return "pending";
    return this.adopted ? "adopted" : "installed";
  }
}
