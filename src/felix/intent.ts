import type { Prefix } from "../net/prefix.ts";
import type { SegmentClaim } from "../net/segment-claim.ts";

/** A route that the BGP side wants in the kernel. */
export interface RouteIntent {
  readonly prefix: Prefix;
  /**
   * Canonical addresses of the nodes that hold the prefix; more than one for multipath. Never empty. A link-local one has its
   * device: `fe80::1%eth0`.
   */
  readonly nextHops: readonly string[];
  /** What these nodes say along with it of the segments they are on. */
  readonly claims?: readonly SegmentClaim[];
}
