import type { Problem } from "../problem.ts";
import type { TunnelKind } from "../tunnel-kind.ts";

/** What is kept in the firewall, and what cannot be. */
export interface FirewallStatus {
  readonly table: "in place" | "unneeded" | "missing";
  /** Tunnels whose packets are dropped when they come from a host that is no node. */
  readonly guarded: readonly TunnelKind[];
  /** Hosts that are nodes. */
  readonly nodes: number;
  /** Prefixes whose packets to the outside bear the node's address. */
  readonly masqueraded: readonly string[];
  /** What others deleted or changed, and that was put back. */
  readonly repairs: number;
  readonly problems: readonly Problem[];
}
