import type { PeerRange } from "../bgp/dynamic-peers.ts";
import { type Family, families, familyByName } from "../bgp/family/index.ts";
import { ipv4Unicast, ipv6Unicast } from "../bgp/family/index.ts";
import type { PeerSettings } from "../bgp/peer-settings.ts";
import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "../config/node-config.ts";
import { type ExplicitPeer, type ExplicitRange, plainOptions } from "../config/resolve-peers.ts";
import type { SpeakerSettings } from "../config/speaker-settings.ts";
import { type Distance, peerTransport } from "./peer-transport.ts";
import { peersWanted, prefixesToOriginate } from "../topology/peers-wanted.ts";

type SessionOptions = ReturnType<typeof plainOptions> &
  Pick<ExplicitPeer, "sourceAddress"> &
  Partial<Pick<ExplicitPeer, "disabled">>;
type SessionSettings = Omit<PeerSettings, "address" | "name" | "kind" | "asn" | "port" | "passive">;

/** What options that are left out mean here. */
type Fallbacks = Pick<PeerSettings, "families" | "importPrefixes" | "importNever" | "advertise">;

/**
 * An option becomes the setting of its name; those with a meaning of their own when left out are listed. Passwords do not
 * get here: see tcp-keys.ts.
 */
function sessionSettings(
  options: SessionOptions,
  fallbacks: Fallbacks,
  distance: Distance,
): SessionSettings {
  const { password, passwordFile, ...signed } = options;
  const { ttlSecurity, multihop, device, dscp, sourceAddress, tcpUserTimeoutSeconds, ...rest } =
    signed;
  return {
    ...rest,
    transport: peerTransport(options, distance),
    families: options.families?.flatMap((name) => familyByName(name) ?? []) ?? fallbacks.families,
    importPrefixes: options.importPrefixes ?? fallbacks.importPrefixes,
    importNever: fallbacks.importNever,
    advertise: options.advertise ?? fallbacks.advertise,
  };
}

/** The families a node speaks: those that its cluster's pods have addresses of. */
function familiesOf(cluster: ClusterModel): readonly Family[] {
  const hasIpv6 = cluster.podPools.some(({ version }) => version === 6);
  const hasIpv4 = cluster.podPools.some(({ version }) => version === 4);
  return [...(hasIpv4 || !hasIpv6 ? [ipv4Unicast] : []), ...(hasIpv6 ? [ipv6Unicast] : [])];
}

/** The peers that the topology wants, with what the node's own file says of their sessions. */
export function nodePeerSettings(config: NodeConfig, cluster: ClusterModel): PeerSettings[] {
  const offered = familiesOf(cluster);
  const ofCluster = plainOptions(config.timers);
  const explicit = new Map(config.peers.map((peer) => [peer.address, peer]));
  return peersWanted(config, cluster).map((wanted) => {
    const { address, port, name, kind, asn, passive, importPrefixes, importNever } = wanted;
    const advertise = wanted.exportOwnOnly ? "own" : "all";
    const fallbacks = { families: offered, importPrefixes, importNever, advertise } as const;
    // Members and reflectors may be behind routers, whatever their AS.
    const distance = kind === "external" && asn !== "any" ? "adjacent" : "anywhere";
    const options = sessionSettings(explicit.get(address) ?? ofCluster, fallbacks, distance);
    return { ...options, address, port, name, kind, asn, passive };
  });
}

/** The ranges that the node's own file has. */
export function nodeRanges(config: NodeConfig, cluster: ClusterModel): PeerRange[] {
  return config.ranges.map((range) =>
    rangeSettings(range, config.node.asn, {
      families: familiesOf(cluster),
      importPrefixes: cluster.podPools,
      importNever: prefixesToOriginate(config, cluster),
      advertise: range.asns === "internal" ? "all" : "own",
    }),
  );
}

/** A speaker without pods takes and passes on everything within its AS; to others RFC 8212 applies. */
const openFallbacks: Fallbacks = {
  families,
  importPrefixes: undefined,
  importNever: [],
  advertise: undefined,
};

/** The peers that a speaker's file names. */
export function speakerPeerSettings({ asn: localAsn, peers }: SpeakerSettings): PeerSettings[] {
  return peers.map(({ address, asn, port, passive, description, ...options }) => {
    const kind = asn === localAsn || asn === "internal" ? "internal" : "external";
    const identity = { address, asn, port, passive, name: description ?? address };
    const distance = kind === "external" && asn !== "any" ? "adjacent" : "anywhere";
    return { ...sessionSettings(options, openFallbacks, distance), ...identity, kind };
  });
}

/** The ranges that a speaker's file has. */
export function speakerRanges({ asn, ranges }: SpeakerSettings): PeerRange[] {
  return ranges.map((range) => rangeSettings(range, asn, openFallbacks));
}

/** Peers that are not named are never dialled. */
const undialled = { port: 179, passive: true } as const;

function rangeSettings(range: ExplicitRange, localAsn: number, fallbacks: Fallbacks): PeerRange {
  const { prefix, limit, asns, description, ...options } = range;
  const isExternal = Array.isArray(asns) ? !asns.includes(localAsn) : asns === "external";
  const distance = isExternal ? "adjacent" : "anywhere";
  const settings = sessionSettings(options, fallbacks, distance);
  const kind = settings.client ? "client" : "dynamic";
  const name = description === undefined ? {} : { name: description };
  return { prefix, limit, settings: { ...settings, ...undialled, ...name, asn: asns, kind } };
}
