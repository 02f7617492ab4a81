/** Code points of rtnetlink (linux/netlink.h, linux/rtnetlink.h, linux/if_link.h), only those that margay uses. */

/** nlmsg_type. */
export const MessageType = {
  error: 2,
  done: 3,
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  delNeighbour: 29,
  getNeighbour: 30,
  newNetconf: 80,
  newNextHop: 104,
  delNextHop: 105,
  getNextHop: 106,
} as const;

/** nlmsg_flags; `replace`, `exclusive` and `create` belong to requests that make something, `dump` to those that list. */
export const MessageFlag = {
  request: 0x1,
  ack: 0x4,
  dumpInterrupted: 0x10,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  /** In an NLMSG_ERROR: only the header of the failed request is quoted. */
  capped: 0x100,
  /** In an NLMSG_ERROR: attributes follow (extended acknowledgement). */
  ackAttributes: 0x200,
} as const;

/** rta_type of routes. */
export const RouteAttribute = {
  destination: 1,
  outputInterface: 4,
  gateway: 5,
  priority: 6,
  preferredSource: 7,
  metrics: 8,
  multipath: 9,
  cacheInfo: 12,
  table: 15,
  via: 18,
  preference: 20,
  encapType: 21,
  encap: 22,
  nextHopId: 30,
} as const;

/** rtax types, inside the routes' `metrics`. */
export const RouteMetric = { mtu: 2 } as const;

/** rtm_flags and rtnh_flags. */
export const RouteFlag = {
  onlink: 0x4,
  /** In a request: answer with the entry of the table rather than with the cloned host route. */
  fibMatch: 0x2000,
  cloned: 0x200,
} as const;

/** nha attributes of next-hop objects (linux/nexthop.h). */
export const NextHopAttribute = { id: 1, group: 2, outputInterface: 5, gateway: 6 } as const;

/** rtm_scope. */
export const RouteScope = { universe: 0, link: 253, host: 254, nowhere: 255 } as const;

/** ifla attributes of links; `infoKind` and `infoData` are inside `info`. */
export const LinkAttribute = {
  address: 1,
  name: 3,
  mtu: 4,
  info: 18,
  alias: 20,
  infoKind: 1,
  infoData: 2,
} as const;

/** Attributes of a VXLAN device's `infoData` (linux/if_link.h). */
export const VxlanAttribute = { id: 1, local: 4, learning: 7, port: 15, local6: 17 } as const;

/** Attributes of `infoData` of IPIP and ip6tnl devices (linux/if_tunnel.h). */
export const IpTunnelAttribute = {
  local: 2,
  ttl: 4,
  flags: 8,
  protocol: 9,
  pathMtuDiscovery: 10,
} as const;

/** IP6_TNL_F_*. */
export const IpTunnelFlag = { ignoreEncapLimit: 0x1 } as const;

/** netconfa attributes of settings (linux/netconf.h). */
export const NetconfAttribute = { ifindex: 1, forwarding: 2 } as const;

/** nda attributes of neighbours. */
export const NeighbourAttribute = { destination: 1, linkAddress: 2, ifindex: 8 } as const;

/** ndm_state. */
export const NeighbourState = {
  reachable: 0x2,
  probe: 0x10,
  failed: 0x20,
  noArp: 0x40,
  permanent: 0x80,
} as const;

/** ndm_flags; `use`: asks for it as for a packet; `self`: the device's own table rather than that of the bridge it is a port of. */
export const NeighbourFlag = { use: 0x1, self: 0x2 } as const;

/** ifi_flags. */
export const LinkFlag = { up: 0x1, loopback: 0x8, lowerUp: 0x10000 } as const;

/** ifa attributes of addresses. */
export const AddressAttribute = { address: 1, local: 2, protocol: 11 } as const;

/** nlmsgerr attributes. */
export const ErrorAttribute = { message: 1 } as const;

/** sa_family. */
export const AddressFamily = { unspecified: 0, ipv4: 2, bridge: 7, ipv6: 10 } as const;

/** Bits of nl_groups at bind time. */
export const MulticastGroup = {
  link: 0x1,
  neighbour: 0x4,
  ipv4Address: 0x10,
  ipv4Route: 0x40,
  ipv6Address: 0x100,
  ipv6Route: 0x400,
  ipv4Netconf: 0x800000,
  ipv6Netconf: 0x1000000,
  nextHop: 0x80000000,
} as const;
