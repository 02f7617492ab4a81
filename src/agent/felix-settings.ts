import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "../config/node-config.ts";
import type { FelixSettings } from "../felix/plan/plan.ts";
import type { TunnelSettings } from "../felix/tunnel-kind.ts";
import { prefixesToOriginate } from "../topology/peers-wanted.ts";
import { firewallConfig, poolPolicies } from "./pool-policies.ts";

/** What the configuration says of the programmer. */
export function felixSettings(config: NodeConfig, cluster: ClusterModel): FelixSettings {
  const { node, kernel, encapsulation, tunnel, mtu } = config;
  return {
    nodeAddress: node.address,
    secondAddress: node.address6,
    podCidrs: prefixesToOriginate(config, cluster),
    podPools: cluster.podPools,
    poolPolicies: poolPolicies(config, cluster),
    tunnelSettings: tunnelSettings(config),
    firewall: firewallConfig(config, cluster),
    ...{ encapsulation, tunnel, mtu, ...kernel },
  };
}

/** What the configuration says of tunnels. */
export function tunnelSettings({ ipip: { device: ipipDevice, ttl } }: NodeConfig): TunnelSettings {
  return { ipipDevice, ttl };
}
