import type { Family } from "../bgp/family/index.ts";
import { ipv4Unicast, ipv6Unicast } from "../bgp/family/index.ts";
import type { PeerSettings } from "../bgp/peer.ts";
import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "../config/node-config.ts";
import { peersWanted } from "../topology/peers-wanted.ts";

/** The families a node speaks: those that its cluster's pods have addresses of. */
function familiesOf(cluster: ClusterModel): readonly Family[] {
  const hasIpv6 = cluster.podPools.some(({ version }) => version === 6);
  const hasIpv4 = cluster.podPools.some(({ version }) => version === 4);
  return [...(hasIpv4 || !hasIpv6 ? [ipv4Unicast] : []), ...(hasIpv6 ? [ipv6Unicast] : [])];
}

/** The peers that the topology wants, with what the node's own file says of sessions. */
export function nodePeerSettings(config: NodeConfig, cluster: ClusterModel): PeerSettings[] {
  const { timers } = config;
  const families = familiesOf(cluster);
  return peersWanted(config, cluster).map((wanted) => ({
    address: wanted.address,
    port: wanted.port,
    name: wanted.name,
    kind: wanted.kind,
    asn: wanted.asn,
    passive: wanted.passive,
    client: false,
    families,
    importPrefixes: wanted.importPrefixes,
    importNever: wanted.importNever,
    exportOwnOnly: wanted.exportOwnOnly,
    holdTimeSeconds: timers.holdTimeSeconds,
    connectRetrySeconds: timers.connectRetrySeconds,
    idleHoldSeconds: timers.idleHoldSeconds,
    idleHoldMaximumSeconds: timers.idleHoldMaximumSeconds,
    gracefulRestartSeconds: timers.gracefulRestartSeconds,
  }));
}
