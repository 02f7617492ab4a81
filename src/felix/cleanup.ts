import { PathTable } from "../fib/path.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { NextHopObject } from "../netlink/next-hop.ts";
import type { KernelRoute } from "../netlink/route.ts";
import type { RouteChange } from "../netlink/route-request.ts";
import { firewallRemains, removeFirewall } from "./firewall/remains.ts";
import type { Nft } from "./firewall/nft.ts";
import { routeLine } from "./format.ts";
import { KernelPicture } from "./kernel-picture.ts";
import { leftBehind } from "./left-behind.ts";
import { ObjectUsers } from "./object-users.ts";
import { problemOf } from "./problem.ts";
import { protocolNameFile, removeProtocolName } from "./protocol-name.ts";
import type { Sysctl } from "./sysctl.ts";
import { removeTunnel, tunnelRemains } from "./tunnel-remains.ts";

export interface CleanUpOptions {
  readonly netlink: Netlink;
  /** rtm_protocol of our routes. */
  readonly protocol: number;
  /** Only tell what would be removed. */
  readonly dryRun: boolean;
  /** Where nftables is left alone, none. */
  readonly nft?: Nft | undefined;
  readonly sysctl: Sysctl;
  /** Where iproute2 looks for protocol names; without, ours stays. */
  readonly rtProtosDirectory?: string;
}

/** What was, or would be, removed. */
export interface CleanUpResult {
  /** `10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay`, with the table where it is not main. */
  readonly routes: readonly string[];
  /** `nexthop id 1291845633 via 192.168.1.3 dev eth0`. */
  readonly nextHops: readonly string[];
  /** `10.233.1.0/32 dev tunl0`. */
  readonly addresses: readonly string[];
  /** `tunl0 down`. */
  readonly links: readonly string[];
  /** `vxlan.margay`. */
  readonly devices: readonly string[];
  /** `table inet margay`. */
  readonly firewall: readonly string[];
  /** Paths. */
  readonly files: readonly string[];
  /** What may be our doing and stays, with the reason. */
  readonly left: readonly string[];
  /** What the kernel refused to remove. */
  readonly failures: readonly string[];
}

const MAIN_TABLE = 254;
const KERNEL_PROTOCOL = 2;
const BATCH = 512;

/**
 * Removes every route and next-hop object that bears our protocol number, in every table, our addresses on the tunnels
 * and the tunnels that we made; takes those of the kernel down when nobody else uses them. Nothing else is touched, nor
 * an object that others have a use for. Rejects with `NetlinkError`.
 */
export async function cleanUp(options: CleanUpOptions): Promise<CleanUpResult> {
  const { netlink, protocol, dryRun, nft, sysctl } = options;
  const picture = new KernelPicture(netlink);
  await picture.load();
  const deviceName = (ifindex: number): string => picture.deviceName(ifindex);
  const ours: KernelRoute[] = [];
  const usedByOthers = new Set<number>();
  const objectUsers = new ObjectUsers(protocol);
  for (const version of [4, 6] as const) {
    await netlink.dumpRoutes({ version }, (route) => {
      if (route.protocol === protocol) {
        ours.push(route);
        return;
      }
      objectUsers.saw(route);
      if (route.protocol !== KERNEL_PROTOCOL) {
        for (const { ifindex } of route.hops) usedByOthers.add(ifindex);
      }
    });
  }
  const tunnels = tunnelRemains(picture, protocol, (ifindex) => usedByOthers.has(ifindex));
  const objects = objectRemains((await netlink.dumpNextHops()) ?? [], objectUsers, protocol);
  const refused = dryRun
    ? new Map<KernelRoute, string>()
    : await removeRoutes(netlink, ours, protocol);
  const removed = ours.filter((route) => !refused.has(route));
  const failures = [...refused].map(([route, text]) => `${lineOf(route, deviceName)}: ${text}`);
  if (!dryRun) {
    for (const { id } of objects)
      failures.push(...attempt(`nexthop id ${id}`, () => netlink.removeNextHop(id)));
  }
  for (const remains of dryRun ? [] : tunnels) {
    failures.push(...attempt(remains.link.name, () => removeTunnel(netlink, remains)));
  }
  // The tunnels are guarded as long as they are there.
  const firewall = nft === undefined ? [] : await firewallRemains(nft);
  if (!dryRun && nft !== undefined) failures.push(...(await removeFirewall(nft, firewall)));
  const files = await removeName(options, failures);
  return {
    routes: removed.map((route) => lineOf(route, deviceName)),
    nextHops: objects.map((object) => objectLine(object, deviceName)),
    addresses: tunnels.flatMap(({ addresses }) =>
      addresses.map(({ address, prefixLength, ifindex }) => {
        return `${address}/${prefixLength} dev ${deviceName(ifindex)}`;
      }),
    ),
    links: tunnels.flatMap(({ link, end }) => (end === "down" ? [`${link.name} down`] : [])),
    devices: tunnels.flatMap(({ link, end }) => (end === "deleted" ? [link.name] : [])),
    firewall: firewall.map(({ line }) => line),
    files,
    left: await leftBehind(picture, sysctl),
    failures,
  };
}

/** Resolves to the file by which iproute2 knows our protocol's name, which goes where nobody has changed it. */
async function removeName(
  { protocol, dryRun, rtProtosDirectory }: CleanUpOptions,
  failures: string[],
): Promise<string[]> {
  if (rtProtosDirectory === undefined) return [];
  const file = await protocolNameFile(protocol, rtProtosDirectory);
  if (file === undefined) return [];
  const failure = dryRun ? undefined : await removeProtocolName(file);
  if (failure !== undefined) failures.push(`${file}: ${failure}`);
  return [file];
}

/** Our next-hop objects that no other program has a use for, groups first. */
function objectRemains(
  all: readonly NextHopObject[],
  users: ObjectUsers,
  protocol: number,
): NextHopObject[] {
  const kept = users.objects(all);
  return all
    .filter((object) => object.protocol === protocol && !kept.has(object.id))
    .sort((a, b) => b.members.length - a.members.length);
}

/** As `ip nexthop` shows it. */
function objectLine(
  { id, hop, members }: NextHopObject,
  deviceName: (ifindex: number) => string,
): string {
  if (hop === undefined) return `nexthop id ${id} group ${members.map((one) => one.id).join("/")}`;
  return `nexthop id ${id} via ${hop.gateway} dev ${deviceName(hop.ifindex)}`;
}

/** What the kernel refused, in words. */
function attempt(what: string, removal: () => void): string[] {
  try {
    removal();
    return [];
  } catch (error) {
    return [`${what}: ${problemOf(error).text}`];
  }
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
