import { communityText } from "./communities.ts";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
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
  nextHopOf,
  withPassword,
} from "./speaker.ts";

/** GoBGP 3.10 as Debian packages it (gobgpd). It has a RIB but writes no kernel routes. */
export class GoBgp implements ForeignSpeaker {
  readonly kind = "gobgp";
  readonly #namespace: Namespace;
  readonly #directory: string;
  #config: ForeignConfig | undefined;
  #daemon: Daemon | undefined;

  constructor(namespace: Namespace, directory: string) {
    this.#namespace = namespace;
    this.#directory = directory;
  }

  async start(config: ForeignConfig): Promise<void> {
    mkdirSync(this.#directory, { recursive: true });
    this.#config = config;
    const file = this.#file;
    writeFileSync(file, gobgpConfig(config));
    rmSync(join(this.#directory, "api.sock"), { force: true }); // of a life that was killed
    const daemon = new Daemon({
      argv: this.#namespace.inside([
        "gobgpd",
        "-f",
        file,
        ...(config.restarted === true ? ["-r"] : []),
        "-l",
        "debug",
        "-p",
        "--pprof-disable",
        "--api-hosts",
        this.#target,
      ]),
      logFile: join(this.#directory, "gobgpd.log"),
    });
    this.#daemon = daemon;
    await until("gobgpd to answer gobgp", async () => {
      daemon.assertAlive();
      return (await this.#gobgp("global")).includes(config.routerId);
    });
    for (const prefix of config.originate) await this.announce(prefix);
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill();
  }

  freeze(frozen: boolean): void {
    this.#daemon?.signal(frozen ? "SIGSTOP" : "SIGCONT");
  }

  async routes(): Promise<readonly ForeignRoute[]> {
    const tables = await Promise.all(
      ["ipv4", "ipv6"].map((family) => this.#gobgp(`global rib -a ${family} -j`)),
    );
    const prefixes = tables.flatMap((table) =>
      Object.entries(JSON.parse(table) as Record<string, readonly RibPath[]>),
    ); // GoBGP's shape
    return prefixes.flatMap(([prefix, paths]) =>
      paths
        .filter((path) => path["neighbor-ip"] !== undefined)
        .map((path) => routeOf(prefix, path)),
    );
  }

  async peerState(address: string): Promise<string> {
    return STATES[(await this.#neighbour(address))?.state.session_state ?? 1] ?? "Idle";
  }

  async endOfRibReceived(address: string): Promise<boolean> {
    const families = (await this.#neighbour(address))?.afi_safis ?? [];
    return families.some(
      (family) => family.mp_graceful_restart?.state?.end_of_rib_received === true,
    );
  }

  async announce(prefix: string): Promise<void> {
    const { standard, large } = communitiesOf(this.#config as ForeignConfig); // #path has looked
    const marks = [
      ...(standard.length === 0 ? [] : [` community ${standard.join(",")}`]),
      ...(large.length === 0 ? [] : [` large-community ${large.join(",")}`]),
    ];
    await this.#gobgp(`global rib add ${this.#path(prefix)} origin igp${marks.join("")}`);
  }

  detail(prefix: string): Promise<string> {
    return this.#gobgp(`global rib -a ipv${ipVersionOf(prefix)} ${prefix} -j`);
  }

  async withdraw(prefix: string): Promise<void> {
    await this.#gobgp(`global rib del ${this.#path(prefix)}`);
  }

  #path(prefix: string): string {
    if (this.#config === undefined) throw new Error("GoBGP is not started");
    return `-a ipv${ipVersionOf(prefix)} ${prefix} nexthop ${nextHopOf(this.#config, prefix)}`;
  }

  /** `disable` alone loses the text; `shutdown` alone lets the session come back. */
  async disable(address: string, message: string): Promise<void> {
    const command = ["neighbor", address, "shutdown", "--reason", message];
    await run(["gobgp", "--target", this.#target, ...command]);
    await this.#gobgp(`neighbor ${address} disable`);
  }

  async enable(address: string): Promise<void> {
    await this.#gobgp(`neighbor ${address} enable`);
  }

  setPassword(address: string, password: string): Promise<void> {
    this.#config = withPassword(this.#config, address, password);
    writeFileSync(this.#file, gobgpConfig(this.#config));
    this.#daemon?.signal("SIGHUP");
    return Promise.resolve();
  }

  refresh(): Promise<void> {
    return Promise.reject(new Error("GoBGP asks nobody: it keeps what it was sent"));
  }

  lastDown(address: string): Promise<string> {
    const lines = this.log()
      .split("\n")
      .filter((line) => line.includes(address));
    return Promise.resolve(lines.findLast((line) => line.includes("Communicated-Reason")) ?? "");
  }

  log(): string {
    return this.#daemon?.log() ?? "";
  }

  async #neighbour(address: string): Promise<Neighbour | undefined> {
    const all = JSON.parse(await this.#gobgp("neighbor -j")) as readonly Neighbour[]; // GoBGP's shape
    return all.find(({ state }) => state.neighbor_address?.replace(/%.*/, "") === address);
  }

  get #file(): string {
    return join(this.#directory, "gobgpd.toml");
  }

  get #target(): string {
    return `unix://${join(this.#directory, "api.sock")}`;
  }

  #gobgp(command: string): Promise<string> {
    return run(["gobgp", "--target", this.#target, ...command.split(" ")]);
  }
}

/** GoBGP's enum of session states, in its order. */
const STATES = [
  "Unknown",
  "Idle",
  "Connect",
  "Active",
  "OpenSent",
  "OpenConfirm",
  "Established",
] as const;

interface Neighbour {
  readonly state: { readonly neighbor_address?: string; readonly session_state?: number };
  readonly afi_safis?: readonly {
    readonly mp_graceful_restart?: { readonly state?: { readonly end_of_rib_received?: boolean } };
  }[];
}
interface RibAttribute {
  readonly type: number;
  readonly value?: unknown;
  readonly nexthop?: string;
  readonly communities?: readonly number[];
  readonly metric?: number;
  readonly as_paths?: readonly { readonly asns?: readonly number[] }[];
}
interface LargeCommunity {
  readonly ASN: number;
  readonly LocalData1: number;
  readonly LocalData2: number;
}
interface RibPath {
  readonly attrs?: readonly RibAttribute[];
  readonly "neighbor-ip"?: string;
}

function routeOf(prefix: string, path: RibPath): ForeignRoute {
  const attribute = (code: number): RibAttribute | undefined =>
    path.attrs?.find(({ type }) => type === code);
  const originatorId = attribute(9)?.value;
  const clusterList = attribute(10)?.value;
  const localPreference = attribute(5)?.value;
  const med = attribute(4)?.metric;
  return {
    prefix,
    nextHop: attribute(3)?.nexthop ?? attribute(14)?.nexthop ?? "",
    asPath: attribute(2)?.as_paths?.flatMap((segment) => segment.asns ?? []) ?? [],
    ...(typeof originatorId === "string" ? { originatorId } : {}),
    ...(Array.isArray(clusterList) ? { clusterList: clusterList.map(String) } : {}),
    ...(typeof localPreference === "number" ? { localPreference } : {}),
    communities: attribute(8)?.communities?.map(communityText) ?? [],
    largeCommunities: ((attribute(32)?.value ?? []) as readonly LargeCommunity[]).map(
      ({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`,
    ),
    ...(med === undefined ? {} : { med }),
  };
}

/** A link-local address with the device that its peers are on. */
function ownAddress({ address, peers }: ForeignConfig): string {
  const device = peers.find((peer) => peer.device !== undefined)?.device;
  return address.startsWith("fe80:") && device !== undefined ? `${address}%${device}` : address;
}

function gobgpConfig(config: ForeignConfig): string {
  return `[global.config]
as = ${config.asn}
router-id = "${config.routerId}"
port = 179
local-address-list = ["${config.address.startsWith("fe80:") ? "::" : config.address}"]
${config.peers.map((peer) => neighbourBlock(config, peer)).join("")}`;
}

function transportOf({ ttlSecurity, multihop }: ForeignPeer): string {
  return [
    ...(ttlSecurity === undefined
      ? []
      : ["[neighbors.ttl-security.config]", "enabled = true", `ttl-min = ${256 - ttlSecurity}\n`]),
    ...(multihop === undefined
      ? []
      : ["[neighbors.ebgp-multihop.config]", "enabled = true", `multihop-ttl = ${multihop}\n`]),
  ].join("\n");
}

function neighbourBlock(config: ForeignConfig, peer: ForeignPeer): string {
  const reflector = `[neighbors.route-reflector.config]
route-reflector-client = true
route-reflector-cluster-id = "${config.routerId}"
`;
  return `
[[neighbors]]
[neighbors.config]
neighbor-address = "${peer.address}${peer.device === undefined ? "" : `%${peer.device}`}"
peer-as = ${peer.asn}
auth-password = "${peer.password ?? ""}"
${transportOf(peer)}[neighbors.timers.config]
hold-time = ${config.holdTimeSeconds}
keepalive-interval = ${Math.max(1, Math.floor(config.holdTimeSeconds / 3))}
connect-retry = ${peer.connectRetrySeconds ?? 1}
idle-hold-time-after-reset = 1
[neighbors.transport.config]
local-address = "${ownAddress(config)}"
passive-mode = ${peer.passive === true}
${peer.reflectorClient === true ? reflector : ""}[neighbors.graceful-restart.config]
enabled = true
${restartOf(peer)}${familiesOf(peer)
  .map(
    (version) => `[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv${version}-unicast"
[neighbors.afi-safis.mp-graceful-restart.config]
enabled = true
${longLivedOf(peer)}${addPathOf(peer)}`,
  )
  .join("")}`;
}

function restartOf({ gracefulRestartSeconds, longLivedSeconds }: ForeignPeer): string {
  return [
    `restart-time = ${gracefulRestartSeconds ?? 20}`,
    // As its peers do that have it by themselves.
    ...(gracefulRestartSeconds === undefined ? [] : ["notification-enabled = true"]),
    ...(longLivedSeconds === undefined ? [] : ["long-lived-enabled = true"]),
    "",
  ].join("\n");
}

function addPathOf({ addPath }: ForeignPeer): string {
  if (addPath === undefined) return "";
  const direction = addPath === "send" ? "send-max = 8" : "receive = true";
  return `[neighbors.afi-safis.add-paths.config]\n${direction}\n`;
}

function longLivedOf({ longLivedSeconds }: ForeignPeer): string {
  if (longLivedSeconds === undefined) return "";
  return `[neighbors.afi-safis.long-lived-graceful-restart.config]
enabled = true
restart-time = ${longLivedSeconds}
`;
}
