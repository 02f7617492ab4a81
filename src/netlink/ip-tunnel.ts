import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { type AttributeWriter, walkAttributes } from "./attribute.ts";
import { IpTunnelAttribute, IpTunnelFlag } from "./constants.ts";

/** How a device of kind `ipip` (IPv4 in IPv4) or `ip6tnl` (IPv6 in IPv6) writes outer headers. */
export interface IpTunnelSettings {
  /** Canonical address that its packets come from; `undefined` for whatever the route says. */
  readonly local: string | undefined;
  /** TTL or hop limit of the outer header; 0 for that of the packet inside. */
  readonly ttl: number;
  /** The outer header forbids fragments, so that the path's MTU is learnt (always so with IPv6). */
  readonly pathMtuDiscovery: boolean;
}

/** IPPROTO_IPV6: what an `ip6tnl` device carries. */
const PROTOCOL_IPV6 = 41;

/** Reads IFLA_INFO_DATA of such a device. */
export function decodeIpTunnel(data: Uint8Array): IpTunnelSettings {
  let [ttl, pathMtuDiscovery] = [0, true];
  let local: string | undefined;
  walkAttributes(data, (type, value) => {
    if (type === IpTunnelAttribute.ttl) ttl = value[0] as number;
    else if (type === IpTunnelAttribute.pathMtuDiscovery) pathMtuDiscovery = value[0] !== 0;
    else if (type === IpTunnelAttribute.local && value.some((octet) => octet !== 0)) {
      local = formatIpAddress(value);
    }
  });
  return { local, ttl, pathMtuDiscovery };
}

/** Writes what `decodeIpTunnel` reads. */
export function writeIpTunnel(
  data: AttributeWriter,
  { local, ttl, pathMtuDiscovery }: IpTunnelSettings,
): void {
  const octets = local === undefined ? undefined : parseIpAddress(local);
  if (octets !== undefined) data.bytes(IpTunnelAttribute.local, octets);
  data.bytes(IpTunnelAttribute.ttl, Uint8Array.of(ttl));
  if (octets?.length === 16) {
    // Without this a destination option of eight octets would tell how deep tunnels may nest.
    data.uint32(IpTunnelAttribute.flags, IpTunnelFlag.ignoreEncapLimit);
    data.bytes(IpTunnelAttribute.protocol, Uint8Array.of(PROTOCOL_IPV6));
  } else data.bytes(IpTunnelAttribute.pathMtuDiscovery, Uint8Array.of(Number(pathMtuDiscovery)));
}
