import type { InterfaceAddress } from "../netlink/address.ts";
import type { Link } from "../netlink/link.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import {
  defaultTunnelSettings,
  FALLBACK_DEVICE,
  TUNNEL_ALIAS,
  tunnelMac,
  tunnelSpecs,
  VXLAN_ID,
} from "./tunnel-kind.ts";

/** What is left of one of our tunnels. */
export interface TunnelRemains {
  readonly link: Link;
  /** Ours, of those that it has. */
  readonly addresses: readonly InterfaceAddress[];
  /** What becomes of the device. */
  readonly end: "stay" | "down" | "deleted";
}

/** Names that only we give, though not only what we made may have them. */
const ownNames: ReadonlyMap<string, string> = new Map(
  tunnelSpecs(defaultTunnelSettings)
    .filter(({ fallback }) => !fallback)
    .map(({ device, linkKind }) => [device, linkKind]),
);

/** Did we make it, for sure? The alias says so; of a VXLAN device of an early version, number and MAC address do. */
function isOwnTunnel(link: Link): boolean {
  const { alias, kind, mac, vxlan } = link;
  if (kind === undefined || isFallback(link)) return false;
  if (alias !== undefined) return alias === TUNNEL_ALIAS;
  return vxlan?.id === VXLAN_ID && vxlan.local !== undefined && mac === tunnelMac(vxlan.local);
}

function isNamedLikeOurs({ name, kind }: Link): boolean {
  return kind !== undefined && ownNames.get(name) === kind;
}

/** Is it one that routes of ours may lead through as a tunnel? */
export function isTunnel(link: Link): boolean {
  return isOwnTunnel(link) || isNamedLikeOurs(link) || isFallback(link);
}

/** Might it be ours, though nothing proves it? It stays. */
export function isUnmarked(link: Link): boolean {
  return isNamedLikeOurs(link) && !isOwnTunnel(link);
}

/** The kernel's own. */
function isFallback({ name, kind }: Link): boolean {
  return name === FALLBACK_DEVICE && kind === "ipip";
}

/**
 * The tunnels that are ours, and what is to become of each: those that we made go, and of the kernel's own what we gave
 * it. `isUsedByOthers`: does a route of another program lead through a link?
 */
export function tunnelRemains(
  picture: KernelPicture,
  protocol: number,
  isUsedByOthers: (ifindex: number) => boolean,
): TunnelRemains[] {
  return [...picture.links()].flatMap((link): TunnelRemains[] => {
    if (isOwnTunnel(link)) return [{ link, addresses: [], end: "deleted" }];
    if (!isFallback(link)) return [];
    const present = picture.addresses.filter(({ ifindex }) => ifindex === link.ifindex);
    const addresses = present.filter((entry) => entry.protocol === protocol);
    const isFree =
      !isUsedByOthers(link.ifindex) &&
      present.every((entry) => addresses.includes(entry) || entry.address.startsWith("fe80:"));
    return [{ link, addresses, end: link.up && addresses.length > 0 && isFree ? "down" : "stay" }];
  });
}

/** Throws `NetlinkError`. */
export function removeTunnel(netlink: Netlink, { link, addresses, end }: TunnelRemains): void {
  for (const { address } of addresses) netlink.removeHostAddress(link.ifindex, address);
  if (end === "down") netlink.changeLink(link.ifindex, { up: false });
  if (end === "deleted") netlink.deleteLink(link.ifindex);
}
