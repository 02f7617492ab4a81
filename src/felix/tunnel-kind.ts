import type { PathHop } from "../fib/path.ts";
import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { formatMac, parseMac } from "../netlink/neighbour.ts";
import type { NewLink } from "../netlink/link.ts";

/** How packets are wrapped on their way to a next hop behind a router. */
export type TunnelKind = "ipip" | "vxlan";

/** `auto`: IPIP where this kernel has it, else VXLAN. */
export type TunnelChoice = TunnelKind | "auto";

/** What an operator may choose about tunnels. */
export interface TunnelSettings {
  /** The IPIP device: `tunl0`, which the kernel makes by itself, or one of our own. */
  readonly ipipDevice: string;
  /** TTL of outer headers of IP tunnels of our own, 1 to 255. */
  readonly ttl: number;
}

/** The device that the kernel makes with its module, for all other ends. */
export const FALLBACK_DEVICE = "tunl0";

export const defaultTunnelSettings: TunnelSettings = { ipipDevice: FALLBACK_DEVICE, ttl: 64 };

/** Written on every tunnel device that we make, so that whoever finds it knows whose it is. */
export const TUNNEL_ALIAS = "margay";

/** What one kind of tunnel over one IP version is made of. */
export interface TunnelSpec {
  readonly kind: TunnelKind;
  /** IP version of the outer packet. */
  readonly underlay: 4 | 6;
  readonly device: string;
  /** Link kind, and name of the kernel's module. */
  readonly linkKind: string;
  /** Octets of the outer headers. */
  readonly overhead: number;
  /** IP versions that it carries. */
  readonly carries: readonly (4 | 6)[];
  /** The kernel makes the device together with the module, and lets nobody delete or alter it. */
  readonly fallback: boolean;
  /** Of IP tunnels of our own: TTL of the outer header. */
  readonly ttl?: number;
}

/** THE table of tunnels. */
export function tunnelSpecs({ ipipDevice, ttl }: TunnelSettings): readonly TunnelSpec[] {
  return [
    {
      ...{ kind: "ipip", underlay: 4, linkKind: "ipip", overhead: 20, carries: [4] },
      ...(ipipDevice === FALLBACK_DEVICE
        ? { device: FALLBACK_DEVICE, fallback: true }
        : { device: ipipDevice, fallback: false, ttl }),
    },
    {
      // Never the kernel's own ip6tnl0, which puts another eight octets into every packet.
      ...{ kind: "ipip", underlay: 6, device: "ip6tnl.margay", linkKind: "ip6tnl" },
      ...{ overhead: 40, carries: [6], fallback: false, ttl },
    },
    {
      ...{ kind: "vxlan", underlay: 4, device: "vxlan.margay", linkKind: "vxlan" },
      ...{ overhead: 50, carries: [4, 6], fallback: false },
    },
    {
      ...{ kind: "vxlan", underlay: 6, device: "vxlan6.margay", linkKind: "vxlan" },
      ...{ overhead: 70, carries: [4, 6], fallback: false },
    },
  ];
}

/** A network number of our own (flannel has 1, Calico 4096), on the port of RFC 7348. */
export const VXLAN_ID = 4077;
export const VXLAN_PORT = 4789;

/** The device as it is to be made on a node with this address. */
export function newTunnelLink(spec: TunnelSpec, nodeAddress: string): NewLink {
  const { device: name, linkKind: kind, ttl } = spec;
  if (spec.fallback) return { name, kind };
  if (ttl !== undefined) {
    return { name, kind, ipTunnel: { local: nodeAddress, ttl, pathMtuDiscovery: true } };
  }
  const vxlan = { id: VXLAN_ID, port: VXLAN_PORT, local: nodeAddress, learning: false };
  return { name, kind, mac: tunnelMac(nodeAddress), vxlan };
}

/**
 * What packets of an IP version lead to, on the tunnel's device, to get to a node. IPv4 over IPv4: the node's address, which is
 * there because we say so (`onlink`). Of an IPv6 gateway the kernel believes that only where no other route leads to
 * it, so that VXLAN has the link-local address of the far end's device instead.
 */
export function tunnelHop(
  { kind, underlay }: TunnelSpec,
  ifindex: number,
  nodeAddress: string,
  payload: 4 | 6,
): PathHop {
  const hop = { ifindex, weight: 1 };
  if (kind !== "vxlan" || (underlay === 4 && payload === 4)) {
    return { ...hop, gateway: nodeAddress, onlink: true };
  }
  return { ...hop, gateway: tunnelLinkLocal(nodeAddress), onlink: false };
}

/** The link-local address of a node's VXLAN device. */
export function tunnelLinkLocal(nodeAddress: string): string {
  return linkLocalOf(tunnelMac(nodeAddress));
}

/** The link-local address that follows from a MAC address (RFC 4291 App. A). */
export function linkLocalOf(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = parseMac(mac);
  const octets = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f);
  return formatIpAddress(octets);
}

/**
 * The MAC address of a node's VXLAN device, which follows from the node's address, so that nobody needs to be told:
 * locally administered, 4e:77 and the IPv4 address, or 4a and 40 bits of a hash (FNV-1a) of the IPv6 address.
 */
export function tunnelMac(nodeAddress: string): string {
  const octets = parseIpAddress(nodeAddress) ?? new Uint8Array(4);
  if (octets.length === 4) return formatMac(Uint8Array.of(0x4e, 0x77, ...octets));
  const hash = (seed: number): number => {
    let value = seed;
    for (const octet of octets) value = Math.imul(value ^ octet, 0x01000193) >>> 0;
    return value;
  };
  const [low, high] = [hash(0x811c9dc5), hash(0x050c5d1f)];
  return formatMac(
    Uint8Array.of(0x4a, high & 255, low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255),
  );
}
