import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Candidate } from "../../src/gen/margay/v1/route_pb.ts";
import {
  type DaemonKind,
  FOREIGN_SPEAKERS,
  type ForeignPeer,
  type ForeignRoute,
  type ForeignSpeaker,
} from "../support/foreign/index.ts";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";

const asn = 64_512;
const MARGAY = "192.0.2.1";
const FOREIGN = "192.0.2.2";
const OTHER = "192.0.2.3";
const MARGAY_ROUTE = "10.233.1.0/24";
const FOREIGN_ROUTE = "10.233.2.0/24";
const OTHER_ROUTE = "10.233.3.0/24";
const LLGR_STALE = "65535:6";
/** Paths are a last resort after a second, and for longer than any test takes. */
const longLived = { gracefulRestartSeconds: 1, longLivedStaleSeconds: 600 };
const session = { holdTimeSeconds: 9, connectRetrySeconds: 1, idleHoldSeconds: 0.2 };

type Options = Readonly<Record<string, unknown>>;

/** margay's file. @param peer options of the foreign daemon */
function speakerFile(peer: Options): Options {
  return {
    asn,
    listen: { address: MARGAY },
    timers: { ...session, ...longLived, endOfRibWaitSeconds: 2 },
    peers: [
      { address: FOREIGN, asn, client: true, ...peer },
      { address: OTHER, asn, client: true },
    ],
    originate: [{ prefix: MARGAY_ROUTE }],
  };
}

/** margay reflects between a foreign daemon and another margay; each of the three announces one prefix. */
class LongLivedLab implements AsyncDisposable {
  readonly margay: Margay;
  readonly foreign: ForeignSpeaker;
  readonly other: Margay;
  readonly #network: Network;
  readonly #directory: string;

  private constructor(
    network: Network,
    directory: string,
    [margay, foreign, other]: readonly [Namespace, Namespace, Namespace],
    kind: DaemonKind,
  ) {
    this.#network = network;
    this.#directory = directory;
    this.margay = new Margay(margay, join(directory, "margay"));
    this.foreign = FOREIGN_SPEAKERS[kind](foreign, join(directory, kind));
    this.other = new Margay(other, join(directory, "other"));
  }

  static async build(prefix: string, kind: DaemonKind): Promise<LongLivedLab> {
    const network = new Network(`mgi-${prefix}-${kind}`);
    const segment = await network.segment("seg");
    const plugged = async (name: string, address: string): Promise<Namespace> => {
      const namespace = await network.namespace(name);
      await network.plug(namespace, "eth0", segment, `${address}/24`);
      return namespace;
    };
    const namespaces = [
      await plugged("margay", MARGAY),
      await plugged(kind, FOREIGN),
      await plugged("other", OTHER),
    ] as const;
    return new LongLivedLab(network, mkdtempSync(join(tmpdir(), "mgl-")), namespaces, kind);
  }

  startMargay(peer: Options = {}): Promise<void> {
    return this.margay.startSpeaker(speakerFile(peer));
  }

  startOther(): Promise<void> {
    return this.other.startSpeaker({
      asn,
      listen: { address: OTHER },
      timers: { ...session, ...longLived },
      peers: [{ address: MARGAY, asn }],
      originate: [{ prefix: OTHER_ROUTE }],
    });
  }

  startForeign(peer: Partial<ForeignPeer>, restarted = false): Promise<void> {
    return this.foreign.start({
      address: FOREIGN,
      asn,
      routerId: FOREIGN,
      holdTimeSeconds: 9,
      originate: [FOREIGN_ROUTE],
      peers: [{ address: MARGAY, asn, ...peer }],
      restarted,
    });
  }

  /** Waits until the foreign daemon has a path to a prefix that `is` so. */
  async foreignHas(
    prefix: string,
    is: (route: ForeignRoute) => boolean = () => true,
  ): Promise<ForeignRoute> {
    const { foreign } = this;
    return until(`${foreign.kind} to have ${prefix}`, async () =>
      (await foreign.routes()).find((route) => route.prefix === prefix && is(route)),
    );
  }

  async foreignLacks(prefix: string): Promise<void> {
    const { foreign } = this;
    await until(`${foreign.kind} to have ${prefix} no more`, async () =>
      (await foreign.routes()).every((route) => route.prefix !== prefix),
    );
  }

  /** Waits until all have all. */
  async exchanged(): Promise<void> {
    await this.foreignHas(MARGAY_ROUTE);
    await this.foreignHas(OTHER_ROUTE);
    for (const margay of [this.margay, this.other]) await has(margay, FOREIGN_ROUTE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.margay.stop(), this.foreign.stop(), this.other.stop()]);
    await this.#network.destroy();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Waits until a margay has a path to a prefix that `is` so. */
function has(
  margay: Margay,
  prefix: string,
  is: (path: Candidate) => boolean = () => true,
): Promise<Candidate> {
  return until(`${margay.directory} to have ${prefix}`, async () =>
    (await margay.route(prefix))?.candidates.find(is),
  );
}

const isLastResort = ({ communities = [] }: ForeignRoute): boolean =>
  communities.includes(LLGR_STALE);

const feature = "Long-lived graceful restart (RFC 9494)";
const exabgp = "ExaBGP keeps no routes, and no forwarding";
const openbgpd = "OpenBGPD does not know it";

scenarios(
  `${feature}: whoever is gone for long, all others keep its routes as a last resort`,
  async (kind) => {
    await using lab = await LongLivedLab.build("ll1", kind);
    const { margay, foreign, other } = lab;
    const peer = { gracefulRestartSeconds: 1, longLivedSeconds: 600 };
    await Promise.all([lab.startMargay(), lab.startOther(), lab.startForeign(peer)]);
    await lab.exchanged();
    const { negotiated } = (await margay.peer(FOREIGN)) ?? {};
    assert.deepEqual(
      negotiated?.longLivedGracefulRestart?.families.map(
        ({ family, offeredSeconds, staleTimeSeconds }) => [
          family,
          offeredSeconds,
          staleTimeSeconds,
        ],
      ),
      [["ipv4-unicast", 600, 600]],
    );
    // Its routes here, and at our other peer, who hears of it by the community alone.
    await foreign.kill();
    const kept = await has(margay, FOREIGN_ROUTE, ({ longLivedStale }) => longLivedStale);
    assert.deepEqual([kept.best, kept.communities], [true, ["llgr-stale"]]);
    const [family] = (await margay.peer(FOREIGN))?.families ?? [];
    assert.ok(family !== undefined);
    assert.deepEqual([family.stale, family.longLivedStale], [1, 1]);
    assert.ok(family.staleSecondsLeft > 500);
    const told = await has(other, FOREIGN_ROUTE, (path) => path.communities.includes("llgr-stale"));
    assert.equal(told.longLivedStale, false, "its session with us is whole");
    await lab.startForeign(peer, true);
    for (const each of [margay, other]) {
      await has(each, FOREIGN_ROUTE, (path) => path.communities.length === 0 && !path.stale);
    }
    await lab.exchanged();
    // Another's routes, which we pass on, there.
    await other.kill();
    assert.ok(isLastResort(await lab.foreignHas(OTHER_ROUTE, isLastResort)));
    await lab.startOther();
    await lab.foreignHas(OTHER_ROUTE, (route) => !isLastResort(route));
    // Ours there.
    await margay.kill();
    await lab.foreignHas(MARGAY_ROUTE, isLastResort);
    await lab.startMargay();
    await lab.foreignHas(MARGAY_ROUTE, (route) => !isLastResort(route));
  },
  { openbgpd, exabgp },
);

scenarios(
  "Long-lived stale routes to a peer that does not know them (RFC 9494 §4.3, §4.6)",
  async (kind) => {
    await using lab = await LongLivedLab.build("ll2", kind);
    const { margay, other } = lab;
    await Promise.all([lab.startMargay(), lab.startOther(), lab.startForeign({})]);
    await lab.foreignHas(OTHER_ROUTE);
    assert.equal((await margay.peer(FOREIGN))?.negotiated?.longLivedGracefulRestart, undefined);
    await other.kill();
    await has(margay, OTHER_ROUTE, ({ longLivedStale }) => longLivedStale);
    await lab.foreignLacks(OTHER_ROUTE);
    await lab.foreignHas(MARGAY_ROUTE);
    // Unless that is wanted, which changes under the session.
    const { flaps } = (await margay.peer(FOREIGN)) ?? {};
    margay.configureSpeaker(speakerFile({ longLivedPartialDeployment: true }));
    margay.daemon.signal("SIGHUP");
    const { communities, localPreference } = await lab.foreignHas(OTHER_ROUTE);
    assert.deepEqual(communities?.toSorted(), [LLGR_STALE, "65535:65281"]);
    assert.equal(localPreference, 0);
    assert.equal((await margay.peer(FOREIGN))?.flaps, flaps);
  },
  {
    bird: "BIRD knows it, asked or not",
    frr: "FRR knows it, asked or not",
  },
);
