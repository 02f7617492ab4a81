import { readIpv4 } from "../net/ip-address.ts";
import { ipv4Prefix, type Prefix } from "../net/prefix.ts";
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

/** One change that brings the kernel nearer to what is wanted. */
export interface FibChange<Want> extends FibRow<Want> {
  /** `create` where nothing is known to be there; `replace` only where what is there is ours. */
  readonly op: FibOp;
  readonly path: FibPath;
}

export type FibOp = "create" | "replace" | "delete";

/** Bookkeeping of `Fib`, one bit each: there are many rows. */
const Flag = {
  adopted: 1,
  queued: 2,
  inFlight: 4,
  disturbed: 8,
  doubtful: 16,
  again: 32,
  ownerUnknown: 64,
  reclaim: 128,
} as const;

/**
 * One key of the FIB (prefix and metric): what is wanted, and what is there. While a change is in flight the row is that
 * change, too. Of an IPv4 prefix only the numbers are kept.
 */
export class FibRow<Want> {
  readonly metric: number;
  /** Of an IPv4 prefix, its address as a signed number. */
  readonly ipv4Address: number | undefined;
  readonly prefixLength: number;
  readonly #prefix: Prefix | undefined;
  /** Who wants it; `undefined` when nobody does. */
  want: Want | undefined = undefined;
  /** Where it shall lead; `undefined` while that is not known, and then what is there stays. */
  wanted: FibPath | undefined = undefined;
  /** What the kernel holds of ours. */
  kernel: FibPath | undefined = undefined;
  foreign: ForeignRoute | undefined = undefined;
  failure: RowFailure | undefined = undefined;
  /** What others did to it since it was installed. */
  damage: "deleted" | "changed" | undefined = undefined;
  /** Who did; `undefined` where only a scan told of it. */
  culprit: Culprit | undefined = undefined;
  /** What is, or was last, being done, and the path that it is about. */
  op: FibOp | undefined = undefined;
  path: FibPath | undefined = undefined;
  /** Scans that found nothing where the kernel says something is. */
  fruitlessScans = 0;
  seen = 0;
  foreignSeen = 0;
  #flags = 0;

  constructor(prefix: Prefix, metric: number) {
    const isIpv4 = prefix.version === 4;
    this.#prefix = isIpv4 ? undefined : prefix;
    this.ipv4Address = isIpv4 ? readIpv4(prefix.octets) | 0 : undefined;
    this.prefixLength = prefix.length;
    this.metric = metric;
  }

  /** Made anew each time, of IPv4. */
  get prefix(): Prefix {
    return this.#prefix ?? ipv4Prefix(this.ipv4Address ?? 0, this.prefixLength);
  }

  /** `kernel` was found there, not written by us. */
  get adopted(): boolean {
    return (this.#flags & Flag.adopted) !== 0;
  }
  set adopted(value: boolean) {
    this.#set(Flag.adopted, value);
  }

  get queued(): boolean {
    return (this.#flags & Flag.queued) !== 0;
  }
  set queued(value: boolean) {
    this.#set(Flag.queued, value);
  }

  get inFlight(): boolean {
    return (this.#flags & Flag.inFlight) !== 0;
  }
  set inFlight(value: boolean) {
    this.#set(Flag.inFlight, value);
  }

  /** Someone touched it while our own change was in flight: whose was last is unknown. */
  get disturbed(): boolean {
    return (this.#flags & Flag.disturbed) !== 0;
  }
  set disturbed(value: boolean) {
    this.#set(Flag.disturbed, value);
  }

  /** Wanted by nobody, and perhaps not there either: `kernel` is what may be there. */
  get doubtful(): boolean {
    return (this.#flags & Flag.doubtful) !== 0;
  }
  set doubtful(value: boolean) {
    this.#set(Flag.doubtful, value);
  }

  /** It is to be looked at again when the change in flight is through. */
  get again(): boolean {
    return (this.#flags & Flag.again) !== 0;
  }
  set again(value: boolean) {
    this.#set(Flag.again, value);
  }

  /** The kernel says something is there; a scan shall tell whose. */
  get ownerUnknown(): boolean {
    return (this.#flags & Flag.ownerUnknown) !== 0;
  }
  set ownerUnknown(value: boolean) {
    this.#set(Flag.ownerUnknown, value);
  }

  /** What replaced ours bears no claim: it may be replaced in turn. */
  get reclaim(): boolean {
    return (this.#flags & Flag.reclaim) !== 0;
  }
  set reclaim(value: boolean) {
    this.#set(Flag.reclaim, value);
  }

  get state(): RowState {
    if (this.want === undefined) return "stale";
    if (this.foreign !== undefined) return "conflict";
    if (this.failure !== undefined) return "error";
    if (this.wanted === undefined || this.wanted !== this.kernel) return "pending";
    return this.adopted ? "adopted" : "installed";
  }

  #set(flag: number, value: boolean): void {
    this.#flags = value ? this.#flags | flag : this.#flags & ~flag;
  }
}
