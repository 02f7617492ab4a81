import type { PathHop } from "../fib/path.ts";
import type { Problem } from "./problem.ts";
import type { SegmentVerdict } from "./segment.ts";

/** When routes go through the tunnel: to next hops beyond a router, to all, to none. */
export type Encapsulation = "cross-subnet" | "always" | "never";

/** How packets to a next hop leave this node. */
export type NextHopMode = "direct" | "tunnel";

export type NextHopDecision =
  | { readonly mode: NextHopMode }
  | { readonly mode: undefined; readonly problem: Problem };

/** Is the segment there in name only? What either end finds counts on both, lest a path be direct one way and a tunnel the other. */
export function isLost(verdict: SegmentVerdict): boolean {
  return verdict.kind === "same-segment" && (verdict.isSilent === true || verdict.isDeaf === true);
}

/** Straight, through the tunnel, or not at all. */
export function decideMode(verdict: SegmentVerdict, encapsulation: Encapsulation): NextHopDecision {
  if (verdict.kind === "unreachable") {
    return refused(verdict.text, verdict.errno, undefined);
  }
  if (verdict.kind === "same-segment" && encapsulation !== "always") {
    return { mode: encapsulation === "cross-subnet" && isLost(verdict) ? "tunnel" : "direct" };
  }
  if (encapsulation === "never") {
    const remedy = "a next hop on the same segment, or encapsulation cross-subnet";
    return refused(`${verdict.text}, and encapsulation is never`, undefined, remedy);
  }
  return { mode: "tunnel" };
}

function refused(
  text: string,
  errno: number | undefined,
  remedy: string | undefined,
): NextHopDecision {
  return { mode: undefined, problem: { errno, text, remedy } };
}

/** The way straight to a next hop. `ifindex` is the segment's interface. */
export function directHop(address: string, ifindex: number): PathHop {
  return { gateway: address, ifindex, onlink: false, weight: 1 };
}
