import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Candidate } from "../../src/gen/margay/v1/route_pb.ts";
import {
  type DaemonKind,
  FOREIGN_SPEAKERS,
  type ForeignSpeaker,
} from "../support/foreign/index.ts";
import { Bird } from "../support/foreign/bird.ts";
import { ExaBgp } from "../support/foreign/exabgp.ts";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { DAEMONS, scenario } from "./support/scenario.ts";

const asn = 64_512;
const outerAsn = 65_001;
const MARGAY = "192.0.2.1";
const INNER = "192.0.2.2";
const SOURCE = "192.0.2.3";
const OUTER = "192.0.2.4";

/** What the source announces, and which of these the others are sent (RFC 1997). */
const RICH = "10.233.1.0/24";
const NO_EXPORT = "10.233.2.0/24";
const NO_ADVERTISE = "10.233.3.0/24";
const NO_EXPORT_SUBCONFED = "10.233.4.0/24";
/** margay's own. */
const OWN = "10.233.5.0/24";
const LONG = "10.233.6.0/24";
const SET = "10.233.7.0/24";
const ZERO = "10.233.8.0/24";
const rich = [
  "community [ 64512:7 64512:8 ]",
  "large-community [ 64512:1:2 ]",
  "extended-community [ target:64512:100 ]",
  "aggregator ( 65009:192.0.2.9 )",
  "atomic-aggregate",
  "med 50",
  // Of a code that nobody has: optional, transitive.
  "attribute [ 0x63 0xc0 0xabcd ]",
].join(" ");

/** @param fromSource what margay makes of the source's routes */
function speakerFile(fromSource: Readonly<Record<string, unknown>> = {}) {
  return {
    asn,
    listen: { address: MARGAY },
    timers: { holdTimeSeconds: 9, connectRetrySeconds: 1, idleHoldSeconds: 0.2 },
    peers: [
      { address: SOURCE, asn, client: true, ...fromSource },
      { address: INNER, asn, client: true },
      { address: OUTER, asn: outerAsn, policy: "accept-all" },
    ],
    originate: [{ prefix: OWN, extendedCommunities: ["rt:64512:100"] }],
  };
}

/** margay reflects between a source of routes, and a foreign daemon inside and another outside of the AS. */
class AttributeLab implements AsyncDisposable {
  readonly margay: Margay;
  readonly source: ExaBgp;
  readonly inner: ForeignSpeaker;
  readonly outer: ForeignSpeaker;
  readonly #network: Network;
  readonly #directory: string;

  private constructor(
    network: Network,
    directory: string,
    kind: DaemonKind,
    [margay, source, inner, outer]: readonly [Namespace, Namespace, Namespace, Namespace],
  ) {
    this.#network = network;
    this.#directory = directory;
    this.margay = new Margay(margay, join(directory, "margay"));
    this.source = new ExaBgp(source, join(directory, "source"));
    this.inner = FOREIGN_SPEAKERS[kind](inner, join(directory, "inner"));
    this.outer = FOREIGN_SPEAKERS[kind](outer, join(directory, "outer"));
  }

  static async build(kind: DaemonKind): Promise<AttributeLab> {
    const network = new Network(`mgi-pa-${kind}`);
    const segment = await network.segment("seg");
    const plugged = async (name: string, address: string): Promise<Namespace> => {
      const namespace = await network.namespace(name);
      await network.plug(namespace, "eth0", segment, `${address}/24`);
      return namespace;
    };
    return new AttributeLab(network, mkdtempSync(join(tmpdir(), "mgp-")), kind, [
      await plugged("margay", MARGAY),
      await plugged("source", SOURCE),
      await plugged("inner", INNER),
      await plugged("outer", OUTER),
    ]);
  }

  async start(): Promise<void> {
    const start = (speaker: ForeignSpeaker, address: string, own: number): Promise<void> =>
      speaker.start({
        address,
        asn: own,
        routerId: address,
        holdTimeSeconds: 9,
        originate: [],
        peers: [{ address: MARGAY, asn }],
      });
    await Promise.all([
      this.margay.startSpeaker(speakerFile()),
      start(this.source, SOURCE, asn),
      start(this.inner, INNER, asn),
      start(this.outer, OUTER, outerAsn),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [this.margay, this.source, this.inner, this.outer];
    await Promise.allSettled(all.map((one) => one.stop()));
    await this.#network.destroy();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** How each tells of the route target 64512:100, without blanks. */
const routeTargets: Readonly<Record<DaemonKind, string>> = {
  bird: "BGP.ext_community:(rt,64512,100)",
  frr: '"extendedCommunity":{"string":"RT:64512:100"}',
  gobgp: '"value":[{"type":0,"subtype":2,"value":"64512:100"}]',
  openbgpd: '"extended_communities":["rt64512:100"]',
  exabgp: '"string":"target:64512:100"',
};

/** How each tells that it has just what the source said, without blanks; FRR shows no attribute that it does not know. */
const wordings: Readonly<Record<DaemonKind, readonly string[]>> = {
  bird: [
    "BGP.community:(64512,7)(64512,8)",
    "BGP.large_community:(64512,1,2)",
    routeTargets.bird,
    "BGP.aggregator:192.0.2.9AS65009",
    "BGP.atomic_aggr:",
    "BGP.63[t]:abcd",
  ],
  frr: [
    '"community":{"string":"64512:764512:8"',
    '"largeCommunity":{"string":"64512:1:2"',
    routeTargets.frr,
    '"aggregatorAs":65009,"aggregatorId":"192.0.2.9"',
    '"atomicAggregate":true',
  ],
  gobgp: [
    `"communities":[${64_512 * 65_536 + 7},${64_512 * 65_536 + 8}]`,
    '"value":[{"ASN":64512,"LocalData1":1,"LocalData2":2}]',
    routeTargets.gobgp,
    '{"type":7,"as":65009,"address":"192.0.2.9"}',
    '{"type":6}',
    // Optional, transitive, partial.
    `{"flags":224,"type":99,"value":"${Buffer.of(0xab, 0xcd).toString("base64")}"}`,
  ],
  openbgpd: [
    '"communities":["64512:7","64512:8"]',
    '"large_communities":["64512:1:2"]',
    routeTargets.openbgpd,
    '"AS":65009,"router_id":"192.0.2.9"',
    '"type":"AtomicAggregate"',
    '"type":"UnknownAttribute#99","length":2,"flags":{"partial":true,"transitive":true,"optional":true},"data":"abcd"',
  ],
  exabgp: [
    '"community":[[64512,7],[64512,8]]',
    '"large-community":[[64512,1,2]]',
    routeTargets.exabgp,
    '"aggregator":"65009:192.0.2.9"',
    '"atomic-aggregate":true',
    '"attribute-0x63-0xE0":"0xabcd"',
  ],
};

for (const kind of DAEMONS) {
  describe(`margay between a source of routes and two of ${kind}`, () => {
    let lab: AttributeLab;
    before(async () => {
      lab = await AttributeLab.build(kind);
      await lab.start();
    });
    after(() => lab?.[Symbol.asyncDispose]());

    const announce = (prefix: string, attributes: string): void => {
      lab.source.command(`announce route ${prefix} next-hop self ${attributes}`);
    };
    const pathOf = async (prefix: string): Promise<Candidate | undefined> =>
      (await lab.margay.route(prefix))?.candidates[0];

    scenario(
      "Communities, AGGREGATOR and unknown attributes passed on by margay (RFC 1997, 4271 §5, 4360, 8092)",
      kind,
      async () => {
        const { margay, inner, outer } = lab;
        announce(NO_ADVERTISE, "community [ no-advertise ]");
        announce(NO_EXPORT, "community [ no-export ]");
        announce(NO_EXPORT_SUBCONFED, "community [ no-export-subconfed ]");
        await until("margay to have these", async () => (await margay.routes()).length === 4);
        // Behind all others, and so told after them.
        announce(RICH, rich);
        const path = await until("margay to have the last", () => pathOf(RICH));
        assert.deepEqual(path.communities, ["64512:7", "64512:8", "64512:1:2", "rt:64512:100"]);
        for (const [speaker, expected] of [
          [inner, [RICH, NO_EXPORT, NO_EXPORT_SUBCONFED, OWN]],
          [outer, [RICH, OWN]],
        ] as const) {
          const told = await until(`${kind} to have the last`, async () => {
            const all = (await speaker.routes()).map(({ prefix }) => prefix);
            return all.includes(RICH) && all.toSorted();
          });
          assert.deepEqual(told, expected);
          const detailOf = async (prefix: string): Promise<string> => {
            const words = await until(`${kind}'s words`, () => speaker.detail(prefix));
            return words.replaceAll(/\s/g, "");
          };
          const detail = await detailOf(RICH);
          for (const text of wordings[kind]) {
            assert.ok(detail.includes(text), `${text} in ${detail}`);
          }
          assert.ok((await detailOf(OWN)).includes(routeTargets[kind]));
        }
      },
    );

    scenario("AS path of 300 (RFC 4271 §4.3): passed on whole, in two segments", kind, async () => {
      const asns = Array.from({ length: 300 }, (_, at) => at + 1);
      announce(LONG, `as-path [ ${asns.join(" ")} ]`);
      const path = await until("margay to have it", () => pathOf(LONG));
      assert.equal(path.asPath, asns.join(" "));
      for (const [speaker, expected] of [
        [lab.inner, asns],
        [lab.outer, [asn, ...asns]],
      ] as const) {
        const hasIt = () => hasPath(speaker, LONG, expected);
        await until(`${kind} to have all of it`, hasIt);
        assert.equal(await speaker.peerState(MARGAY), "Established");
      }
    });

    scenario(
      "AS 0 (RFC 7607): a path with it is none, and takes the former one away",
      kind,
      async () => {
        const isTold = async (speaker: ForeignSpeaker): Promise<boolean> =>
          (await speaker.routes()).some(({ prefix }) => prefix === ZERO);
        announce(ZERO, "as-path [ 65009 ]");
        for (const speaker of [lab.inner, lab.outer]) {
          await until(`${kind} to be told`, () => isTold(speaker));
        }
        announce(ZERO, "as-path [ 65009 0 ]");
        for (const speaker of [lab.inner, lab.outer]) {
          await until(`${kind} to miss it`, async () => !(await isTold(speaker)));
        }
        const source = await lab.margay.peer(SOURCE);
        assert.equal(source?.state, "Established");
        assert.ok(source.offences.some(({ kind: offence }) => offence === "treat-as-withdraw"));
      },
    );

    scenario("AS_SET (RFC 9774): refused, or passed on where that is asked for", kind, async () => {
      const reload = (refuseAsSets: boolean): void => {
        lab.margay.configureSpeaker(speakerFile({ refuseAsSets }));
        lab.margay.daemon.signal("SIGHUP");
      };
      announce(SET, "as-path [ 65009 ( 65010 65011 ) ]");
      const path = await until("margay to have it", () => pathOf(SET));
      assert.deepEqual([path.best, path.reason?.name], [false, "as-set"]);
      const isTold = async (speaker: ForeignSpeaker): Promise<boolean> =>
        (await speaker.routes()).some(({ prefix }) => prefix === SET);
      for (const speaker of [lab.inner, lab.outer]) assert.equal(await isTold(speaker), false);
      reload(false);
      for (const speaker of [lab.inner, lab.outer]) {
        await until(`${kind} to be told`, () => isTold(speaker));
      }
      reload(true);
      for (const speaker of [lab.inner, lab.outer]) {
        await until(`${kind} to miss it`, async () => !(await isTold(speaker)));
      }
    });
  });
}

/** BIRD shows the head of a long path alone, and is asked for its length. */
async function hasPath(
  speaker: ForeignSpeaker,
  prefix: string,
  expected: readonly number[],
): Promise<boolean> {
  const { asPath = [] } = (await speaker.routes()).find((route) => route.prefix === prefix) ?? {};
  if (!(speaker instanceof Bird)) return asPath.join(" ") === expected.join(" ");
  const isHead = asPath[0] === expected[0] && asPath[1] === expected[1];
  return isHead && (await speaker.hasPathOf(prefix, expected.length));
}
