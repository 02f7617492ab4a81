import type { Prefix } from "../net/prefix.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { OpenPathProbe } from "../platform/path-probe.ts";
import type { Encapsulation } from "./encapsulation.ts";
import type { FirewallParts } from "./firewall/firewall.ts";
import type { FirewallConfig } from "./firewall/wish.ts";
import type { LoadKernelModule } from "./kernel-module.ts";
import type { MtuSettings } from "./mtu/path-mtus.ts";
import type { NextHopObjectsChoice } from "./object-keeper.ts";
import { PoolPolicies, type PoolPolicy } from "./pool-policy.ts";
import type { Sysctl } from "./sysctl.ts";
import type { TunnelChoice, TunnelSettings } from "./tunnel-kind.ts";

/** What a programmer is told at its start, and whom it works with. */
export interface FelixOptions {
  /** This node's own address, canonical. */
  readonly nodeAddress: string;
  /** This node's own pod CIDRs. */
  readonly podCidrs: readonly Prefix[];
  /** Where pods live, on all nodes. */
  readonly podPools: readonly Prefix[];
  /** Of routes to pools without a policy of their own. */
  readonly encapsulation: Encapsulation;
  /** Likewise; `ipip` by default. */
  readonly tunnel?: TunnelChoice;
  /** By default `tunl0`, and TTL 64. */
  readonly tunnelSettings?: TunnelSettings;
  /** A tunnel without a use goes after so long; 10 s by default. */
  readonly tunnelLingerMs?: number;
  /** How pools, or parts of them, are reached where that is not as all else is. */
  readonly poolPolicies?: readonly PoolPolicy[];
  /** This node's own address of the other IP version than `nodeAddress`. */
  readonly secondAddress?: string | undefined;
  /** rtm_protocol of our routes, 1..255; what bears it is ours. */
  readonly protocol: number;
  /** Routing table, 254 for main. */
  readonly table: number;
  /** Metric of our routes; 0 for none. */
  readonly metric: number;
  readonly netlink: Netlink;
  readonly sysctl: Sysctl;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What becomes of routes of other protocols where we want one; by default they are left. */
  readonly conflicts?: ConflictPolicy;
  /** Of routes beside those of others, another than `metric`; 2048 by default. */
  readonly conflictMetric?: number;
  /** Whether routes lead through next-hop objects; by default never. */
  readonly nextHopObjects?: NextHopObjectsChoice;
  /** Percent of our routes that may go while the picture is not whole, 0..100; 30 by default. */
  readonly maximumRemovalPercent?: number;
  /** Whether it is found out what gets to other nodes; by default it is. */
  readonly mtu?: MtuSettings;
  /** By what; nothing is sent without. */
  readonly openPathProbe?: OpenPathProbe;
  /** For so long an answer to it may be on its way; a second by default. */
  readonly pathProbeTimeoutMs?: number;
  /** Has everybody who tells of routes told all there is to tell? By default, yes. */
  readonly isPictureWhole?: () => boolean;
  /** Next hops on our segments that do not answer there are these now. */
  readonly onSilence?: (silent: readonly string[]) => void;
  /** By default modprobe(8). */
  readonly loadKernelModule?: LoadKernelModule;
  /** What is to be in the firewall; by default nothing, nor is it looked at. */
  readonly firewall?: FirewallConfig;
  readonly nftables?: Pick<FirewallParts, "nft" | "watch" | "legacyTables">;
  /** Where iproute2 looks for protocol names; by default /etc/iproute2/rt_protos.d. */
  readonly rtProtosDirectory?: string;
}

/**
 * `yield`: the other's route stays and ours waits. `take`: ours takes its place, the kernel's own routes aside.
 * `own-metric`: the other's stays, and ours is beside it at another metric.
 */
type ConflictPolicy = "yield" | "take" | "own-metric";

/** This node's own addresses, of each IP version that it has one of. */
export function nodeAddressesOf({
  nodeAddress,
  secondAddress,
}: Pick<FelixOptions, "nodeAddress" | "secondAddress">): Partial<Record<4 | 6, string>> {
  const own: Partial<Record<4 | 6, string>> = {};
  for (const address of [nodeAddress, secondAddress]) {
    if (address !== undefined) own[address.includes(":") ? 6 : 4] = address;
  }
  return own;
}

/** How routes are to lead from the start. */
export function policiesOf({ poolPolicies, encapsulation, tunnel }: FelixOptions): PoolPolicies {
  return new PoolPolicies(poolPolicies ?? [], { encapsulation, tunnel: tunnel ?? "ipip" });
}
