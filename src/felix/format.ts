import type { PathContent } from "../fib/path.ts";
import type { IpVersion } from "../net/ip-address.ts";

/** `margay`, `kernel`, `static`, …, or the number: the protocols that a node commonly has. */
export function protocolName(protocol: number, ownProtocol: number): string {
  if (protocol === ownProtocol) return "margay";
  return wellKnown.get(protocol) ?? String(protocol);
}

const wellKnown: ReadonlyMap<number, string> = new Map([
  [2, "kernel"],
  [3, "boot"],
  [4, "static"],
  [9, "ra"],
  [11, "zebra"],
  [12, "bird"],
  [16, "dhcp"],
  [18, "keepalived"],
  [80, "80 (calico)"],
  [186, "bgp"],
  [188, "ospf"],
]);

/** `via 192.168.1.3`, or `via inet6 2001:db8::3` for a route of IPv4 (RFC 8950). */
function viaText(gateway: string, version: IpVersion): string {
  return version === 4 && gateway.includes(":") ? `via inet6 ${gateway}` : `via ${gateway}`;
}

/**
 * `via 192.168.2.2 dev tunl0 onlink`, as `ip route` writes it; `unreachable` for a path that leads nowhere.
 * @param version of the route
 */
export function pathText(
  path: PathContent,
  deviceName: (ifindex: number) => string,
  version: IpVersion = 6,
): string {
  const hops = path.hops.map(({ gateway, ifindex, onlink, weight }) => {
    const words: string[] = [];
    if (gateway !== undefined) words.push(viaText(gateway, version));
    if (ifindex !== 0) words.push("dev", deviceName(ifindex));
    if (path.hops.length > 1) words.push("weight", String(weight));
    if (onlink) words.push("onlink");
    return words.join(" ");
  });
  const [only] = hops;
  const way = hops.length > 1 ? hops.map((hop) => `nexthop ${hop}`).join(" ") : (only ?? "");
  const words = [path.type === "unicast" ? "" : path.type, objectText(path), way];
  if (path.source !== undefined) words.push(`src ${path.source}`);
  if (path.mtu !== undefined) words.push(`mtu ${path.mtu}`);
  if (path.extras !== undefined) words.push(path.extras);
  return words.filter((word) => word !== "").join(" ");
}

/** `nhid 1291845633`, or nothing. */
function objectText({ nextHopId }: PathContent): string {
  return nextHopId === undefined ? "" : `nhid ${nextHopId}`;
}

/** `10.233.2.0/24 via 192.168.2.2 dev tunl0 proto margay onlink`: the line that `ip route` shows. */
export function routeLine(
  prefixText: string,
  path: PathContent,
  protocol: string,
  metric: number,
  deviceName: (ifindex: number) => string,
): string {
  const words = path.type === "unicast" ? [prefixText] : [path.type, prefixText];
  const [only] = path.hops;
  const single = path.hops.length === 1 ? only : undefined;
  if (path.nextHopId !== undefined) words.push(objectText(path));
  const version = prefixText.includes(":") ? 6 : 4;
  if (single?.gateway !== undefined) words.push(viaText(single.gateway, version));
  if (single !== undefined && single.ifindex !== 0) words.push("dev", deviceName(single.ifindex));
  words.push("proto", protocol);
  if (path.source !== undefined) words.push("src", path.source);
  if (metric !== 0) words.push("metric", String(metric));
  if (single?.onlink === true) words.push("onlink");
  if (path.mtu !== undefined) words.push(`mtu ${path.mtu}`);
  if (path.hops.length > 1) {
    const hopsOnly: PathContent = { type: "unicast", hops: path.hops };
    words.push(pathText(hopsOnly, deviceName, version));
  }
  return words.join(" ");
}
