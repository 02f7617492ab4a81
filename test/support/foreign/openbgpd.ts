import { communityText } from "./communities.ts";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../daemon.ts";
import type { Namespace } from "../netns.ts";
import { run } from "../run.ts";
import { until } from "../until.ts";
import {
  communitiesOf,
  familiesOf,
  type ForeignConfig,
  type ForeignPeer,
  type ForeignRoute,
  type ForeignSpeaker,
  ipVersionOf,
  withPassword,
} from "./speaker.ts";

/** Where bgpd locks its unprivileged processes in: the home of its user, which its service unit would make. */
const CHROOT = "/run/openbgpd";

/** OpenBGPD 7, as Debian packages it (openbgpd). It writes no kernel routes here. */
export class OpenBgpd implements ForeignSpeaker {
  readonly kind = "openbgpd";
  readonly #namespace: Namespace;
  readonly #directory: string;
  #config: ForeignConfig | undefined;
  #daemon: Daemon | undefined;

  /** @param directory is this daemon's alone; its path must be short, a socket lives in it */
  constructor(namespace: Namespace, directory: string) {
    this.#namespace = namespace;
    this.#directory = directory;
  }

  async start(config: ForeignConfig): Promise<void> {
    mkdirSync(this.#directory, { recursive: true });
    mkdirSync(CHROOT, { recursive: true, mode: 0o755 });
    this.#write(config);
    const daemon = new Daemon({
      argv: this.#namespace.inside(["bgpd", "-d", "-v", "-f", this.#file]),
      logFile: join(this.#directory, "bgpd.log"),
    });
    this.#daemon = daemon;
    await until("bgpd to answer bgpctl", async () => {
      daemon.assertAlive();
      return (await this.#bgpctl("show", "summary")).includes("Neighbor");
    });
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill();
  }

  freeze(frozen: boolean): void {
    this.#daemon?.signalGroup(frozen ? "SIGSTOP" : "SIGCONT");
  }

  async routes(): Promise<readonly ForeignRoute[]> {
    const { rib = [] } = JSON.parse(
      await this.#bgpctl("-j", "show", "rib", "in", "detail"),
    ) as RibAnswer; // bgpctl's shape; every member we read is optional
    return rib.filter(({ neighbor }) => neighbor?.remote_addr !== "???").map(routeOf);
  }

  async peerState(address: string): Promise<string> {
    return (await this.#neighbour(address))?.state ?? "Idle";
  }

  async endOfRibReceived(address: string): Promise<boolean> {
    return ((await this.#neighbour(address))?.stats?.update?.received?.eor ?? 0) > 0;
  }

  async announce(prefix: string): Promise<void> {
    await this.#bgpctl("network", "add", prefix);
  }

  async withdraw(prefix: string): Promise<void> {
    await this.#bgpctl("network", "delete", prefix);
  }

  async disable(address: string, message: string): Promise<void> {
    await this.#bgpctl("neighbor", address, "down", message);
  }

  async enable(address: string): Promise<void> {
    await this.#bgpctl("neighbor", address, "up");
  }

  detail(prefix: string): Promise<string> {
    return this.#bgpctl("-j", "show", "rib", "detail", prefix);
  }

  async setPassword(address: string, password: string): Promise<void> {
    this.#write(withPassword(this.#config, address, password));
    await this.#bgpctl("reload");
  }

  async refresh(address: string): Promise<void> {
    await this.#bgpctl("neighbor", address, "refresh");
  }

  async lastDown(address: string): Promise<string> {
    const neighbour = await this.#neighbour(address);
    return `${neighbour?.last_error_received} ${neighbour?.last_shutdown_reason}`;
  }

  log(): string {
    return this.#daemon?.log() ?? "";
  }

  async #neighbour(address: string): Promise<Neighbour | undefined> {
    const answer = JSON.parse(await this.#bgpctl("-j", "show", "neighbor")) as {
      readonly neighbors?: readonly Neighbour[];
    }; // bgpctl's shape
    // bgpctl, outside of the namespace, has other names for devices.
    return answer.neighbors?.find((peer) => peer.remote_addr?.replace(/%.*/, "") === address);
  }

  #write(config: ForeignConfig): void {
    this.#config = config;
    writeFileSync(this.#file, openBgpdConfig(config, this.#socket), { mode: 0o600 });
  }

  get #file(): string {
    return join(this.#directory, "bgpd.conf");
  }

  get #socket(): string {
    return join(this.#directory, "bgpd.sock");
  }

  #bgpctl(...words: readonly string[]): Promise<string> {
    return run(["bgpctl", "-s", this.#socket, ...words]);
  }
}

interface Neighbour {
  readonly remote_addr?: string;
  readonly state?: string;
  readonly last_error_received?: string;
  readonly last_shutdown_reason?: string;
  readonly stats?: { readonly update?: { readonly received?: { readonly eor?: number } } };
}
interface RibEntry {
  readonly prefix?: string;
  readonly aspath?: string;
  readonly exit_nexthop?: string;
  readonly localpref?: number;
  readonly metric?: number;
  readonly communities?: readonly string[];
  readonly large_communities?: readonly string[];
  readonly neighbor?: { readonly remote_addr?: string };
  readonly attributes?: readonly {
    readonly originator?: string;
    readonly cluster_list?: readonly string[];
    readonly as?: number;
    readonly type?: string;
  }[];
}
interface RibAnswer {
  readonly rib?: readonly RibEntry[];
}

function routeOf(entry: RibEntry): ForeignRoute {
  const { prefix = "", aspath = "", exit_nexthop: nextHop = "", localpref } = entry;
  const originator = entry.attributes?.find((attribute) => attribute.originator)?.originator;
  const clusterList = entry.attributes?.find((attribute) => attribute.cluster_list)?.cluster_list;
  const onlyToCustomer = entry.attributes?.find(({ type }) => type === "OTC")?.as;
  return {
    prefix,
    nextHop,
    asPath: aspath
      .split(" ")
      .filter((word) => word !== "")
      .map(Number),
    ...(originator === undefined ? {} : { originatorId: originator }),
    ...(clusterList === undefined ? {} : { clusterList }),
    ...(localpref === undefined ? {} : { localPreference: localpref }),
    communities: entry.communities?.map(communityText) ?? [],
    largeCommunities: entry.large_communities ?? [],
    ...(entry.metric === undefined ? {} : { med: entry.metric }),
    ...(onlyToCustomer === undefined ? {} : { onlyToCustomer }),
  };
}

function openBgpdConfig(config: ForeignConfig, socket: string): string {
  const retrySeconds = Math.min(...config.peers.map((peer) => peer.connectRetrySeconds ?? 1));
  const { standard, large } = communitiesOf(config);
  return [
    `AS ${config.asn}`,
    `router-id ${config.routerId}`,
    `listen on ${zoned(config.address, config.peers[0])}`,
    `socket "${socket}"`,
    `holdtime ${config.holdTimeSeconds}`,
    "holdtime min 3",
    `connect-retry ${retrySeconds}`,
    "fib-update no",
    ...config.originate.map((prefix) => {
      const hop = config.nextHops?.[ipVersionOf(prefix)];
      const marks = [
        ...(hop === undefined ? [] : [`nexthop ${hop}`]),
        ...standard.map((community) => `community ${community}`),
        ...large.map((community) => `large-community ${community}`),
      ];
      return `network ${prefix}${marks.length === 0 ? "" : ` set { ${marks.join(" ")} }`}`;
    }),
    ...config.peers.map((peer) => neighbourBlock(config, peer)),
    "allow from any",
    "allow to any",
    // Else it puts its own address in their place.
    ...(config.nextHops === undefined ? [] : ["match to any set nexthop no-modify"]),
    "",
  ].join("\n");
}

/** A link-local address with the device that it is on. */
function zoned(address: string, peer: ForeignPeer | undefined): string {
  const isLinkLocal = address.startsWith("fe80:") && peer?.device !== undefined;
  return isLinkLocal ? `${address}%${peer.device}` : address;
}

function neighbourBlock(config: ForeignConfig, peer: ForeignPeer): string {
  // To a neighbour on the segment it sends no next hop but its own, which of the other IP version it takes to be ::1.
  const isMixed = familiesOf(peer).some((version) => version !== ipVersionOf(peer.address));
  const multihop = peer.multihop ?? (isMixed ? 2 : undefined);
  const lines = [
    `remote-as ${peer.asn}`,
    `local-address ${zoned(config.address, peer)}`,
    ...([4, 6] as const).map(
      (version) =>
        `announce IPv${version} ${familiesOf(peer).includes(version) ? "unicast" : "none"}`,
    ),
    ...(peer.passive === true ? ["passive"] : []),
    ...(peer.reflectorClient === true ? ["route-reflector"] : []),
    ...(peer.twoOctetAs === true ? ["announce as-4byte no"] : []),
    ...(peer.enhancedRefresh === true ? ["announce enhanced refresh yes"] : []),
    ...(peer.addPath === "send" ? ["announce add-path send all"] : []),
    ...(peer.addPath === "receive" ? ["announce add-path recv yes"] : []),
    ...(peer.role === undefined ? [] : [`announce policy ${peer.role}`]),
    ...(peer.password === undefined ? [] : [`tcp md5sig password ${peer.password}`]),
    ...(peer.ttlSecurity === undefined ? [] : ["ttl-security yes"]),
    ...(multihop === undefined ? [] : [`multihop ${multihop}`]),
  ];
  return [`neighbor ${zoned(peer.address, peer)} {`, ...lines.map((line) => `  ${line}`), "}"].join(
    "\n",
  );
}
