import type { LocalDecision } from "./local.ts";
import type { NextHopGroup } from "./next-hops.ts";

/** Who wants a route, and why it leads where it leads. */
export type RouteOwner =
  | { readonly kind: "remote"; readonly group: NextHopGroup }
  | { readonly kind: "local"; readonly decision: LocalDecision };
