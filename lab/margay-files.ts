import {
  ASN,
  HOLD_TIME_SECONDS,
  type LabNode,
  NODES,
  POD_POOL,
  REFLECTOR,
  SEGMENTS,
  type TopologyName,
} from "./topology.ts";

/** The cluster file, which all margay nodes of the lab share. */
export function clusterFile(topology: TopologyName): Readonly<Record<string, unknown>> {
  const members = NODES.map(({ name, address, podCidr }) => ({
    name,
    address,
    podCidrs: [podCidr],
  }));
  const reflectors = [{ name: REFLECTOR.name, address: REFLECTOR.address, port: REFLECTOR.port }];
  return {
    asn: ASN,
    podPools: [POD_POOL],
    topology,
    members,
    ...(topology === "reflector" ? { reflectors } : {}),
  };
}

/** A node's own file; everything else comes from the cluster file. */
export function nodeFile(node: LabNode): Readonly<Record<string, unknown>> {
  return {
    node: { name: node.name },
    timers: { holdTimeSeconds: HOLD_TIME_SECONDS, connectRetrySeconds: 1 },
  };
}

/** Arguments of `margay reflector`. */
export function reflectorArguments(): readonly string[] {
  return [
    "--listen",
    `${REFLECTOR.address}:${REFLECTOR.port}`,
    "--asn",
    String(ASN),
    "--router-id",
    REFLECTOR.address,
    ...SEGMENTS.flatMap(({ prefix }) => ["--accept", prefix]),
  ];
}
