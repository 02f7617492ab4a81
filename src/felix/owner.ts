import type { FibPath, PathHop } from "../fib/path.ts";
import type { NextHopMode } from "./encapsulation.ts";
import type { LocalDecision } from "./local.ts";
import type { Problem } from "./problem.ts";
import type { SegmentVerdict } from "./segment.ts";

/** A next hop, and how to get there. Changes in place when the kernel's answer does. */
export interface NextHop {
  readonly address: string;
  readonly octets: Uint8Array;
  readonly version: 4 | 6;
  verdict: SegmentVerdict;
  /** `undefined` when there is no way. */
  mode: NextHopMode | undefined;
  hop: PathHop | undefined;
  problem: Problem | undefined;
  users: number;
}

/** The next hops that routes share; nearly always one. */
export interface NextHopGroup {
  readonly key: string;
  readonly hops: readonly NextHop[];
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
