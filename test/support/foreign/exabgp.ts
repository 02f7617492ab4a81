import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../daemon.ts";
import type { Namespace } from "../netns.ts";
import { until } from "../until.ts";
import { type ExaBgpEvent, lastDownIn, readAdjRibIn, stateIn } from "./exabgp-events.ts";
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

/**
 * ExaBGP 4, as Debian packages it (exabgp). It has neither RIB nor policy: it sends what it is told to, and reports each message
 * that it gets as a line of JSON, from which `routes` and `peerState` are read.
 */
export class ExaBgp implements ForeignSpeaker {
  readonly kind = "exabgp";
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
    for (const file of ["commands", "events.jsonl"]) writeFileSync(this.#path(file), "");
    writeFileSync(this.#path("api.sh"), apiScript(this.#directory));
    this.#write(config);
    const daemon = new Daemon({
      argv: this.#namespace.inside(["exabgp", this.#path("exabgp.conf")]),
      logFile: this.#path("exabgp.log"),
      environment: {
        exabgp_daemon_user: "root",
        exabgp_api_cli: "false",
        ...(config.peers.some(({ passive }) => passive) && { exabgp_tcp_bind: config.address }),
      },
    });
    this.#daemon = daemon;
    for (const prefix of config.originate) await this.announce(prefix);
    await until("ExaBGP to read its configuration", () => {
      daemon.assertAlive();
      return this.log().includes("loaded new configuration successfully");
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

  routes(): Promise<readonly ForeignRoute[]> {
    return Promise.resolve(readAdjRibIn(this.#events()));
  }

  /** The last report that names the prefix. */
  detail(prefix: string): Promise<string> {
    const events = this.#events().map((event) => JSON.stringify(event));
    return Promise.resolve(events.findLast((text) => text.includes(`"${prefix}"`)) ?? "");
  }

  peerState(address: string): Promise<string> {
    return Promise.resolve(stateIn(this.#events(), address));
  }

  endOfRibReceived(address: string): Promise<boolean> {
    const isEndOfRib = ({ neighbor }: ExaBgpEvent): boolean =>
      neighbor?.address?.peer === address && neighbor.message?.eor !== undefined;
    return Promise.resolve(this.#events().some(isEndOfRib));
  }

  announce(prefix: string): Promise<void> {
    return Promise.resolve(this.command(`announce ${this.#route(prefix)}`));
  }

  withdraw(prefix: string): Promise<void> {
    return Promise.resolve(this.command(`withdraw ${this.#route(prefix)}`));
  }

  #route(prefix: string): string {
    const config = this.#config as ForeignConfig; // of a daemon that was started
    const hop = config.nextHops?.[ipVersionOf(prefix)] ?? "self";
    const { standard, large } = communitiesOf(config);
    const marks = [
      ...(standard.length === 0 ? [] : [` community [ ${standard.join(" ")} ]`]),
      ...(large.length === 0 ? [] : [` large-community [ ${large.join(" ")} ]`]),
    ];
    return `route ${prefix} next-hop ${hop}${marks.join("")}`;
  }

  /** Ends the session only: ExaBGP comes back by itself, and sends no text. */
  disable(address: string): Promise<void> {
    return Promise.resolve(this.command(`neighbor ${address} teardown 2`));
  }

  enable(): Promise<void> {
    return Promise.resolve();
  }

  refresh(address: string): Promise<void> {
    return Promise.resolve(this.command(`neighbor ${address} announce route-refresh ipv4 unicast`));
  }

  setPassword(address: string, password: string): Promise<void> {
    this.#write(withPassword(this.#config, address, password));
    this.#daemon?.signal("SIGUSR1");
    return Promise.resolve();
  }

  #write(config: ForeignConfig): void {
    this.#config = config;
    writeFileSync(this.#path("exabgp.conf"), exaBgpConfig(config, this.#path("api.sh")));
  }

  lastDown(address: string): Promise<string> {
    return Promise.resolve(lastDownIn(this.#events(), address));
  }

  /** Anything of ExaBGP's API: `announce route 10.0.0.0/24 next-hop self med 5`. */
  command(line: string): void {
    appendFileSync(this.#path("commands"), `${line}\n`);
  }

  log(): string {
    return this.#daemon?.log() ?? "";
  }

  /** What ExaBGP has reported so far; a line that is still being written waits for the next look. */
  #events(): readonly ExaBgpEvent[] {
    const file = this.#path("events.jsonl");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
    return (
      lines
        .filter((line) => line.startsWith("{"))
        // The data of a NOTIFICATION stand there as they are.
        .map((line) => JSON.parse(line.replaceAll(/\p{Cc}/gu, " ")) as ExaBgpEvent)
    ); // ExaBGP's shape; every member we read is optional
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}

/** ExaBGP's helper process: its input goes to a file, its output comes from another as that grows. */
function apiScript(directory: string): string {
  return `exec 3<&0
cat <&3 >> ${directory}/events.jsonl &
exec tail -n +1 -f --pid=$PPID ${directory}/commands
`;
}

function exaBgpConfig(config: ForeignConfig, script: string): string {
  return `process api {
  run /bin/sh ${script};
  encoder json;
}
${config.peers.map((peer) => neighbourBlock(config, peer)).join("")}`;
}

function neighbourBlock(config: ForeignConfig, peer: ForeignPeer): string {
  return `neighbor ${peer.address} {
  router-id ${config.routerId};
  local-address ${config.address};
  local-as ${config.asn};
  peer-as ${peer.asn};
  hold-time ${config.holdTimeSeconds};
${peer.passive === true ? "  passive true;\n" : ""}${
  peer.password === undefined ? "" : `  md5-password '${peer.password}';\n`
}${
  peer.ttlSecurity === undefined
    ? ""
    : `  outgoing-ttl 255;\n  incoming-ttl ${256 - peer.ttlSecurity};\n`
}${peer.multihop === undefined ? "" : `  outgoing-ttl ${peer.multihop};\n`}  capability {
    asn4 ${peer.twoOctetAs === true ? "disable" : "enable"};
    route-refresh enable;
    graceful-restart 20;
${peer.addPath === undefined ? "" : `    add-path ${peer.addPath};\n`}${
  peer.extendedNextHop === true ? "    nexthop enable;\n" : ""
}  }
${peer.extendedNextHop === true ? "  nexthop { ipv4 unicast ipv6; }\n" : ""}  family {${familiesOf(
    peer,
  )
    .map((version) => ` ipv${version} unicast;`)
    .join("")} }
  api {
    processes [ api ];
    neighbor-changes;
    receive { parsed; update; open; }
  }
}
`;
}
