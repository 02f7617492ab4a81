import type { FibPath, PathHop } from "../fib/path.ts";
import type { NextHopMode } from "./encapsulation.ts";
import type { LocalDecision } from "./local.ts";
import type { PathPolicy } from "./pool-policy.ts";
import type { Problem } from "./problem.ts";
import type { SegmentVerdict } from "./segment.ts";
import type { Tunnel } from "./tunnel.ts";

/** A next hop, and how it lies. Changes in place when the kernel's answer does. */
export interface NextHop {
  /** A link-local one with its device: `fe80::1%eth0`. */
  readonly address: string;
  readonly octets: Uint8Array;
  readonly version: 4 | 6;
  verdict: SegmentVerdict;
  users: number;
}

/** How routes of one policy get to a next hop. Changes in place. */
export interface Way {
  readonly nextHop: NextHop;
  /** `undefined` when there is none. */
  mode: NextHopMode | undefined;
  /** Where the mode is `tunnel`. */
  tunnel: Tunnel | undefined;
  hop: PathHop | undefined;
  problem: Problem | undefined;
}

/** The next hops that routes share; nearly always one. */
export interface NextHopGroup {
  readonly key: string;
  readonly policy: PathPolicy;
  /** IP version of the routes. */
  readonly payload: 4 | 6;
  readonly ways: readonly Way[];
  /** Through those of the next hops that can be reached; `undefined` when none can. */
  path: FibPath | undefined;
  /** As the one who wants the routes that lead through it: one object for all of them. */
  readonly owner: RouteOwner;
  users: number;
}

/** Who wants a route, and why it leads where it leads. */
export type RouteOwner =
  | { readonly kind: "remote"; readonly group: NextHopGroup }
  | { readonly kind: "local"; readonly decision: LocalDecision };
