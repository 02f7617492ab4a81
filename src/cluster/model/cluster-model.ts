import type { Prefix } from "../../net/prefix.ts";

/** A node that routes for pods. */
export interface ClusterMember {
  /** Unique in the cluster. */
  readonly name: string;
  /** Canonical; unique among members and reflectors. */
  readonly address: string;
  /** Canonical IPv6 address: the next hop of its IPv6 pods. */
  readonly address6?: string | undefined;
  /** The subnet that it says it is in. */
  readonly subnet?: Prefix | undefined;
  /** The same of its IPv6 address. */
  readonly subnet6?: Prefix | undefined;
  /** Disjoint from every other member's, and inside the cluster's pools. May be empty. */
  readonly podCidrs: readonly Prefix[];
  readonly asn: number;
  /** TCP port its speaker listens on. */
  readonly port: number;
}

/** A speaker without pods that reflects routes between members. */
export interface ClusterReflector {
  readonly name: string;
  readonly address: string;
  readonly asn: number;
  readonly port: number;
}

export type ClusterTopology = "mesh" | "reflector";

/** How a pod pool, or a part of one, is reached where that is not as each node's own configuration says. */
export interface PoolSetting {
  readonly prefix: Prefix;
  readonly encapsulation?: "cross-subnet" | "always" | "never" | undefined;
  readonly tunnel?: "ipip" | "vxlan" | "auto" | undefined;
  /** Whether packets from it to the outside bear the node's address. */
  readonly natOutgoing?: boolean | undefined;
}

/** Who is in the cluster, whole and checked: the same whichever backend it came from. */
export interface ClusterModel {
  readonly asn: number;
  /** Ranges that pod CIDRs come from; never empty. */
  readonly podPools: readonly Prefix[];
  readonly poolSettings?: readonly PoolSetting[];
  readonly topology: ClusterTopology;
  /** In the backend's order; names and addresses are unique. */
  readonly members: readonly ClusterMember[];
  readonly reflectors: readonly ClusterReflector[];
}

/** The member with this name. */
export function findMember(cluster: ClusterModel, name: string): ClusterMember | undefined {
  return cluster.members.find((member) => member.name === name);
}
