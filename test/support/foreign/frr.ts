import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon, stopAll } from "../daemon.ts";
import type { Namespace } from "../netns.ts";
import { run } from "../run.ts";
import { until } from "../until.ts";
import { communityText } from "./communities.ts";
import { frrConfig } from "./frr-config.ts";
import {
  familiesOf,
  type ForeignConfig,
  type ForeignRoute,
  type ForeignSpeaker,
  ipVersionOf,
  type IpVersion,
} from "./speaker.ts";

const FRR = "/usr/lib/frr";

/** FRRouting 8 as Debian packages it (frr): zebra and bgpd. */
export class Frr implements ForeignSpeaker {
  readonly kind = "frr";
  readonly #namespace: Namespace;
  readonly #directory: string;
  #config: ForeignConfig | undefined;
  #daemons: Daemon[] = [];

  /** @param directory is this daemon's alone; its path must be short, sockets live in it */
  constructor(namespace: Namespace, directory: string) {
    this.#namespace = namespace;
    this.#directory = directory;
  }

  async start(config: ForeignConfig): Promise<void> {
    mkdirSync(this.#directory, { recursive: true });
    this.#config = config;
    writeFileSync(this.#path("zebra.conf"), "hostname frr\n");
    writeFileSync(this.#path("bgpd.conf"), frrConfig(config));
    writeFileSync(this.#path("vtysh.conf"), "");
    const zebra = this.#spawn("zebra", []);
    await until("zebra to answer vtysh", async () => {
      zebra.assertAlive();
      return (await this.#vtysh("show version")).includes("FRRouting");
    });
    const bgpd = this.#spawn("bgpd", config.programKernel === true ? [] : ["-n"]);
    await until("bgpd to answer vtysh", async () => {
      bgpd.assertAlive();
      return (await this.#vtysh("show bgp summary json")).includes("peers");
    });
  }

  async stop(): Promise<void> {
    await stopAll(this.#daemons.splice(0).toReversed());
  }

  async kill(): Promise<void> {
    await Promise.all(this.#daemons.splice(0).map((daemon) => daemon.kill()));
  }

  freeze(frozen: boolean): void {
    for (const daemon of this.#daemons) daemon.signal(frozen ? "SIGSTOP" : "SIGCONT");
  }

  async routes(): Promise<readonly ForeignRoute[]> {
    const versions = new Set(this.#config?.peers.flatMap(familiesOf));
    const tables = await Promise.all([...versions].map((version) => this.#routesOf(version)));
    return tables.flat();
  }

  async #routesOf(version: IpVersion): Promise<readonly ForeignRoute[]> {
    const table = await this.#json<BgpTable>(`show bgp ipv${version} unicast json detail`);
    return Object.entries(table.routes ?? {}).flatMap(([prefix, paths]) =>
      paths.filter(isLearned).map((path) => routeOf(prefix, path)),
    );
  }

  detail(prefix: string): Promise<string> {
    return this.#vtysh(`show bgp ipv${ipVersionOf(prefix)} unicast ${prefix} json`);
  }

  async peerState(address: string): Promise<string> {
    return (await this.#neighbour(address))?.bgpState ?? "Idle";
  }

  async endOfRibReceived(address: string): Promise<boolean | undefined> {
    return (await this.#neighbour(address))?.gracefulRestartInfo?.endOfRibRecv?.["ipv4Unicast"];
  }

  announce(prefix: string): Promise<void> {
    return this.#network(prefix, `network ${prefix}`);
  }

  withdraw(prefix: string): Promise<void> {
    return this.#network(prefix, `no network ${prefix}`);
  }

  disable(address: string, message: string): Promise<void> {
    return this.#router(`neighbor ${address} shutdown message ${message}`);
  }

  enable(address: string): Promise<void> {
    return this.#router(`no neighbor ${address} shutdown`);
  }

  setPassword(address: string, password: string): Promise<void> {
    return this.#router(`neighbor ${address} password ${password}`);
  }

  async refresh(address: string): Promise<void> {
    await this.#vtysh(`clear bgp ipv4 unicast ${address} soft in`);
  }

  async lastDown(address: string): Promise<string> {
    const neighbour = await this.#neighbour(address);
    return `${neighbour?.lastNotificationReason} ${neighbour?.lastShutdownDescription}`;
  }

  log(): string {
    return this.#daemons.map((daemon) => daemon.log()).join("");
  }

  #network(prefix: string, line: string): Promise<void> {
    return this.#router(`address-family ipv${ipVersionOf(prefix)} unicast`, line);
  }

  async #router(...lines: readonly string[]): Promise<void> {
    await this.#vtysh("configure terminal", `router bgp ${this.#config?.asn}`, ...lines);
  }

  async #neighbour(address: string): Promise<BgpNeighbour | undefined> {
    return (await this.#json<Record<string, BgpNeighbour>>(`show bgp neighbors ${address} json`))[
      address
    ];
  }

  async #json<T>(command: string): Promise<T> {
    return JSON.parse(await this.#vtysh(command)) as T; // the shape is FRR's; every member we read is optional
  }

  #vtysh(...commands: readonly string[]): Promise<string> {
    const options = ["--vty_socket", this.#directory, "--config_dir", this.#directory];
    return run(["vtysh", ...options, ...commands.flatMap((command) => ["-c", command])]);
  }

  #spawn(name: string, options: readonly string[]): Daemon {
    const daemon = new Daemon({
      argv: this.#namespace.inside([
        `${FRR}/${name}`,
        "-f",
        this.#path(`${name}.conf`),
        "-i",
        this.#path(`${name}.pid`),
        "-z",
        this.#path("zserv.api"),
        "--vty_socket",
        this.#directory,
        "-P",
        "0",
        "-u",
        "root",
        "-g",
        "frrvty",
        "--log",
        "stdout",
        "--log-level",
        "debugging",
        ...options,
      ]),
      logFile: this.#path(`${name}.log`),
    });
    this.#daemons.push(daemon);
    return daemon;
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}

interface BgpTable {
  /** The paths of each prefix, behind something that is none. */
  readonly routes?: Readonly<Record<string, readonly BgpPath[]>>;
}
interface BgpPath {
  readonly aspath?: { readonly string?: string };
  readonly originatorId?: string;
  readonly clusterList?: { readonly list?: readonly string[] };
  readonly locPrf?: number;
  readonly metric?: number;
  readonly otc?: number;
  readonly community?: { readonly string?: string };
  readonly largeCommunity?: { readonly string?: string };
  readonly peer?: { readonly peerId?: string };
  readonly nexthops?: readonly { readonly ip?: string }[];
}
interface BgpNeighbour {
  readonly bgpState?: string;
  readonly lastNotificationReason?: string;
  readonly lastShutdownDescription?: string;
  readonly gracefulRestartInfo?: { readonly endOfRibRecv?: Readonly<Record<string, boolean>> };
}

function isLearned({ peer }: BgpPath): boolean {
  return peer !== undefined && peer.peerId !== "0.0.0.0";
}

function routeOf(prefix: string, path: BgpPath): ForeignRoute {
  const asPath = path.aspath?.string ?? "";
  return {
    prefix,
    nextHop: path.nexthops?.[0]?.ip ?? "",
    asPath:
      asPath === "Local"
        ? []
        : asPath
            .split(" ")
            .filter((word) => word !== "")
            .map(Number),
    ...(path.originatorId === undefined ? {} : { originatorId: path.originatorId }),
    ...(path.clusterList?.list === undefined ? {} : { clusterList: path.clusterList.list }),
    ...(path.locPrf === undefined ? {} : { localPreference: path.locPrf }),
    communities: path.community?.string?.split(" ").map(communityText) ?? [],
    largeCommunities: path.largeCommunity?.string?.split(" ") ?? [],
    ...(path.metric === undefined ? {} : { med: path.metric }),
    ...(path.otc === undefined ? {} : { onlyToCustomer: path.otc }),
  };
}
