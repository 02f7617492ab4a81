import {
  communitiesOf,
  familiesOf,
  type ForeignConfig,
  type ForeignPeer,
  ipVersionOf,
  type IpVersion,
  type TunnelDetour,
} from "./speaker.ts";

/** bgpd.conf for FRR 8. */
export function frrConfig(config: ForeignConfig): string {
  const hasIpv6 = config.peers.some((peer) => familiesOf(peer).includes(6));
  const lines = [
    "hostname frr",
    ...detourLines(config.detour),
    ...communityLines(config),
    `router bgp ${config.asn}`,
    ` bgp router-id ${config.routerId}`,
    " no bgp ebgp-requires-policy",
    " no bgp network import-check",
    ...(hasIpv6 ? [" no bgp default ipv4-unicast"] : []),
    " coalesce-time 20",
    " bgp graceful-restart",
    ...restartLines(config.peers),
    ` timers bgp ${Math.max(1, Math.floor(config.holdTimeSeconds / 3))} ${config.holdTimeSeconds}`,
    ...config.peers.flatMap((peer) => sessionLines(config, peer)),
    ...familyLines(config, 4),
    ...(hasIpv6 ? familyLines(config, 6) : []),
    "exit",
  ];
  return `${lines.join("\n")}\n`;
}

/** Before the sessions: a route map that a neighbour names ahead of its definition takes effect 5 s after bgpd's start only. */
function detourLines(detour: TunnelDetour | undefined): readonly string[] {
  if (detour === undefined) return [];
  return [
    `ip prefix-list BEHIND-ROUTER permit ${detour.nextHopsWithin} le 32`,
    "route-map DETOUR permit 10",
    " match ip next-hop prefix-list BEHIND-ROUTER",
    ` set ip next-hop ${detour.via}`,
    "exit",
    "route-map DETOUR permit 20",
    "exit",
  ];
}

/** Do our own routes bear communities? */
function isMarked(config: ForeignConfig): boolean {
  const { standard, large } = communitiesOf(config);
  return standard.length + large.length > 0;
}

function communityLines(config: ForeignConfig): readonly string[] {
  if (!isMarked(config)) return [];
  const { standard, large } = communitiesOf(config);
  return [
    "route-map OWN permit 10",
    ...(standard.length === 0 ? [] : [` set community ${standard.join(" ")}`]),
    ...(large.length === 0 ? [] : [` set large-community ${large.join(" ")}`]),
    "exit",
  ];
}

/** FRR knows one restart for all of its peers. */
function restartLines(peers: readonly ForeignPeer[]): readonly string[] {
  const restart = peers.find((peer) => peer.gracefulRestartSeconds !== undefined);
  const longLived = peers.find((peer) => peer.longLivedSeconds !== undefined);
  return [
    ...(restart === undefined
      ? []
      : [
          ` bgp graceful-restart restart-time ${restart.gracefulRestartSeconds}`,
          " bgp graceful-restart preserve-fw-state",
        ]),
    ...(longLived === undefined
      ? []
      : [` bgp long-lived-graceful-restart stale-time ${longLived.longLivedSeconds}`]),
  ];
}

function sessionLines(config: ForeignConfig, peer: ForeignPeer): readonly string[] {
  const neighbour = ` neighbor ${peer.address}`;
  return [
    `${neighbour} remote-as ${peer.asn}`,
    ...(peer.device === undefined
      ? [`${neighbour} update-source ${config.address}`]
      : [`${neighbour} interface ${peer.device}`]),
    ...(peer.extendedNextHop === true ? [`${neighbour} capability extended-nexthop`] : []),
    `${neighbour} timers connect ${peer.connectRetrySeconds ?? 1}`,
    `${neighbour} advertisement-interval 0`,
    ...(peer.role === undefined ? [] : [`${neighbour} local-role ${peer.role}`]),
    ...(peer.passive === true ? [`${neighbour} passive`] : []),
    ...(peer.password === undefined ? [] : [`${neighbour} password ${peer.password}`]),
    ...(peer.ttlSecurity === undefined
      ? []
      : [`${neighbour} ttl-security hops ${peer.ttlSecurity}`]),
    ...(peer.multihop === undefined ? [] : [`${neighbour} ebgp-multihop ${peer.multihop}`]),
  ];
}

function familyLines(config: ForeignConfig, version: IpVersion): readonly string[] {
  return [
    ` address-family ipv${version} unicast`,
    ...config.originate
      .filter((prefix) => ipVersionOf(prefix) === version)
      .map((prefix) => `  network ${prefix}${isMarked(config) ? " route-map OWN" : ""}`),
    ...config.peers
      .filter((peer) => familiesOf(peer).includes(version))
      .flatMap((peer) => peerLines(config, peer)),
    " exit-address-family",
  ];
}

function peerLines(config: ForeignConfig, peer: ForeignPeer): readonly string[] {
  const neighbour = `  neighbor ${peer.address}`;
  return [
    `${neighbour} activate`,
    ...(peer.reflectorClient === true
      ? [`${neighbour} route-reflector-client`]
      : [`${neighbour} next-hop-self`]),
    ...(peer.addPath === "send" ? [`${neighbour} addpath-tx-all-paths`] : []),
    ...(config.detour === undefined ? [] : [`${neighbour} route-map DETOUR in`]),
  ];
}
