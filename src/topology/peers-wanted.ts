import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { Prefix } from "../net/prefix.ts";
import { type DialRule, dials } from "./dial-rule.ts";

/** A peer's AS number, or what it is to ours. */
type AsnRule = number | "external" | "internal" | "any";

/** What the topology must know of a node; the node's configuration fits. */
export interface TopologyNode {
  readonly node: {
    readonly name: string;
    readonly address: string;
    readonly asn: number;
    readonly podCidrs: readonly Prefix[];
    /** With `cluster`, the pod CIDRs are those of the cluster's member with this name, as it is now. */
    readonly podCidrsFrom: "node" | "cluster" | "interface";
  };
  readonly mesh: { readonly dial: DialRule };
  /** Peers besides the cluster's. */
  readonly peers: readonly {
    readonly address: string;
    readonly asn: AsnRule;
    readonly port: number;
    readonly passive: boolean;
    readonly description?: string | undefined;
    readonly importPrefixes?: readonly Prefix[] | undefined;
  }[];
}

/** A session that the node should keep. */
export interface PeerWanted {
  /** Canonical; unique among the peers of a node. */
  readonly address: string;
  /** TCP port to dial. */
  readonly port: number;
  readonly asn: AsnRule;
  /** Never dials, waits for the peer. */
  readonly passive: boolean;
  /** A member, a reflector, or a peer of the node's own file: eBGP (`external`) or iBGP (`internal`). */
  readonly kind: "mesh" | "reflector" | "external" | "internal";
  /** The member's or reflector's name; the description, or else the address, of other peers. */
  readonly name: string;
  /** Of what the peer announces, take only these prefixes and what lies inside them. */
  readonly importPrefixes: readonly Prefix[];
  /** Of that, take none of these nor of what lies inside: our own pod CIDRs. */
  readonly importNever: readonly Prefix[];
  /** Announce our own prefixes only, nothing that was learnt: eBGP. */
  readonly exportOwnOnly: boolean;
}

/**
 * The pod CIDRs that the node announces, with itself as next hop. A node that the cluster no longer has announces what
 * its own file says, else nothing.
 */
export function prefixesToOriginate(
  config: TopologyNode,
  cluster: ClusterModel,
): readonly Prefix[] {
  const { name, podCidrs, podCidrsFrom } = config.node;
  if (podCidrsFrom !== "cluster") return podCidrs;
  return cluster.members.find((member) => member.name === name)?.podCidrs ?? [];
}

/** The sessions that the node should keep, in the order of the cluster's lists, then those of the node's own file. */
export function peersWanted(config: TopologyNode, cluster: ClusterModel): PeerWanted[] {
  const policy = {
    importPrefixes: cluster.podPools,
    importNever: prefixesToOriginate(config, cluster),
  };
  const { name: ownName, address: ownAddress, asn: ownAsn } = config.node;
  const fromCluster =
    cluster.topology === "mesh"
      ? cluster.members
          .filter(({ name, address }) => name !== ownName && address !== ownAddress)
          .map(({ name, address, port, asn }): PeerWanted => {
            const passive = !dials(config.mesh.dial, ownAddress, address);
            const peer = { address, port, asn, passive, kind: "mesh", name } as const;
            return { ...peer, ...policy, exportOwnOnly: asn !== ownAsn };
          })
      : cluster.reflectors.map(({ name, address, port, asn }): PeerWanted => {
          // A reflector waits for its clients, whatever members do among themselves.
          const peer = { address, port, asn, passive: false, kind: "reflector", name } as const;
          return { ...peer, ...policy, exportOwnOnly: asn !== ownAsn };
        });
  const known = new Set(fromCluster.map(({ address }) => address));
  const explicit = config.peers.filter(({ address }) => !known.has(address));
  return [
    ...fromCluster,
    ...explicit.map(
      ({ address, port, asn, passive, description, importPrefixes }): PeerWanted => ({
        address,
        port,
        asn,
        passive,
        kind: isInternal(asn, ownAsn) ? "internal" : "external",
        name: description ?? address,
        importPrefixes: importPrefixes ?? policy.importPrefixes,
        importNever: policy.importNever,
        exportOwnOnly: !isInternal(asn, ownAsn),
      }),
    ),
  ];
}

/** Whom only its OPEN will show to be in our AS counts as a stranger until then. */
function isInternal(asn: AsnRule, ownAsn: number): boolean {
  return asn === ownAsn || asn === "internal";
}
