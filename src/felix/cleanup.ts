import { PathTable } from "../fib/path.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { KernelRoute } from "../netlink/route.ts";
import type { RouteChange } from "../netlink/route-request.ts";
import { routeLine } from "./format.ts";
import { KernelPicture } from "./kernel-picture.ts";
import { TUNNEL_DEVICE } from "./tunnel.ts";

export interface CleanUpOptions {
  readonly netlink: Netlink;
  /** rtm_protocol of our routes. */
  readonly protocol: number;
  /** Only tell what would be removed. */
  readonly dryRun: boolean;
}

/** What was, or would be, removed. */
export interface CleanUpResult {
  /** `10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay`, with the table where it is not main. */
  readonly routes: readonly string[];
  /** `10.233.1.0/32 dev tunl0`. */
  readonly addresses: readonly string[];
  /** `tunl0 down`. */
  readonly links: readonly string[];
  /** What the kernel refused to remove. */
  readonly failures: readonly string[];
}

const MAIN_TABLE = 254;
const BATCH = 512;

/**
 * Removes every route that bears our protocol number, in every table, and our address on the tunnel; takes the tunnel
 * down when nobody else uses it. Nothing else is touched. Rejects with `NetlinkError`.
 */
export async function cleanUp(options: CleanUpOptions): Promise<CleanUpResult> {
  const { netlink, protocol, dryRun } = options;
  const picture = new KernelPicture(netlink);
  await picture.load();
  const deviceName = (ifindex: number): string => picture.deviceName(ifindex);
  const ours: KernelRoute[] = [];
  const tunnel = picture.linkNamed(TUNNEL_DEVICE);
  let tunnelHasOthers = false;
  for (const version of [4, 6] as const) {
    await netlink.dumpRoutes({ version }, (route) => {
      if (route.protocol === protocol) ours.push(route);
      else if (usesTunnel(route, tunnel?.ifindex)) tunnelHasOthers = true;
    });
  }
  const onTunnel = picture.addresses.filter((entry) => entry.ifindex === tunnel?.ifindex);
  const addresses = onTunnel.filter((entry) => entry.protocol === protocol);
  const takesDown =
    tunnel?.up === true &&
    addresses.length > 0 &&
    !tunnelHasOthers &&
    onTunnel.every((entry) => entry.protocol === protocol || entry.address.includes(":"));
  const refused = dryRun
    ? new Map<KernelRoute, string>()
    : await removeRoutes(netlink, ours, protocol);
  if (!dryRun && tunnel !== undefined) {
    for (const { address } of addresses) netlink.removeHostAddress(tunnel.ifindex, address);
    if (takesDown) netlink.changeLink(tunnel.ifindex, { up: false });
  }
  return {
    routes: ours.filter((route) => !refused.has(route)).map((route) => lineOf(route, deviceName)),
    addresses: addresses.map(({ address, prefixLength, ifindex }) => {
      return `${address}/${prefixLength} dev ${deviceName(ifindex)}`;
    }),
    links: takesDown ? [`${TUNNEL_DEVICE} down`] : [],
    failures: [...refused].map(([route, text]) => `${lineOf(route, deviceName)}: ${text}`),
  };
}

/** A route of another's through the tunnel, other than those that the kernel makes for our address. */
function usesTunnel(route: KernelRoute, ifindex: number | undefined): boolean {
  const KERNEL = 2;
  if (ifindex === undefined || route.protocol === KERNEL) return false;
  return route.hops.some((hop) => hop.ifindex === ifindex);
}

function lineOf(route: KernelRoute, deviceName: (ifindex: number) => string): string {
  const line = routeLine(route.prefix.text, route, "margay", route.metric, deviceName);
  return route.table === MAIN_TABLE ? line : `${line} table ${route.table}`;
}

/** Resolves to the routes that the kernel would not let go, and why. */
async function removeRoutes(
  netlink: Netlink,
  routes: readonly KernelRoute[],
  protocol: number,
): Promise<Map<KernelRoute, string>> {
  const refused = new Map<KernelRoute, string>();
  const paths = new PathTable();
  for (const [table, own] of byTable(routes)) {
    for (let from = 0; from < own.length; from += BATCH) {
      const slice = own.slice(from, from + BATCH);
      const changes = slice.map((route): RouteChange => {
        const { prefix, metric } = route;
        return { op: "delete", prefix, metric, path: paths.intern(route) };
      });
      for (const failure of await netlink.applyRoutes(changes, { protocol, table })) {
        refused.set(slice[failure.index] as KernelRoute, failure.text);
      }
    }
  }
  return refused;
}

function byTable(routes: readonly KernelRoute[]): Map<number, KernelRoute[]> {
  const tables = new Map<number, KernelRoute[]>();
  for (const route of routes) {
    const own = tables.get(route.table);
    if (own === undefined) tables.set(route.table, [route]);
    else own.push(route);
  }
  return tables;
}
