import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "../config/node-config.ts";
import type { PoolPolicy } from "../felix/pool-policy.ts";
import type { Prefix } from "../net/prefix.ts";

/** How pools are reached: what the cluster leaves open, the node's own configuration says. */
export function poolPolicies(config: NodeConfig, cluster: ClusterModel): PoolPolicy[] {
  return (cluster.poolSettings ?? []).map(({ prefix, encapsulation, tunnel }) => ({
    prefix,
    encapsulation: encapsulation ?? config.encapsulation,
    tunnel: tunnel ?? config.tunnel,
  }));
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
