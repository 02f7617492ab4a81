/**
 * The lab's network, shared by the namespaces, the compose file and the tests: two segments with a router between them that
 * knows no pod route, four nodes on the first, one on the second, one pod per node.
 */

export const ASN = 64_512;
export const POD_POOL = "10.233.0.0/16";
export const HOLD_TIME_SECONDS = 9;

/** An Ethernet segment; the router has the first address on each. */
export interface LabSegment {
  readonly name: "a" | "b";
  readonly prefix: string;
  readonly router: string;
}

export const SEGMENTS: readonly LabSegment[] = [
  { name: "a", prefix: "192.168.1.0/24", router: "192.168.1.1" },
  { name: "b", prefix: "192.168.2.0/24", router: "192.168.2.1" },
];

export interface LabNode {
  readonly name: string;
  readonly speaker: "margay" | "bird" | "frr";
  readonly segment: "a" | "b";
  readonly address: string;
  readonly podCidr: string;
  /** The node's one pod: the tenth address of its pod CIDR. */
  readonly pod: string;
}

const node = (name: string, speaker: LabNode["speaker"], host: number, pods: number): LabNode => {
  const segment = name.startsWith("a") ? "a" : "b";
  return {
    name,
    speaker,
    segment,
    address: `192.168.${segment === "a" ? 1 : 2}.${host}`,
    podCidr: `10.233.${pods}.0/24`,
    pod: `10.233.${pods}.10`,
  };
};

export const NODES: readonly LabNode[] = [
  node("a1", "margay", 2, 1),
  node("a2", "margay", 3, 2),
  node("a3", "bird", 4, 3),
  node("a4", "frr", 5, 4),
  node("b1", "margay", 2, 5),
];

export const REFLECTOR = { name: "rr", segment: "a", address: "192.168.1.250", port: 179 } as const;

export type TopologyName = "mesh" | "reflector";

/** Whom a node keeps a session with. */
export function peersOf(
  of: LabNode,
  topology: TopologyName,
): readonly { name: string; address: string }[] {
  return topology === "reflector" ? [REFLECTOR] : NODES.filter((other) => other.name !== of.name);
}

/**
 * BIRD and FRR cannot route through tunl0, a device without an address of the far end. For next hops on segment B their configuration
 * in this lab rewrites the gateway to the far end of a point-to-point ipip device; both daemons still decide and install the route.
 */
export const DETOUR = {
  device: "ipip-b1",
  local: "10.255.0.1",
  nextHopsWithin: "192.168.2.0/24",
  via: "10.255.0.2",
  remote: "192.168.2.2",
} as const;
