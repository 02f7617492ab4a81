import {
  communitiesOf,
  familiesOf,
  type ForeignConfig,
  type ForeignPeer,
  ipVersionOf,
  type IpVersion,
} from "./speaker.ts";

/** BIRD's name for the session with that neighbour. */
export function birdProtocol(address: string): string {
  return `peer_${address.replaceAll(/[.:%]/g, "_")}`;
}

/** bird.conf for BIRD 2.0. */
export function birdConfig(config: ForeignConfig): string {
  const hasIpv6 = config.peers.some((peer) => familiesOf(peer).includes(6));
  return [
    "log stderr all;",
    "timeformat protocol iso long ms;",
    `router id ${config.routerId};`,
    ...(config.restarted === true ? ["graceful restart wait 10;"] : []),
    "protocol device { scan time 2; }",
    "protocol direct { ipv4 { import where net !~ [ 0.0.0.0/0 ]; }; }",
    ownRoutes(config, 4),
    ...(hasIpv6 ? ["protocol direct { ipv6; }", ownRoutes(config, 6)] : []),
    config.programKernel === true
      ? `protocol kernel {\n  learn;\n  ipv4 { import where krt_source != 12; export where source = RTS_BGP; };\n}`
      : "protocol kernel { learn; ipv4 { import all; export none; }; }",
    ...config.peers.map((peer) => peerBlock(config, peer)),
    "",
  ].join("\n");
}

function ownRoutes(config: ForeignConfig, version: IpVersion): string {
  const { standard, large } = communitiesOf(config);
  const tuple = (community: string): string => `(${community.replaceAll(":", ", ")})`;
  const attributes = [
    ...standard.map((community) => `bgp_community.add(${tuple(community)});`),
    ...large.map((community) => `bgp_large_community.add(${tuple(community)});`),
  ];
  const marked = attributes.length === 0 ? "" : ` { ${attributes.join(" ")} }`;
  const own = config.originate
    .filter((prefix) => ipVersionOf(prefix) === version)
    .map((prefix) => `  route ${prefix} unreachable${marked};\n`);
  return `protocol static ${version === 4 ? "own" : "own6"} {\n  ipv${version};\n${own.join("")}}`;
}

/** BIRD bounds hops by `direct`, which is one, or `multihop`; TTL security goes by the same. */
function transportOf({ password, ttlSecurity, multihop }: ForeignPeer): string {
  const hops = ttlSecurity ?? multihop;
  const reach = hops === 1 ? "direct" : `multihop ${hops}`;
  return [
    ...(password === undefined ? [] : [`\n  password "${password}";`]),
    ...(hops === undefined ? [] : [`\n  ${reach};`]),
    ...(ttlSecurity === undefined ? [] : ["\n  ttl security on;"]),
  ].join("");
}

function restartOf({ gracefulRestartSeconds, longLivedSeconds }: ForeignPeer): string {
  const restart =
    gracefulRestartSeconds === undefined
      ? ""
      : `\n  graceful restart on;\n  graceful restart time ${gracefulRestartSeconds};`;
  const longLived =
    longLivedSeconds === undefined
      ? ""
      : `\n  long lived graceful restart on;\n  long lived stale time ${longLivedSeconds};`;
  return restart + longLived;
}

function addPathOf({ addPath }: ForeignPeer): string {
  return addPath === undefined ? "" : `\n    add paths ${addPath === "send" ? "tx" : "rx"};`;
}

function peerBlock(config: ForeignConfig, peer: ForeignPeer): string {
  const { detour } = config;
  // A reflector hands on what it learned to other reflectors, too; BIRD itself knows from whom to whom.
  const reflects = config.peers.some(({ reflectorClient }) => reflectorClient === true);
  const importFilter =
    detour === undefined
      ? "all"
      : `filter { if bgp_next_hop ~ ${detour.nextHopsWithin} then gw = ${detour.via}; accept; }`;
  const channels = familiesOf(peer).map((version) => {
    const hop = config.nextHops?.[version];
    return `  ipv${version} {
    import ${importFilter};
    export where ${config.isTransit === true || reflects ? "source ~ [ RTS_STATIC, RTS_BGP ]" : "source = RTS_STATIC"};
    next hop ${reflects ? "keep" : hop === undefined ? "self" : `address ${hop}`};${
      peer.extendedNextHop === true && version === 4 ? "\n    extended next hop on;" : ""
    }${addPathOf(peer)}
  };`;
  });
  const offers = [
    ...(peer.role === undefined ? [] : [`\n  local role ${peer.role};`]),
    ...(peer.extendedMessages === true ? ["\n  enable extended messages on;"] : []),
  ];
  const zone = peer.device === undefined ? "" : `%'${peer.device}'`;
  return `protocol bgp ${birdProtocol(peer.address)} {
  local ${config.address} as ${config.asn};
  neighbor ${peer.address}${zone} as ${peer.asn};
  hold time ${config.holdTimeSeconds};
  connect delay time 1;
  connect retry time ${peer.connectRetrySeconds ?? 1};
  error wait time 1, 2;
  debug { states, events, packets };${peer.passive === true ? "\n  passive yes;" : ""}${
    peer.twoOctetAs === true ? "\n  enable as4 no;" : ""
  }${offers.join("")}${restartOf(peer)}${transportOf(peer)}${peer.reflectorClient === true ? "\n  rr client;" : ""}
${channels.join("\n")}
}`;
}
