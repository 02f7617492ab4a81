import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../daemon.ts";
import type { Namespace } from "../netns.ts";
import { run } from "../run.ts";
import { until } from "../until.ts";
import { communityText } from "./communities.ts";
import { birdConfig, birdProtocol } from "./bird-config.ts";
import {
  type ForeignConfig,
  type ForeignRoute,
  type ForeignSpeaker,
  withPassword,
} from "./speaker.ts";

/** BIRD 2, as Debian packages it (bird2). */
export class Bird implements ForeignSpeaker {
  readonly kind = "bird";
  readonly #namespace: Namespace;
  readonly #directory: string;
  #config: ForeignConfig | undefined;
  #daemon: Daemon | undefined;

  /** @param directory exists, and is this daemon's alone */
  constructor(namespace: Namespace, directory: string) {
    this.#namespace = namespace;
    this.#directory = directory;
  }

  async start(config: ForeignConfig): Promise<void> {
    mkdirSync(this.#directory, { recursive: true });
    this.#write(config);
    const daemon = new Daemon({
      argv: this.#namespace.inside([
        "bird",
        "-f",
        ...(config.restarted === true ? ["-R"] : []),
        "-c",
        this.#path("bird.conf"),
        "-s",
        this.#path("bird.ctl"),
      ]),
      logFile: this.#path("bird.log"),
    });
    this.#daemon = daemon;
    await until("BIRD to answer birdc", async () => {
      daemon.assertAlive();
      return (await this.#birdc("show status")).includes("Daemon is up and running");
    });
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
    return parseBirdRoutes(await this.#birdc("show route all where source = RTS_BGP"));
  }

  detail(prefix: string): Promise<string> {
    return this.#birdc(`show route all for ${prefix}`);
  }

  /** Has it a path to the prefix with so many AS numbers? */
  async hasPathOf(prefix: string, asns: number): Promise<boolean> {
    const found = await this.#birdc(`show route for ${prefix} where bgp_path.len = ${asns}`);
    return found.includes(prefix);
  }

  async peerState(address: string): Promise<string> {
    const text = await this.#birdc(`show protocols all ${birdProtocol(address)}`);
    return /BGP state:\s+(\w+)/.exec(text)?.[1] ?? "Idle";
  }

  endOfRibReceived(address: string): Promise<boolean> {
    return Promise.resolve(this.log().includes(`${birdProtocol(address)}: Got END-OF-RIB`));
  }

  announce(prefix: string): Promise<void> {
    return this.#reconfigure((prefixes) => [...prefixes, prefix]);
  }

  withdraw(prefix: string): Promise<void> {
    return this.#reconfigure((prefixes) => prefixes.filter((other) => other !== prefix));
  }

  async disable(address: string, message: string): Promise<void> {
    await run([...this.#client, "disable", birdProtocol(address), `"${message}"`]);
  }

  async enable(address: string): Promise<void> {
    await this.#birdc(`enable ${birdProtocol(address)}`);
  }

  async refresh(address: string): Promise<void> {
    await this.#birdc(`reload in ${birdProtocol(address)}`);
  }

  lastDown(address: string): Promise<string> {
    const received =
      this.log()
        .split(`${birdProtocol(address)}: Received: `)
        .at(-1) ?? "";
    return Promise.resolve(received.split("\n")[0] ?? "");
  }

  log(): string {
    return this.#daemon?.log() ?? "";
  }

  setPassword(address: string, password: string): Promise<void> {
    return this.#configure(withPassword(this.#config, address, password));
  }

  #reconfigure(change: (prefixes: readonly string[]) => readonly string[]): Promise<void> {
    if (this.#config === undefined) throw new Error("BIRD is not started");
    return this.#configure({ ...this.#config, originate: change(this.#config.originate) });
  }

  async #configure(config: ForeignConfig): Promise<void> {
    this.#write(config);
    const answer = await this.#birdc("configure");
    if (!/Reconfigured|Reconfiguration in progress/.test(answer))
      throw new Error(`birdc configure: ${answer}`);
  }

  #write(config: ForeignConfig): void {
    this.#config = config;
    writeFileSync(this.#path("bird.conf"), birdConfig(config));
  }

  #birdc(command: string): Promise<string> {
    return run([...this.#client, ...command.split(" ")]);
  }

  get #client(): readonly string[] {
    return ["birdc", "-s", this.#path("bird.ctl")];
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}

/** Reads `show route all`: an unindented line starts a path (a blank prefix repeats the last), `BGP.x:` lines describe it. */
function parseBirdRoutes(text: string): readonly ForeignRoute[] {
  const routes: ForeignRoute[] = [];
  let prefix = "";
  let attributes = new Map<string, string>();
  let name = "";
  const flush = (): void => {
    // A link-local one comes behind the global one.
    const [nextHop] = attributes.get("next_hop")?.split(" ") ?? [];
    if (nextHop !== undefined) routes.push(routeOf(prefix, nextHop, attributes));
    attributes = new Map();
  };
  for (const line of text.split("\n")) {
    const head = /^([\da-f]\S*)?\s+unicast \[|^([\da-f]\S*)?\s+unreachable \[/.exec(line);
    if (head !== null) {
      flush();
      prefix = head[1] ?? head[2] ?? prefix;
    }
    const attribute = /^\s+BGP\.(\w+):\s*(.*)$/.exec(line);
    if (attribute !== null) {
      name = attribute[1] ?? "";
      attributes.set(name, attribute[2] ?? "");
    }
    // A long list goes on in the next line.
    const more = /^\t\t(\S.*)$/.exec(line)?.[1];
    if (more !== undefined) attributes.set(name, `${attributes.get(name)} ${more}`);
  }
  flush();
  return routes;
}

function routeOf(
  prefix: string,
  nextHop: string,
  attributes: ReadonlyMap<string, string>,
): ForeignRoute {
  const words = (name: string): readonly string[] =>
    (attributes.get(name) ?? "").split(/\s+/).filter((word) => word !== "");
  const originatorId = attributes.get("originator_id");
  const localPreference = attributes.get("local_pref");
  const [med, onlyToCustomer] = [attributes.get("med"), attributes.get("otc")];
  // "(65000,1) (65000,2)"
  const tuples = (name: string): readonly string[] =>
    [...(attributes.get(name) ?? "").matchAll(/\(([^)]*)\)/g)].map(([, tuple = ""]) =>
      tuple.replaceAll(/,\s*/g, ":"),
    );
  return {
    prefix,
    nextHop,
    asPath: words("as_path").map(Number),
    ...(originatorId === undefined ? {} : { originatorId }),
    ...(attributes.has("cluster_list") ? { clusterList: words("cluster_list") } : {}),
    ...(localPreference === undefined ? {} : { localPreference: Number(localPreference) }),
    communities: [...(attributes.get("community") ?? "").matchAll(/\((\d+),(\d+)\)/g)].map(
      ([, high, low]) => communityText(`${high}:${low}`),
    ),
    largeCommunities: tuples("large_community"),
    ...(med === undefined ? {} : { med: Number(med) }),
    ...(onlyToCustomer === undefined ? {} : { onlyToCustomer: Number(onlyToCustomer) }),
  };
}
