import { ipVersionOf } from "../../net/ip-address.ts";
import type { LinkChange, NewLink } from "../../netlink/link.ts";
import type { Neighbour } from "../../netlink/neighbour.ts";
import type { NextHopObject } from "../../netlink/next-hop.ts";
import type { RouteHop } from "../../netlink/route.ts";
import type { RouteChange, RouteIdentity } from "../../netlink/route-request.ts";

type DeviceName = (ifindex: number) => string;

const MAIN_TABLE = 254;
const routeVerbs = { create: "add", replace: "replace", delete: "del" } as const;

/** `ip route add 10.233.2.0/24 via 192.168.1.3 dev eth0 proto 77` */
export function routeCommand(
  { op, prefix, metric, path }: RouteChange,
  { protocol, table }: RouteIdentity,
  deviceName: DeviceName,
): string {
  const words = [ip(prefix.version), "route", routeVerbs[op]];
  if (path.type !== "unicast") words.push(path.type);
  words.push(prefix.text);
  if (op !== "delete") words.push(...wayWords(path, prefix.version, deviceName));
  words.push("proto", String(protocol));
  if (metric !== 0) words.push("metric", String(metric));
  if (table !== MAIN_TABLE) words.push("table", String(table));
  const [hop] = path.hops;
  if (op !== "delete" && path.mtu !== undefined) words.push("mtu", String(path.mtu));
  if (op !== "delete" && path.hops.length > 1) {
    for (const one of path.hops) {
      const weight = ["weight", String(one.weight)];
      words.push("nexthop", ...hopWords(one, prefix.version, deviceName), ...weight);
      if (one.onlink) words.push("onlink");
    }
  } else if (op !== "delete" && hop?.onlink === true) words.push("onlink");
  return words.join(" ");
}

function wayWords(
  { hops, nextHopId }: RouteChange["path"],
  version: 4 | 6,
  deviceName: DeviceName,
): string[] {
  if (nextHopId !== undefined) return ["nhid", String(nextHopId)];
  const [hop] = hops;
  return hop === undefined || hops.length > 1 ? [] : hopWords(hop, version, deviceName);
}

function hopWords(hop: RouteHop, version: 4 | 6, deviceName: DeviceName): string[] {
  const words: string[] = [];
  if (hop.gateway !== undefined) {
    const isOther = ipVersionOf(hop.gateway) !== version;
    words.push("via", ...(isOther ? ["inet6", hop.gateway] : [hop.gateway]));
  }
  if (hop.ifindex !== 0) words.push("dev", deviceName(hop.ifindex));
  return words;
}

/** `ip nexthop add id 1291845633 via 192.168.1.3 dev eth0 proto 77` */
export function nextHopCommand(
  { id, protocol, hop, members }: NextHopObject,
  replace: boolean,
  deviceName: DeviceName,
): string {
  const words = ["ip nexthop", replace ? "replace" : "add", "id", String(id)];
  if (hop === undefined) {
    words.push("group", members.map((one) => `${one.id},${one.weight}`).join("/"));
  } else {
    words.push("via", hop.gateway, "dev", deviceName(hop.ifindex));
    if (hop.onlink) words.push("onlink");
  }
  words.push("proto", String(protocol));
  return words.join(" ");
}

/** `ip link add vxlan.margay address … type vxlan id 4077 …` */
export function newLinkCommand(link: NewLink): string {
  const words = ["ip link add", link.name];
  if (link.mac !== undefined) words.push("address", link.mac);
  return [...words, ...infoWords(link, true)].join(" ");
}

function infoWords(
  { kind, vxlan, ipTunnel }: Pick<NewLink, "kind" | "vxlan" | "ipTunnel">,
  isNew: boolean,
): string[] {
  const words = ["type", kind];
  const local = vxlan?.local ?? ipTunnel?.local;
  if (vxlan !== undefined) words.push("id", String(vxlan.id));
  if (vxlan !== undefined && isNew) words.push("dstport", String(vxlan.port));
  if (local !== undefined) words.push("local", local);
  if (vxlan !== undefined) words.push(vxlan.learning ? "learning" : "nolearning");
  if (ipTunnel === undefined) return words;
  words.push("ttl", ipTunnel.ttl === 0 ? "inherit" : String(ipTunnel.ttl));
  if (kind === "ip6tnl") return [...words, "mode", "ip6ip6", "encaplimit", "none"];
  return [...words, ipTunnel.pathMtuDiscovery ? "pmtudisc" : "nopmtudisc"];
}

/** `ip link set tunl0 mtu 1480 up` */
export function linkCommand(
  device: string,
  { mtu, up, name, alias, mac, info }: LinkChange,
): string {
  const words = ["ip link set", device];
  if (name !== undefined) words.push("name", name);
  if (alias !== undefined) words.push("alias", alias);
  if (mac !== undefined) words.push("address", mac);
  if (mtu !== undefined) words.push("mtu", String(mtu));
  if (up !== undefined) words.push(up ? "up" : "down");
  if (info !== undefined) words.push(...infoWords(info, false));
  return words.join(" ");
}

/** `ip addr add 10.233.1.0/32 dev tunl0` */
export function addressCommand(verb: "add" | "del", address: string, device: string): string {
  const version = ipVersionOf(address);
  return `${ip(version)} addr ${verb} ${address}/${version === 6 ? 128 : 32} dev ${device}`;
}

/** `ip neigh replace …`, `bridge fdb replace …` */
export function neighbourCommand(
  verb: "replace" | "del",
  { table, address, mac, ifindex }: Neighbour,
  deviceName: DeviceName,
): string {
  const device = deviceName(ifindex);
  if (table === "bridge")
    return `bridge fdb ${verb} ${mac} dev ${device} dst ${address} self permanent`;
  if (verb === "del") return `ip neigh del ${address} dev ${device}`;
  return `ip neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`;
}

function ip(version: 4 | 6 | undefined): string {
  return version === 6 ? "ip -6" : "ip";
}
