/**
 * Runs a Felix in the network namespace it is started in, driven by JSON lines on stdin: `{ id, method, arguments }`
 * is answered by `{ id, result }` or `{ id, error }`; events come as `{ event }`.
 */
import { createInterface } from "node:readline";
import { Felix } from "../../src/felix/felix.ts";
import type { FelixOptions } from "../../src/felix/options.ts";
import { legacyTables } from "../../src/felix/firewall/legacy.ts";
import { nftProgram } from "../../src/felix/firewall/nft.ts";
import type { FirewallConfig } from "../../src/felix/firewall/wish.ts";
import { procSysctl } from "../../src/felix/sysctl.ts";
import { parsePrefix, type Prefix } from "../../src/net/prefix.ts";
import { openKernelNetlink } from "../../src/netlink/kernel-netlink.ts";
import { watchNftables } from "../../src/netlink/nftables-watch.ts";
import { nodeClock } from "../../src/platform/node-clock.ts";
import { openPathProbe } from "../../src/platform/path-probe.ts";
import type { PathPolicy } from "../../src/felix/pool-policy.ts";
import { defaultTunnelSettings, type TunnelSettings } from "../../src/felix/tunnel-kind.ts";
import type { Logger } from "../../src/platform/logger.ts";

interface Call {
  readonly id: number;
  readonly method: string;
  readonly arguments: readonly unknown[];
}

function prefix(text: unknown): Prefix {
  const parsed = parsePrefix(String(text));
  if (parsed === undefined) throw new TypeError(`not a prefix: ${String(text)}`);
  return parsed;
}

function log(level: string) {
  return (fields: object, message: string): void => {
    process.stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
  };
}

const logger: Logger = {
  trace: () => {},
  debug: () => {},
  info: log("info"),
  warn: log("warn"),
  error: log("error"),
  child: () => logger,
};

interface RunnerOptions {
  readonly nodeAddress: string;
  readonly podCidrs: readonly string[];
  readonly encapsulation?: FelixOptions["encapsulation"];
  readonly tunnel?: FelixOptions["tunnel"];
  readonly secondAddress?: string;
  readonly podPools?: readonly string[];
  readonly metric?: number;
  readonly nextHopObjects?: "auto" | "never";
  readonly conflicts?: "yield" | "take" | "own-metric";
  readonly tunnelSettings?: TunnelSettings;
  readonly tunnelLingerMs?: number;
  readonly firewall?: PlainFirewall;
  /** Path of nft(8). */
  readonly nft?: string;
  /** Without, nothing is probed. */
  readonly mtu?: { readonly intervalSeconds: number; readonly timeoutMs: number };
}

/** With prefixes as text. */
interface PlainFirewall {
  readonly settings: FirewallConfig["settings"];
  readonly podPools: readonly string[];
  readonly natOutgoing: readonly string[];
  readonly nodes: readonly string[];
}

function firewallConfig({ settings, podPools, natOutgoing, nodes }: PlainFirewall): FirewallConfig {
  const pools = natOutgoing.map((text) => ({ prefix: prefix(text), natOutgoing: true }));
  return { settings, podPools: podPools.map(prefix), pools, nodes };
}

const options = JSON.parse(process.argv[2] as string) as RunnerOptions;
const { mtu } = options;
const netlink = openKernelNetlink();
const felix = new Felix({
  nodeAddress: options.nodeAddress,
  podCidrs: options.podCidrs.map(prefix),
  podPools: (options.podPools ?? ["10.233.0.0/16"]).map(prefix),
  tunnel: options.tunnel ?? "ipip",
  secondAddress: options.secondAddress,
  encapsulation: options.encapsulation ?? "cross-subnet",
  protocol: 77,
  table: 254,
  metric: options.metric ?? 0,
  nextHopObjects: options.nextHopObjects ?? "never",
  conflicts: options.conflicts ?? "yield",
  tunnelSettings: options.tunnelSettings ?? defaultTunnelSettings,
  tunnelLingerMs: options.tunnelLingerMs ?? 10_000,
  ...(options.firewall !== undefined && { firewall: firewallConfig(options.firewall) }),
  nftables: { nft: nftProgram(options.nft), watch: watchNftables, legacyTables },
  ...(mtu !== undefined && {
    mtu: { probe: "auto", intervalSeconds: mtu.intervalSeconds },
    openPathProbe,
    pathProbeTimeoutMs: mtu.timeoutMs,
  }),
  netlink,
  sysctl: procSysctl,
  clock: nodeClock,
  logger,
});

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      key === "prefix" ? (inner as Prefix).text : inner,
    ) ?? "null",
  );
}

const methods: Record<string, (...values: unknown[]) => unknown> = {
  start: () => felix.start(),
  setRoute: (text, ...nextHops) =>
    felix.setRoute({ prefix: prefix(text), nextHops: nextHops.map(String) }),
  /** All in one turn. */
  setRoutes: (texts, ...nextHops) => {
    for (const text of texts as string[]) {
      felix.setRoute({ prefix: prefix(text), nextHops: nextHops.map(String) });
    }
  },
  removeRoute: (text) => felix.removeRoute(prefix(text)),
  setLocalPrefixes: (...texts) => felix.setLocalPrefixes(texts.map(prefix)),
  setPoolPolicies: (encapsulation, tunnel) =>
    felix.setPoolPolicies([], { encapsulation, tunnel } as PathPolicy),
  setNodeSubnets: (subnets) => {
    const texts = Object.entries(subnets as Record<string, string>);
    felix.setNodeSubnets(new Map(texts.map(([address, text]) => [address, prefix(text)])));
  },
  setTunnelSettings: (settings) => felix.setTunnelSettings(settings as TunnelSettings),
  setFirewall: (config) => felix.setFirewall(firewallConfig(config as PlainFirewall)),
  /** Gives a prefix to one list of next hops and the other by turns, each written before the next. */
  alternate: async (rounds, text, ...lists) => {
    for (let round = 0; round < Number(rounds); round++) {
      const nextHops = String(lists[round % lists.length]).split(" ");
      felix.setRoute({ prefix: prefix(text), nextHops });
      await felix.settled();
    }
  },
  pictureComplete: () => felix.pictureComplete(),
  settled: () => felix.settled(),
  status: () => felix.status(),
  routes: () => [...felix.routes()],
  explain: (address) => felix.explain(String(address)),
  stop: async (cleanup) => {
    await felix.stop({ cleanup: cleanup === true });
    netlink.close();
    process.stdin.destroy();
  },
};

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

felix.onChange((event) => say({ event: plain(event) }));
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, arguments: values } = JSON.parse(line) as Call;
  const answer = async (): Promise<unknown> => methods[method]?.(...values);
  answer().then(
    (result) => say({ id, result: plain(result) }),
    (error: unknown) => say({ id, error: String(error) }),
  );
});
