import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "../config/node-config.ts";
import type { RouteIntent } from "../felix/intent.ts";
import { type Plan, planChanges } from "../felix/plan/plan.ts";
import { openKernelNetlink } from "../netlink/kernel-netlink.ts";
import type { Clock } from "../platform/clock.ts";
import { felixSettings } from "./felix-settings.ts";
import { nodeSubnets } from "./pool-policies.ts";

/**
 * What a node with this configuration would do to this kernel, which is only read. `selected` are all the routes that a
 * daemon has selected; without them those of the cluster's members are taken, and no route of ours would be removed,
 * since peers may know of more. Rejects with `NetlinkError`.
 */
export async function planNode(
  config: NodeConfig,
  cluster: ClusterModel,
  clock: Clock,
  selected: readonly RouteIntent[] | undefined,
): Promise<Plan> {
  const netlink = openKernelNetlink();
  try {
    return await planChanges({
      ...{ netlink, clock, settings: felixSettings(config, cluster) },
      routes: selected ?? routesOfMembers(config, cluster),
      isWhole: selected !== undefined,
      nodeSubnets: nodeSubnets(cluster),
    });
  } finally {
    netlink.close();
  }
}

function routesOfMembers({ node }: NodeConfig, cluster: ClusterModel): RouteIntent[] {
  return cluster.members
    .filter(({ name, address }) => name !== node.name && address !== node.address)
    .flatMap(({ address, address6, podCidrs }) =>
      podCidrs.map((prefix) => {
        const nextHop = prefix.version === 6 ? (address6 ?? address) : address;
        return { prefix, nextHops: [nextHop] };
      }),
    );
}
