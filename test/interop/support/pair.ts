import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DaemonKind,
  FOREIGN_SPEAKERS,
  type ForeignConfig,
  type ForeignPeer,
  type ForeignRoute,
  type ForeignSpeaker,
} from "../../support/foreign/index.ts";
import { Margay } from "../../support/margay.ts";
import { type Namespace, Network, type Segment } from "../../support/netns.ts";
import { until, type UntilOptions } from "../../support/until.ts";

export const MARGAY_ADDRESS = "192.0.2.1";
export const FOREIGN_ADDRESS = "192.0.2.2";
export const POOL = "10.233.0.0/16";
export const MARGAY_PODS = "10.233.1.0/24";
export const FOREIGN_PODS = "10.233.2.0/24";

export interface PairOptions {
  readonly asn?: number;
  readonly foreignAsn?: number;
  readonly routerId?: string;
  readonly foreignRouterId?: string;
  /** Default 9, so that a lost peer is missed soon. */
  readonly holdTimeSeconds?: number;
  /** What margay offers. Default 0: a lost session loses its routes at once. */
  readonly gracefulRestartSeconds?: number;
  readonly timers?: Readonly<Record<string, number>>;
  /** More of what margay is told about the foreign side, where that is in another AS. */
  readonly peer?: Readonly<Record<string, unknown>>;
  /** What the foreign side is told about its session with margay. */
  readonly session?: Partial<ForeignPeer>;
  /** The foreign side writes what it learns into its kernel. BIRD and FRR only. */
  readonly programKernel?: boolean;
}

/** A margay node and one foreign speaker on one segment. Members of one cluster when the AS is the same; eBGP peers otherwise. */
export class Pair implements AsyncDisposable {
  readonly network: Network;
  readonly segment: Segment;
  readonly margay: Margay;
  readonly foreign: ForeignSpeaker;
  readonly foreignNamespace: Namespace;
  readonly #options: PairOptions;
  readonly #directory: string;

  private constructor(
    network: Network,
    segment: Segment,
    namespaces: readonly [Namespace, Namespace],
    kind: DaemonKind,
    options: PairOptions,
  ) {
    const [margay, foreign] = namespaces;
    this.network = network;
    this.segment = segment;
    this.foreignNamespace = foreign;
    this.#options = options;
    this.#directory = mkdtempSync(join(tmpdir(), "mgi-"));
    this.margay = new Margay(margay, join(this.#directory, "margay"));
    this.foreign = FOREIGN_SPEAKERS[kind](foreign, join(this.#directory, kind));
  }

  /**
   * Two namespaces on a segment, nobody started.
   * @param prefix of the namespaces; the test file's own
   */
  static async build(prefix: string, kind: DaemonKind, options: PairOptions = {}): Promise<Pair> {
    const network = new Network(`mgi-${prefix}-${kind}`);
    const segment = await network.segment("seg");
    const margay = await network.namespace("margay");
    const foreign = await network.namespace(kind);
    await network.plug(margay, "eth0", segment, `${MARGAY_ADDRESS}/24`);
    await network.plug(foreign, "eth0", segment, `${FOREIGN_ADDRESS}/24`);
    return new Pair(network, segment, [margay, foreign], kind, options);
  }

  get asn(): number {
    return this.#options.asn ?? 64_512;
  }

  get foreignAsn(): number {
    return this.#options.foreignAsn ?? this.asn;
  }

  async startMargay(): Promise<void> {
    const { routerId, holdTimeSeconds = 9, gracefulRestartSeconds = 0 } = this.#options;
    const { timers, peer } = this.#options;
    const sameAs = this.asn === this.foreignAsn;
    const self = { name: "margay", address: MARGAY_ADDRESS, podCidrs: [MARGAY_PODS] };
    const other = { name: "foreign", address: FOREIGN_ADDRESS, podCidrs: [FOREIGN_PODS] };
    this.margay.configure(
      {
        node: { name: "margay", ...(routerId === undefined ? {} : { routerId }) },
        timers: {
          holdTimeSeconds,
          gracefulRestartSeconds,
          connectRetrySeconds: 1,
          idleHoldSeconds: 0.2,
          ...timers,
        },
        ...(sameAs ? {} : { peers: [{ address: FOREIGN_ADDRESS, asn: this.foreignAsn, ...peer }] }),
      },
      {
        asn: this.asn,
        podPools: [POOL],
        topology: "mesh",
        members: sameAs ? [self, other] : [self],
      },
    );
    await this.margay.startNode();
  }

  startForeign({ restarted = false } = {}): Promise<void> {
    return this.foreign.start(this.#foreignConfig(restarted));
  }

  #foreignConfig(restarted: boolean): ForeignConfig {
    const { foreignRouterId = FOREIGN_ADDRESS, holdTimeSeconds = 9, session } = this.#options;
    return {
      address: FOREIGN_ADDRESS,
      asn: this.foreignAsn,
      routerId: foreignRouterId,
      holdTimeSeconds,
      peers: [{ address: MARGAY_ADDRESS, asn: this.asn, ...session }],
      originate: [FOREIGN_PODS],
      programKernel: this.#options.programKernel === true,
      restarted,
    };
  }

  async start(): Promise<void> {
    await Promise.all([this.startMargay(), this.startForeign()]);
  }

  /** Waits for the session at both of its ends. */
  async established(options: UntilOptions = {}): Promise<void> {
    const { kind } = this.foreign;
    await until(
      `margay to see ${kind} Established`,
      async () => (await this.margayState()) === "Established",
      options,
    );
    await until(
      `${kind} to see margay Established`,
      async () => (await this.foreign.peerState(MARGAY_ADDRESS)) === "Established",
      options,
    );
  }

  /** Waits until each end has the session and the other's pods. */
  async exchanged(): Promise<void> {
    await this.established();
    await until("margay to learn the peer's pods", () => this.margay.route(FOREIGN_PODS));
    await until(
      `${this.foreign.kind} to learn margay's pods`,
      async () => (await this.foreignPaths(MARGAY_PODS)).length > 0,
    );
  }

  /** The state of the session as margay sees it. */
  async margayState(): Promise<string | undefined> {
    return (await this.margay.peer(FOREIGN_ADDRESS))?.state;
  }

  /** The paths to a prefix that the foreign speaker has from margay. */
  async foreignPaths(prefix: string): Promise<readonly ForeignRoute[]> {
    return (await this.foreign.routes()).filter((route) => route.prefix === prefix);
  }

  /** The kernel's route to a prefix on margay's node, as `ip route` prints it; "" when there is none. */
  async kernelRoute(prefix: string): Promise<string> {
    return (await this.margay.namespace.run(["ip", "route", "show", prefix])).trim();
  }

  /** Established TCP connections of the session at margay's end: "LOCAL:PORT REMOTE:PORT". */
  async connections(state = "established"): Promise<readonly string[]> {
    const text = await this.margay.namespace.run([
      "ss",
      "-tnH",
      "state",
      state,
      "( sport = :179 or dport = :179 )",
    ]);
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => line.trim().split(/\s+/).slice(2, 4).join(" "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.margay.stop(), this.foreign.stop()]);
    await this.network.destroy();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
