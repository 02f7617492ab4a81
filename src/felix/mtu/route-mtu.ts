import type { Way } from "../owner.ts";
import type { KernelPicture } from "../kernel-picture.ts";
import type { PathMtu, PathMtus } from "./path-mtus.ts";

/** The largest packet that a route can take. */
export interface RouteMtu {
  /** Octets. */
  readonly octets: number;
  /** The way that takes no larger one. */
  readonly way: Way;
  /** It is the path that takes no larger one: the interface would send it. */
  readonly isPath: boolean;
}

export interface MtuContext {
  readonly pathMtuOf: (address: string) => PathMtu | undefined;
  /** Octets; `undefined` of an interface that is gone. */
  readonly deviceMtu: (ifindex: number) => number | undefined;
}

export function mtuContext(paths: PathMtus, picture: KernelPicture): MtuContext {
  return {
    pathMtuOf: (address) => paths.of(address),
    deviceMtu: (ifindex) => picture.link(ifindex)?.mtu,
  };
}

/** IPv6 has no smaller one (RFC 8200 §5): what carries less must cut and mend packets itself. */
const IPV6_MINIMUM = 1280;

/** The narrowest of a route's ways; `undefined` while it has none. @param payload IP version of the route */
export function routeMtu(
  ways: readonly Way[],
  payload: 4 | 6,
  { pathMtuOf, deviceMtu }: MtuContext,
): RouteMtu | undefined {
  let narrowest: RouteMtu | undefined;
  for (const way of ways) {
    const device = way.hop && deviceMtu(way.hop.ifindex);
    if (device === undefined) continue;
    const path = pathOctets(way, payload, pathMtuOf) ?? device;
    const octets = Math.min(path, device);
    if (narrowest !== undefined && narrowest.octets <= octets) continue;
    narrowest = { octets, way, isPath: path < device };
  }
  return narrowest;
}

function pathOctets(
  way: Way,
  payload: 4 | 6,
  pathMtuOf: MtuContext["pathMtuOf"],
): number | undefined {
  const path = pathMtuOf(way.nextHop.address);
  if (path === undefined) return undefined;
  const octets = path.octets - (tunnelOf(way)?.spec.overhead ?? 0);
  return payload === 6 ? Math.max(octets, IPV6_MINIMUM) : octets;
}

/** What it leads through; the tunnel of a way may be one that it would rather lead through. */
function tunnelOf({ mode, tunnel }: Way): Way["tunnel"] {
  return mode === "tunnel" ? tunnel : undefined;
}

const reasons: Readonly<Record<PathMtu["how"], string>> = {
  reported: "as a router reports",
  probed: "since larger ones vanish on the way",
  adopted: "as was found before the last start",
};

/** Why it is no more: `eth0 sends no more`, `no more than 1400 octets get to 192.168.2.2, as a router reports, of which ipip takes 20`. */
export function routeMtuText(
  { way, isPath }: RouteMtu,
  { pathMtuOf }: Pick<MtuContext, "pathMtuOf">,
  deviceName: (ifindex: number) => string,
): string {
  const { address } = way.nextHop;
  const path = pathMtuOf(address);
  if (!isPath || path === undefined) return `${deviceName(way.hop?.ifindex ?? 0)} sends no more`;
  const tunnel = tunnelOf(way);
  const outer =
    tunnel === undefined ? "" : `, of which ${tunnel.spec.kind} takes ${tunnel.spec.overhead}`;
  return `no more than ${path.octets} octets get to ${address}, ${reasons[path.how]}${outer}`;
}
