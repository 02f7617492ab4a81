import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "../config/node-config.ts";
import type { FirewallConfig } from "../felix/firewall/wish.ts";
import type { PoolPolicy } from "../felix/pool-policy.ts";
import { withoutZone } from "../net/ip-address.ts";
import type { Prefix } from "../net/prefix.ts";

/** How pools are reached: what the cluster leaves open, the node's own configuration says. */
export function poolPolicies(config: NodeConfig, cluster: ClusterModel): PoolPolicy[] {
  return (cluster.poolSettings ?? []).map(({ prefix, encapsulation, tunnel }) => ({
    prefix,
    encapsulation: encapsulation ?? config.encapsulation,
    tunnel: tunnel ?? config.tunnel,
  }));
}

/** What the configuration says of the firewall. Peers of the node's own file may be nodes that the cluster does not name. */
export function firewallConfig(config: NodeConfig, cluster: ClusterModel): FirewallConfig {
  const members = cluster.members.flatMap(({ address, address6 }) => [address, address6 ?? []]);
  const peers = config.peers.map(({ address }) => withoutZone(address));
  return {
    settings: config.firewall,
    podPools: cluster.podPools,
    pools: (cluster.poolSettings ?? []).flatMap(({ prefix, natOutgoing }) => {
      return natOutgoing === undefined ? [] : [{ prefix, natOutgoing }];
    }),
    nodes: [...members.flat(), ...peers],
  };
}

/** The subnets that members say they are in, by their address. */
export function nodeSubnets(cluster: ClusterModel): Map<string, Prefix> {
  const subnets = new Map<string, Prefix>();
  for (const { address, address6, subnet, subnet6 } of cluster.members) {
    for (const prefix of [subnet, subnet6]) {
      const of = prefix?.version === 6 ? address6 : address;
      if (prefix !== undefined && of !== undefined) subnets.set(of, prefix);
    }
  }
  return subnets;
}
