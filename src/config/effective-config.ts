import { dirname, join } from "node:path";
import type { ClusterMember } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "./node-config.ts";
import type { NodeFile } from "./node-schema.ts";
import type { PasswordFiles } from "./password-files.ts";
import { resolvePeers, resolveRanges, secretOf } from "./resolve-peers.ts";

/**
 * The node's file with what it leaves out taken from its member of the cluster.
 * @param clusterPath of the cluster file, usable from the working directory
 */
export function effectiveConfig(
  file: NodeFile,
  member: ClusterMember,
  { clusterPath, passwords }: { readonly clusterPath: string; readonly passwords: PasswordFiles },
): NodeConfig {
  const address = file.node.address ?? member.address;
  const { peerGroups, ...rest } = file;
  return {
    ...rest,
    node: {
      name: member.name,
      address,
      ...(member.address6 !== undefined && { address6: member.address6 }),
      asn: file.node.asn ?? member.asn,
      routerId: file.node.routerId ?? address,
      ...podCidrs(file.node, member),
    },
    cluster: { file: clusterPath },
    felix: {
      ...file.felix,
      socket: file.felix.socket ?? join(dirname(file.api.socket), "felix.sock"),
    },
    mesh: { ...rest.mesh, ...secretOf(rest.mesh.passwordFile, passwords) },
    listen: {
      address: file.listen.address ?? address,
      port: file.listen.port ?? member.port,
    },
    peers: resolvePeers(file.peers, { ...file, passwords }),
    ranges: resolveRanges(file.ranges, { ...file, passwords }),
  };
}

function podCidrs(
  { podCidrs: own, podCidrsInterface }: NodeFile["node"],
  member: ClusterMember,
): Pick<NodeConfig["node"], "podCidrs" | "podCidrsFrom" | "podCidrsInterface"> {
  if (podCidrsInterface !== undefined) {
    return { podCidrs: [], podCidrsFrom: "interface", podCidrsInterface };
  }
  if (own !== undefined) return { podCidrs: own, podCidrsFrom: "node" };
  return { podCidrs: member.podCidrs, podCidrsFrom: "cluster" };
}
