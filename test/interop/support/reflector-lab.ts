import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  FOREIGN_SPEAKERS,
  type DaemonKind,
  type ForeignPeer,
  type ForeignSpeaker,
} from "../../support/foreign/index.ts";
import { Margay } from "../../support/margay.ts";
import { type Namespace, Network, type Segment } from "../../support/netns.ts";
import { until } from "../../support/until.ts";
import { RouteMonitor } from "./route-monitor.ts";

export const ASN = 64_512;

type ClientKind = "margay" | DaemonKind;

/** A client of reflectors: a margay node, or a daemon of somebody else that writes what it learns into its kernel. */
export interface LabClient {
  readonly kind: ClientKind;
  readonly address: string;
  readonly prefix: string;
  readonly namespace: Namespace;
  readonly monitor: RouteMonitor;
  /** Of those that are not margay. */
  readonly foreign?: ForeignSpeaker;
  readonly margay?: Margay;
}

export interface ClientOptions {
  readonly kind: ClientKind;
  /** The last octet of its address, and the third of its prefix. */
  readonly host: number;
  /** Addresses of its reflectors. */
  readonly reflectors: readonly string[];
  readonly session?: Partial<ForeignPeer>;
}

/** Reflectors and their clients on one segment, 192.0.2.0/24. */
export class ReflectorLab implements AsyncDisposable {
  readonly network: Network;
  readonly clients: LabClient[] = [];
  readonly reflectors = new Map<string, Margay>();
  readonly #foreignReflectors: ForeignSpeaker[] = [];
  readonly #directory: string;
  readonly #segment: Segment;

  private constructor(network: Network, segment: Segment) {
    this.network = network;
    this.#segment = segment;
    this.#directory = mkdtempSync(join(tmpdir(), "mgr-"));
  }

  /** @param prefix of the namespaces; the test's own */
  static async build(prefix: string): Promise<ReflectorLab> {
    const network = new Network(prefix);
    return new ReflectorLab(network, await network.segment("seg"));
  }

  async plugged(name: string, address: string): Promise<Namespace> {
    const namespace = await this.network.namespace(name);
    await this.network.plug(namespace, "eth0", this.#segment, `${address}/24`);
    return namespace;
  }

  /** Starts a reflector at 192.0.2.<host>, or starts the one that was there again. */
  async startReflector(host: number, options: readonly string[] = []): Promise<Margay> {
    const address = `192.0.2.${host}`;
    const name = `rr${host}`;
    let reflector = this.reflectors.get(address);
    if (reflector === undefined) {
      reflector = new Margay(await this.plugged(name, address), join(this.#directory, name));
      this.reflectors.set(address, reflector);
    }
    const identity = ["--listen", `${address}:179`, "--asn", `${ASN}`, "--router-id", address];
    const accept = options.includes("--accept") ? [] : ["--accept", "192.0.2.0/24"];
    const clients = ["--clients-file", join(this.#directory, `${name}.clients`)];
    await reflector.startReflector([...identity, ...accept, ...clients, ...options]);
    return reflector;
  }

  reflector(host: number): Margay {
    const found = this.reflectors.get(`192.0.2.${host}`);
    if (found === undefined) throw new Error(`there is no reflector 192.0.2.${host}`);
    return found;
  }

  /** A reflector of another kind at 192.0.2.<host>, by itself a cluster. */
  async startForeignReflector(
    kind: DaemonKind,
    host: number,
    sessions: { readonly peers: readonly string[]; readonly clients: readonly string[] },
  ): Promise<void> {
    const address = `192.0.2.${host}`;
    const namespace = await this.plugged(`rr${host}`, address);
    const speaker = FOREIGN_SPEAKERS[kind](namespace, join(this.#directory, `rr${host}`));
    this.#foreignReflectors.push(speaker);
    await speaker.start({
      address,
      asn: ASN,
      routerId: address,
      holdTimeSeconds: 9,
      peers: [
        ...sessions.peers.map((peer) => ({ address: peer, asn: ASN })),
        ...sessions.clients.map((peer) => ({ address: peer, asn: ASN, reflectorClient: true })),
      ],
      originate: [],
    });
  }

  async startClient({ kind, host, reflectors, session }: ClientOptions): Promise<LabClient> {
    const address = `192.0.2.${host}`;
    const prefix = `10.233.${host}.0/24`;
    const name = `${kind}${host}`;
    const namespace = await this.plugged(name, address);
    const directory = join(this.#directory, name);
    const monitor = await RouteMonitor.start(namespace, join(this.#directory, `${name}.routes`));
    let client: LabClient = { kind, address, prefix, namespace, monitor };
    if (kind === "margay") {
      const margay = new Margay(namespace, directory);
      configureNode(margay, { name, address, podCidrs: [prefix] }, reflectors);
      client = { ...client, margay };
      this.clients.push(client);
      await margay.startNode();
    } else {
      const foreign = FOREIGN_SPEAKERS[kind](namespace, directory);
      client = { ...client, foreign };
      this.clients.push(client);
      await foreign.start({
        address,
        asn: ASN,
        routerId: address,
        holdTimeSeconds: 9,
        peers: reflectors.map((reflector) => ({ address: reflector, asn: ASN, ...session })),
        originate: [prefix],
        programKernel: programsKernel(kind),
      });
    }
    return client;
  }

  /** The prefixes of the others that a client does not route to, be it in its kernel or, if it has none, in its RIB. */
  async missing(client: LabClient): Promise<readonly string[]> {
    const wanted = this.clients.filter((other) => other !== client).map(({ prefix }) => prefix);
    const held = await routesOf(client);
    return wanted.filter((prefix) => !held.has(prefix));
  }

  /** Waits until every client routes to every other. */
  async converged(clients: readonly LabClient[] = this.clients): Promise<void> {
    for (const client of clients) {
      await until(
        `${client.kind} to route to all others`,
        async () => (await this.missing(client)).length === 0,
        { timeoutSeconds: 40 },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([
      ...[...this.reflectors.values(), ...this.#foreignReflectors].map((one) => one.stop()),
      ...this.clients.flatMap(({ foreign, margay, monitor }) => [
        foreign?.stop(),
        margay?.stop(),
        monitor.stop(),
      ]),
    ]);
    await this.network.destroy();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function configureNode(
  margay: Margay,
  self: { readonly name: string; readonly address: string; readonly podCidrs: readonly string[] },
  reflectors: readonly string[],
): void {
  margay.configure(
    {
      node: { name: self.name },
      timers: { holdTimeSeconds: 9, connectRetrySeconds: 1, idleHoldSeconds: 0.2 },
    },
    {
      asn: ASN,
      podPools: ["10.233.0.0/16"],
      topology: "reflector",
      members: [self],
      reflectors: reflectors.map((address) => ({ name: `rr-${address}`, address })),
    },
  );
}

/** Of the others only these write what they learn into the kernel. */
function programsKernel(kind: ClientKind): boolean {
  return kind === "margay" || kind === "bird" || kind === "frr";
}

async function routesOf({ foreign, kind, namespace }: LabClient): Promise<ReadonlySet<string>> {
  if (!programsKernel(kind)) {
    return new Set(((await foreign?.routes()) ?? []).map(({ prefix }) => prefix));
  }
  const lines = (await namespace.run(["ip", "-4", "route"])).split("\n");
  return new Set(lines.map((line) => line.split(" ")[0] ?? ""));
}
