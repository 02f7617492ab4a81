import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { type ManagementConnection, connect } from "../../src/api/connect.ts";
import type { FibEntry } from "../../src/gen/margay/v1/fib_pb.ts";
import type { PeerAction } from "../../src/gen/margay/v1/management_pb.ts";
import type { Peer } from "../../src/gen/margay/v1/peer_pb.ts";
import type { Route } from "../../src/gen/margay/v1/route_pb.ts";
import type { Status } from "../../src/gen/margay/v1/status_pb.ts";
import { nodeClock } from "../../src/platform/node-clock.ts";
import { Daemon } from "./daemon.ts";
import type { Namespace } from "./netns.ts";
import { type Finished, SLOWNESS, attempt } from "./run.ts";
import { until } from "./until.ts";

/** Where this project is. */
export const PROJECT: string = fileURLToPath(new URL("../..", import.meta.url));

/** Is it the built program that is tested, as CI does, rather than the sources? */
const isBuilt = process.env["MARGAY_PROGRAM"] === "dist";

/** argv of the program, which is in `place`. */
export function margayCommand(args: readonly string[], place = PROJECT): readonly string[] {
  if (isBuilt) return [process.execPath, join(place, "bin/margay.js"), ...args];
  const load = `import(${JSON.stringify(join(place, "src/cli/main.ts"))}).then((cli) => cli.main(process.argv.slice(1)))`;
  return [process.execPath, "-e", load, "--", ...args];
}

/** Puts the same program into a directory as another version. */
export function copyAsVersion(version: string, directory: string): void {
  const from = (path: string): string => join(PROJECT, path);
  for (const part of isBuilt ? ["bin", "dist"] : ["src"]) {
    cpSync(from(part), join(directory, part), { recursive: true });
  }
  const description = JSON.parse(readFileSync(from("package.json"), "utf8")) as object;
  writeFileSync(join(directory, "package.json"), JSON.stringify({ ...description, version }));
  symlinkSync(from("node_modules"), join(directory, "node_modules"));
}

let recordings = 0;

/** Where this daemon is recorded, if MARGAY_INTEROP_RECORD names a directory: `mesh-03-node.rec` for the third of a test file. */
function recordingFile(verb: string): string | undefined {
  const directory = process.env["MARGAY_INTEROP_RECORD"];
  if (directory === undefined || directory === "") return undefined;
  const test = basename(process.argv[1] ?? "", ".test.ts");
  return join(directory, `${test}-${String(++recordings).padStart(2, "0")}-${verb}.rec`);
}

interface StartOptions {
  /** More of its command line. */
  readonly options?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A margay daemon in a namespace: `margay node`, `speaker`, `felix` or `reflector`. */
export class Margay {
  readonly socket: string;
  readonly namespace: Namespace;
  readonly directory: string;
  /** Where the program is that starts next. */
  program: string = PROJECT;
  readonly #logFile: string;
  #daemon: Daemon | undefined;
  #connection: ManagementConnection | undefined;

  /**
   * @param directory is this node's alone; configuration, log and socket live there
   * @param name of socket and log: `felix` for the programmer beside a speaker
   */
  constructor(namespace: Namespace, directory: string, name = "margay") {
    this.namespace = namespace;
    this.directory = directory;
    this.socket = join(directory, `${name}.sock`);
    this.#logFile = join(directory, `${name}.log`);
    mkdirSync(directory, { recursive: true });
  }

  /** Writes node.yaml (its api.socket is ours) and cluster.yaml, as the configuration files spell them. */
  configure(node: Readonly<Record<string, unknown>>, cluster: unknown): void {
    const file = { ...node, cluster: { file: "cluster.yaml" }, api: { socket: this.socket } };
    writeFileSync(join(this.directory, "cluster.yaml"), stringify(cluster));
    writeFileSync(this.configFile, stringify(file));
  }

  get configFile(): string {
    return join(this.directory, "node.yaml");
  }

  /** Starts `margay node`; resolves when its API answers. */
  startNode(): Promise<void> {
    return this.start(["node", "--config", this.configFile]);
  }

  /** Writes the file of `margay speaker`; its api.socket is ours. */
  configureSpeaker(file: Readonly<Record<string, unknown>>): void {
    writeFileSync(this.#speakerFile, stringify({ ...file, api: { socket: this.socket } }));
  }

  /** Starts `margay speaker` with this configuration; resolves when its API answers. */
  startSpeaker(
    file: Readonly<Record<string, unknown>>,
    { options = [], environment = {} }: StartOptions = {},
  ): Promise<void> {
    this.configureSpeaker(file);
    return this.start(["speaker", "--config", this.#speakerFile, ...options], environment);
  }

  get #speakerFile(): string {
    return join(this.directory, "speaker.yaml");
  }

  /** Starts `margay reflector` with these arguments and our socket; resolves when its API answers. */
  startReflector(args: readonly string[]): Promise<void> {
    return this.start(["reflector", ...args, "--socket", this.socket]);
  }

  async start(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const recording = recordingFile(args[0] ?? "");
    const all = recording === undefined ? args : [...args, "--record", recording];
    const daemon = new Daemon({
      argv: this.namespace.inside(margayCommand(all, this.program)),
      logFile: this.#logFile,
      environment,
    });
    this.#daemon = daemon;
    await until(`margay ${args[0]} to answer on ${this.socket}`, async () => {
      daemon.assertAlive();
      return (await this.status()).nodeName !== undefined;
    });
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error("this margay was not started");
    return this.#daemon;
  }

  /** SIGTERM, as an operator would. */
  async stop(): Promise<void> {
    await this.#disconnect();
    await this.#daemon?.stop();
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#disconnect();
    await this.#daemon?.kill();
  }

  async status(): Promise<Status> {
    const { status } = await this.#ask((client, options) => client.getStatus({}, options));
    if (status === undefined) throw new Error("the daemon sent no status");
    return status;
  }

  async peers(): Promise<readonly Peer[]> {
    return (await this.#ask((client, options) => client.listPeers({}, options))).peers;
  }

  async peer(address: string): Promise<Peer | undefined> {
    return (await this.peers()).find((peer) => peer.address === address);
  }

  async routes(): Promise<readonly Route[]> {
    return this.#ask(async (client, options) => {
      const routes: Route[] = [];
      for await (const batch of client.listRoutes({}, options)) routes.push(...batch.routes);
      return routes;
    });
  }

  async route(prefix: string): Promise<Route | undefined> {
    return (await this.routes()).find((route) => route.prefix === prefix);
  }

  async fib(): Promise<readonly FibEntry[]> {
    return this.#ask(async (client, options) => {
      const entries: FibEntry[] = [];
      for await (const batch of client.getFib({}, options)) entries.push(...batch.entries);
      return entries;
    });
  }

  /** `margay ARGS --socket OURS`, as a user types it. */
  cli(...args: readonly string[]): Promise<Finished> {
    return attempt(margayCommand([...args, "--socket", this.socket]));
  }

  /** What `margay peer ADDRESS ACTION --message MESSAGE` does. */
  async control(address: string, action: PeerAction, message = ""): Promise<void> {
    await this.#ask((client, options) => client.controlPeer({ address, action, message }, options));
  }

  log(): string {
    return this.#daemon?.log() ?? "";
  }

  /** One connection for all questions; a failure drops it, so that the next question dials again. */
  async #ask<T>(
    question: (
      client: ManagementConnection["client"],
      options: { timeoutMs: number },
    ) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = 20_000 * SLOWNESS;
    try {
      this.#connection ??= await connect(`unix:${this.socket}`, { clock: nodeClock, timeoutMs });
      return await question(this.#connection.client, { timeoutMs });
    } catch (error) {
      await this.#disconnect();
      throw error;
    }
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.[Symbol.asyncDispose]();
  }
}
