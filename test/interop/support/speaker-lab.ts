import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DaemonKind,
  FOREIGN_SPEAKERS,
  type ForeignConfig,
  type ForeignPeer,
  type ForeignSpeaker,
} from "../../support/foreign/index.ts";
import { ExaBgp } from "../../support/foreign/exabgp.ts";
import { Margay } from "../../support/margay.ts";
import { type Namespace, Network, type Segment } from "../../support/netns.ts";
import { until } from "../../support/until.ts";

export const MARGAY_AS = 65_000;
export const FOREIGN_AS = 65_001;
/** Of a second margay. */
export const THIRD_AS = 65_002;
/** What each announces, by IP version. */
export const MARGAY_ROUTE = { 4: "10.233.1.0/24", 6: "fd00:233:1::/48" } as const;
export const FOREIGN_ROUTE = { 4: "10.233.2.0/24", 6: "fd00:233:2::/48" } as const;

/** Where the two are: of each IP version on one segment, or with a router between. */
export const ADJACENT = {
  margay: { 4: "192.0.2.1", 6: "2001:db8:1::1" },
  foreign: { 4: "192.0.2.2", 6: "2001:db8:1::2" },
} as const;
export const ROUTED = {
  margay: ADJACENT.margay,
  foreign: { 4: "198.51.100.2", 6: "2001:db8:2::2" },
} as const;
export const THIRD = { 4: "192.0.2.3", 6: "2001:db8:1::3" } as const;
const router = {
  near: { 4: "192.0.2.254", 6: "2001:db8:1::fe" },
  far: { 4: "198.51.100.254", 6: "2001:db8:2::fe" },
} as const;

const speakerTimers = {
  holdTimeSeconds: 9,
  connectRetrySeconds: 1,
  idleHoldSeconds: 0.2,
  gracefulRestartSeconds: 0,
};

export type Options = Readonly<Record<string, unknown>>;

/** `margay speaker` and one foreign daemon, in two ASes, each in a namespace with addresses of both IP versions. */
export class SpeakerLab implements AsyncDisposable {
  readonly margay: Margay;
  readonly foreign: ForeignSpeaker;
  readonly foreignNamespace: Namespace;
  readonly addresses: typeof ADJACENT | typeof ROUTED;
  readonly version: 4 | 6;
  readonly #network: Network;
  /** Where margay is. */
  readonly #near: Segment;
  readonly #others: Margay[] = [];
  /** Of this lab alone; gone with it. */
  readonly directory: string;

  private constructor(
    network: Network,
    near: Segment,
    [margay, foreign]: readonly [Namespace, Namespace],
    kind: DaemonKind,
    { isRouted, version }: { readonly isRouted: boolean; readonly version: 4 | 6 },
  ) {
    this.#network = network;
    this.#near = near;
    this.directory = mkdtempSync(join(tmpdir(), "mgi-"));
    this.margay = new Margay(margay, join(this.directory, "margay"));
    this.foreign = FOREIGN_SPEAKERS[kind](foreign, join(this.directory, kind));
    this.foreignNamespace = foreign;
    this.addresses = isRouted ? ROUTED : ADJACENT;
    this.version = version;
  }

  /**
   * The namespaces, nobody started.
   * @param prefix of the namespaces; the test file's own
   */
  static async build(
    prefix: string,
    kind: DaemonKind,
    options: { readonly isRouted?: boolean; readonly version?: 4 | 6 } = {},
  ): Promise<SpeakerLab> {
    const { isRouted = false, version = 4 } = options;
    const network = new Network(`mgi-${prefix}-${kind}`);
    const margay = await network.namespace("margay");
    const foreign = await network.namespace(kind);
    const near = await network.segment("seg");
    const far = isRouted ? await network.segment("far") : near;
    const at = isRouted ? ROUTED : ADJACENT;
    await plug(network, margay, near, at.margay);
    await plug(network, foreign, far, at.foreign);
    if (isRouted) {
      const between = await network.namespace("router");
      await plug(network, between, near, router.near);
      await plug(network, between, far, router.far, "eth1");
      await between.sysctl({ "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1 });
      await routeVia(margay, router.near, at.foreign);
      await routeVia(foreign, router.far, at.margay);
    }
    return new SpeakerLab(network, near, [margay, foreign], kind, { isRouted, version });
  }

  get margayAddress(): string {
    return this.addresses.margay[this.version];
  }

  get foreignAddress(): string {
    return this.addresses.foreign[this.version];
  }

  /** margay's file with one peer, the foreign speaker. @param peer its options @param rest of the file */
  withPeer(peer: Options = {}, rest: Options = {}): Options {
    return this.#file({
      peers: [{ address: this.foreignAddress, asn: FOREIGN_AS, ...open, ...peer }],
      ...rest,
    });
  }

  /** The same with a range that holds the foreign speaker. */
  withRange(prefix: string, range: Options = {}): Options {
    return this.#file({ ranges: [{ prefix, asns: [FOREIGN_AS], ...open, ...range }] });
  }

  #file(rest: Options): Options {
    const { margay } = this.addresses;
    return {
      asn: MARGAY_AS,
      routerId: margay[4],
      listen: { address: Object.values(this.addresses.margay) },
      timers: speakerTimers,
      originate: versions.map((version) => ({
        prefix: MARGAY_ROUTE[version],
        nextHop: margay[version],
      })),
      ...rest,
    };
  }

  startMargay(file: Options): Promise<void> {
    return this.margay.startSpeaker(file);
  }

  startForeign(
    session: Partial<ForeignPeer> = {},
    rest: Partial<ForeignConfig> = {},
  ): Promise<void> {
    return this.foreign.start({
      address: this.foreignAddress,
      asn: FOREIGN_AS,
      routerId: this.addresses.foreign[4],
      holdTimeSeconds: 9,
      peers: [
        { address: this.margayAddress, asn: MARGAY_AS, families: [this.version], ...session },
      ],
      originate: Object.values(FOREIGN_ROUTE),
      nextHops: this.addresses.foreign,
      ...rest,
    });
  }

  /** A second margay, on margay's segment, at an address of its own. @param file without what all of them have */
  async startThird(file: Options): Promise<Margay> {
    const namespace = await this.#network.namespace("third");
    await plug(this.#network, namespace, this.#near, THIRD);
    const third = new Margay(namespace, join(this.directory, "third"));
    this.#others.push(third);
    await third.startSpeaker(this.thirdFile(file));
    return third;
  }

  thirdFile(file: Options): Options {
    return {
      routerId: THIRD[4],
      listen: { address: THIRD[4] },
      timers: speakerTimers,
      ...file,
    };
  }

  /** A command of ExaBGP's API, where that is the foreign speaker. */
  tellExaBgp(command: string): void {
    if (!(this.foreign instanceof ExaBgp)) throw new TypeError(`${this.foreign.kind} takes none`);
    this.foreign.command(command);
  }

  /** Waits for the session at both of its ends. */
  async established(): Promise<void> {
    const { foreign } = this;
    await until(
      `margay to see ${foreign.kind} Established`,
      async () => (await this.peer())?.state === "Established",
      { timeoutSeconds: 30 },
    );
    await until(
      `${foreign.kind} to see margay Established`,
      async () => (await foreign.peerState(this.margayAddress)) === "Established",
    );
  }

  /** The same, and for a route in each direction: of the session's own IP version unless told. */
  async routesCross(version: 4 | 6 = this.version): Promise<void> {
    const { margay, foreign } = this;
    await this.established();
    const [ours, theirs] = [MARGAY_ROUTE[version], FOREIGN_ROUTE[version]];
    await until(`margay to have ${theirs}`, () => margay.route(theirs));
    await until(`${foreign.kind} to have ${ours}`, async () =>
      (await foreign.routes()).some(({ prefix }) => prefix === ours),
    );
  }

  async peer(): ReturnType<Margay["peer"]> {
    return this.margay.peer(this.foreignAddress);
  }

  /** Waits until margay has failed to reach its peer for this reason. @returns the reason */
  async failure(pattern: RegExp): Promise<string> {
    return until(`margay to say ${pattern}`, async () => {
      const text = (await this.peer())?.lastDown?.text ?? "";
      return pattern.test(text) && text;
    });
  }

  /** Waits until messages have come from the peer that were sent from now on. */
  async messagesCross(): Promise<void> {
    const heard = async (): Promise<bigint> => {
      const { keepalive = 0n, update = 0n } = (await this.peer())?.messagesIn ?? {};
      return keepalive + update;
    };
    const before = await heard();
    await until("messages to cross", async () => {
      // ExaBGP would close the connection.
      if (this.foreign.kind !== "exabgp") {
        await this.margay.cli("peer", this.foreignAddress, "soft-in");
      }
      // One may have been on its way.
      return (await heard()) >= before + 2n;
    });
  }

  /** A counter of the kernel in margay's namespace: `TcpExtTCPMD5Failure`. */
  counter(name: string): Promise<number> {
    return counterIn(this.margay.namespace, name);
  }

  /** The same at the other end. */
  foreignCounter(name: string): Promise<number> {
    return counterIn(this.foreignNamespace, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(
      [this.margay, this.foreign, ...this.#others].map((daemon) => daemon.stop()),
    );
    await this.#network.destroy();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function counterIn(namespace: Namespace, name: string): Promise<number> {
  const text = await namespace.run(["nstat", "-asz", name]);
  return Number(new RegExp(`^${name}\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

const versions = [4, 6] as const;

/** Takes and announces everything. */
const open = { importPrefixes: ["0.0.0.0/0", "::/0"], advertise: "all" };

async function plug(
  network: Network,
  namespace: Namespace,
  segment: Segment,
  at: { readonly 4: string; readonly 6: string },
  device = "eth0",
): Promise<void> {
  // Addresses are there at once: nobody else is on these segments.
  await namespace.sysctl({ "net.ipv6.conf.default.accept_dad": 0 });
  await network.plug(namespace, device, segment, `${at[4]}/24`);
  await namespace.ip(`address add ${at[6]}/64 dev ${device} nodad`);
}

/** Not by a default route: FRR would not have it for the way to a peer. */
async function routeVia(
  namespace: Namespace,
  gateway: { readonly 4: string; readonly 6: string },
  to: { readonly 4: string; readonly 6: string },
): Promise<void> {
  await namespace.ip(
    `route add ${to[4]}/32 via ${gateway[4]}`,
    `route add ${to[6]}/128 via ${gateway[6]}`,
  );
}
