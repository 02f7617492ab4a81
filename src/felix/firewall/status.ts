import type { Problem } from "../problem.ts";
import type { TunnelKind } from "../tunnel-kind.ts";
import type { Passage } from "./forward-keeper.ts";
import type { Obstacle } from "./obstacle.ts";

/** What is kept in the firewall, and what cannot be. */
export interface FirewallStatus {
  readonly table: "in place" | "unneeded" | "missing";
  /** Tunnels whose packets are dropped when they come from a host that is no node. */
  readonly guarded: readonly TunnelKind[];
  /** Hosts that are nodes. */
  readonly nodes: number;
  /** Prefixes whose packets to the outside bear the node's address. */
  readonly masqueraded: readonly string[];
  /** Those whose packets another program masquerades already: `10.244.0.0/16 by flannel in ip nat FLANNEL-POSTRTG`. */
  readonly masqueradedByOthers: readonly string[];
  /** Where rules of ours let packets of pods through that others would drop. */
  readonly passages: readonly Passage[];
  /** What others drop of pods all the same, or may drop. */
  readonly obstacles: readonly Obstacle[];
  /** What others deleted or changed, and that was put back. */
  readonly repairs: number;
  readonly problems: readonly Problem[];
}
