import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import type { Prefix } from "../../net/prefix.ts";
import type { Netlink } from "../../netlink/netlink.ts";
import type { Clock } from "../../platform/clock.ts";
import { silentLogger } from "../../platform/logger.ts";
import { Felix } from "../felix.ts";
import type { FelixOptions } from "../options.ts";
import { legacyTables } from "../firewall/legacy.ts";
import { nftProgram } from "../firewall/nft.ts";
import type { RouteIntent } from "../intent.ts";
import { procSysctl } from "../sysctl.ts";
import { moduleOf } from "../kernel-module.ts";
import { defaultTunnelSettings, tunnelSpecs } from "../tunnel-kind.ts";
import { PlannedKernel } from "./planned-kernel.ts";
import { plannedNft } from "./planned-nft.ts";
import { plannedSysctl } from "./planned-sysctl.ts";

/** Everything about a Felix but its ties to the outside. */
export type FelixSettings = Omit<
  FelixOptions,
  "netlink" | "nftables" | "sysctl" | "clock" | "logger"
>;

export interface PlanOptions {
  readonly settings: FelixSettings;
  /** The kernel that is read. */
  readonly netlink: Netlink;
  readonly clock: Clock;
  readonly routes: readonly RouteIntent[];
  /** These are all routes that are to be: whatever else is ours would go. */
  readonly isWhole: boolean;
  readonly nodeSubnets: ReadonlyMap<string, Prefix>;
}

export interface Plan {
  /** `ip route add 10.233.2.0/24 via 192.168.1.3 dev eth0 proto 77`, in the order in which they would be done. */
  readonly commands: readonly string[];
  /** What could not be: `10.233.9.0/24: no route to 192.168.9.3 (…)`. */
  readonly problems: readonly string[];
}

/**
 * What a Felix would do to this kernel, as commands: a real one, over a kernel that writes down instead of doing. Rejects
 * with `NetlinkError` when the kernel cannot be read.
 */
export async function planChanges(options: PlanOptions): Promise<Plan> {
  const { settings, netlink, clock, routes, isWhole, nodeSubnets } = options;
  const kernel = new PlannedKernel(netlink, hasLinkKind);
  const felix = new Felix({
    ...settings,
    netlink: kernel,
    nftables: {
      nft: plannedNft(nftProgram(), kernel.commands),
      watch: () => () => {},
      legacyTables,
    },
    sysctl: plannedSysctl(procSysctl, kernel.commands),
    clock,
    logger: silentLogger,
    loadKernelModule: (name) => loadModule(name, kernel),
    rtProtosDirectory: "/nonexistent",
    tunnelLingerMs: 0,
  });
  await felix.start();
  felix.setNodeSubnets(nodeSubnets);
  for (const route of routes) felix.setRoute(route);
  await felix.settled();
  if (isWhole) felix.pictureComplete();
  await felix.settled();
  const problems = [...felix.routes()].flatMap(({ prefix, problem }) => {
    return problem === undefined ? [] : [`${prefix.text}: ${problem}`];
  });
  const { firewall } = felix.status();
  const { problems: broken = [], obstacles = [] } = firewall ?? {};
  problems.push(...[...broken, ...obstacles].map(({ text }) => `firewall: ${text}`));
  await felix.stop({ cleanup: false });
  return { commands: kernel.commands, problems };
}

function hasLinkKind(kind: string): boolean {
  return existsSync(`/sys/module/${moduleOf(kind)}`);
}

/** Asks modprobe(8) whether it could, which loads nothing. */
function loadModule(name: string, kernel: PlannedKernel): Promise<boolean> {
  return new Promise((resolve) => {
    const module = moduleOf(name);
    execFile("modprobe", ["--dry-run", "--quiet", module], { timeout: 10_000 }, (error) => {
      if (error !== null) return resolve(false);
      kernel.commands.push(`modprobe ${module}`);
      for (const { device, linkKind, fallback } of tunnelSpecs(defaultTunnelSettings)) {
        if (linkKind === name && fallback) kernel.appear({ name: device, kind: linkKind });
      }
      resolve(true);
    });
  });
}
