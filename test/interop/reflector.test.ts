import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { FOREIGN_SPEAKERS, type ForeignSpeaker } from "../support/foreign/index.ts";
import { Margay } from "../support/margay.ts";
import { Network } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { DAEMONS, scenario, scenarios } from "./support/scenario.ts";

const ASN = 64_512;
const REFLECTOR = "192.0.2.250";
const TIMERS = {
  holdTimeSeconds: 9,
  gracefulRestartSeconds: 0,
  connectRetrySeconds: 1,
  idleHoldSeconds: 0.2,
};

const client = (
  name: string,
  host: number,
): { name: string; address: string; podCidrs: string[] } => ({
  name,
  address: `192.0.2.${host}`,
  podCidrs: [`10.233.${host}.0/24`],
});
const cluster = (members: readonly unknown[]): unknown => ({
  asn: ASN,
  podPools: ["10.233.0.0/16"],
  topology: "reflector",
  members,
  reflectors: [{ name: "rr", address: REFLECTOR }],
});

describe("a margay reflector with a client of every kind", () => {
  const MARGAY = client("margay", 1);
  const CLIENTS = DAEMONS.map((kind, index) => ({
    kind,
    ...client(kind, index + 2),
  }));
  const directory = mkdtempSync(join(tmpdir(), "mgr-"));
  const network = new Network("mgi-rr");
  const foreign = new Map<string, ForeignSpeaker>();
  let reflector: Margay;
  let node: Margay;

  before(async () => {
    const segment = await network.segment("seg");
    const plugged = async (name: string, address: string): ReturnType<Network["namespace"]> => {
      const namespace = await network.namespace(name);
      await network.plug(namespace, "eth0", segment, `${address}/24`);
      return namespace;
    };
    reflector = new Margay(await plugged("rr", REFLECTOR), join(directory, "rr"));
    node = new Margay(await plugged("margay", MARGAY.address), join(directory, "margay"));
    node.configure(
      { node: { name: "margay" }, timers: TIMERS },
      cluster([
        MARGAY,
        ...CLIENTS.map(({ name, address, podCidrs }) => ({ name, address, podCidrs })),
      ]),
    );
    const starts = [
      reflector.startReflector([
        "--listen",
        `${REFLECTOR}:179`,
        "--asn",
        String(ASN),
        "--router-id",
        REFLECTOR,
        "--accept",
        "192.0.2.0/24",
      ]),
    ];
    for (const { kind, address, podCidrs } of CLIENTS) {
      const speaker = FOREIGN_SPEAKERS[kind](await plugged(kind, address), join(directory, kind));
      foreign.set(kind, speaker);
      starts.push(
        speaker.start({
          address,
          asn: ASN,
          routerId: address,
          holdTimeSeconds: 9,
          peers: [{ address: REFLECTOR, asn: ASN }],
          originate: podCidrs,
        }),
      );
    }
    starts.push(node.startNode());
    await Promise.all(starts);
  });
  after(async () => {
    await Promise.allSettled([
      reflector?.stop(),
      node?.stop(),
      ...[...foreign.values()].map((speaker) => speaker.stop()),
    ]);
    await network.destroy();
    rmSync(directory, { recursive: true, force: true });
  });

  test("accepts them all", async () => {
    await until("every session at the reflector", async () => {
      const peers = await reflector.peers();
      return (
        peers.length === CLIENTS.length + 1 &&
        peers.every((peer) => peer.state === "Established" && peer.reflectorClient)
      );
    });
  });

  for (const { kind, address } of CLIENTS) {
    // Every other client's pods, next hop untouched, with ORIGINATOR_ID and CLUSTER_LIST.
    scenario("client of a margay reflector (RFC 4456)", kind, async () => {
      const speaker = foreign.get(kind);
      assert.ok(speaker);
      const others = [MARGAY, ...CLIENTS].filter((other) => other.address !== address);
      const routes = await until(`${kind} to have ${others.length} routes`, async () => {
        const all = await speaker.routes();
        return all.length === others.length && all;
      });
      for (const other of others) {
        const route = routes.find(({ prefix }) => prefix === other.podCidrs[0]);
        assert.equal(route?.nextHop, other.address);
        assert.equal(route?.originatorId, other.address);
        assert.deepEqual(route?.clusterList, [REFLECTOR]);
        assert.equal(route?.localPreference, 100);
      }
      assert.ok(
        !routes.some(({ originatorId }) => originatorId === address),
        "nothing comes back to its origin",
      );
    });
  }

  test("margay gets them too and programs them, straight to the other node", async () => {
    for (const { address, podCidrs } of CLIENTS) {
      const prefix = podCidrs[0] ?? "";
      const path = await until(
        `margay to learn ${prefix}`,
        async () => (await node.route(prefix))?.candidates[0],
      );
      assert.deepEqual(
        [path.peer, path.nextHop, path.originatorId, path.clusterList],
        [REFLECTOR, address, address, [REFLECTOR]],
      );
      await until(`the kernel to route ${prefix} via ${address}`, async () =>
        (await node.namespace.run(["ip", "route", "show", prefix])).includes(
          `via ${address} dev eth0`,
        ),
      );
    }
  });

  test("the reflector writes no routes of its own", async () => {
    const routes = await reflector.namespace.run(["ip", "-4", "route"]);
    assert.doesNotMatch(routes, /10\.233\./);
  });

  test("a withdrawal and a lost client reach everybody", async () => {
    const [bird, gobgp] = [foreign.get("bird"), foreign.get("gobgp")];
    assert.ok(bird && gobgp);
    await bird.announce("10.233.88.0/24");
    await until("GoBGP to learn it", async () =>
      (await gobgp.routes()).some(({ prefix }) => prefix === "10.233.88.0/24"),
    );
    await bird.withdraw("10.233.88.0/24");
    await until(
      "GoBGP to forget it",
      async () => !(await gobgp.routes()).some(({ prefix }) => prefix === "10.233.88.0/24"),
    );
    await bird.stop();
    const lost = CLIENTS.find(({ kind }) => kind === "bird")?.podCidrs[0] ?? "";
    await until(
      "GoBGP to forget BIRD's pods",
      async () => !(await gobgp.routes()).some(({ prefix }) => prefix === lost),
      { timeoutSeconds: 30 },
    );
    await until(
      "margay to forget BIRD's pods",
      async () => (await node.route(lost)) === undefined,
      { timeoutSeconds: 30 },
    );
    await until(
      "the kernel to forget them",
      async () => (await node.namespace.run(["ip", "route", "show", lost])) === "",
    );
  });
});

scenarios(
  "reflector of two margay nodes (RFC 4456)",
  async (kind) => {
    const members = [client("m1", 1), client("m2", 2)];
    const directory = mkdtempSync(join(tmpdir(), "mgr-"));
    await using network = new Network(`mgi-rr-${kind}`);
    const segment = await network.segment("seg");
    const plugged = async (name: string, address: string): ReturnType<Network["namespace"]> => {
      const namespace = await network.namespace(name);
      await network.plug(namespace, "eth0", segment, `${address}/24`);
      return namespace;
    };
    const speaker = FOREIGN_SPEAKERS[kind](await plugged(kind, REFLECTOR), join(directory, kind));
    const nodes: Margay[] = [];
    try {
      await speaker.start({
        address: REFLECTOR,
        asn: ASN,
        routerId: REFLECTOR,
        holdTimeSeconds: 9,
        originate: [],
        peers: members.map(({ address }) => ({ address, asn: ASN, reflectorClient: true })),
      });
      for (const { name, address } of members) {
        const node = new Margay(await plugged(name, address), join(directory, name));
        node.configure({ node: { name }, timers: TIMERS }, cluster(members));
        nodes.push(node);
      }
      await Promise.all(nodes.map((node) => node.startNode()));
      for (const [index, node] of nodes.entries()) {
        const other = members[1 - index];
        assert.ok(other);
        const prefix = other.podCidrs[0] ?? "";
        const path = await until(
          `${prefix} to be reflected`,
          async () => (await node.route(prefix))?.candidates[0],
          { timeoutSeconds: 30 },
        );
        assert.deepEqual(
          [path.nextHop, path.originatorId, path.clusterList],
          [other.address, other.address, [REFLECTOR]],
        );
        await until("the kernel to have it", async () =>
          (await node.namespace.run(["ip", "route", "show", prefix])).includes(
            `via ${other.address} dev eth0`,
          ),
        );
      }
    } finally {
      await Promise.allSettled([speaker.stop(), ...nodes.map((node) => node.stop())]);
      rmSync(directory, { recursive: true, force: true });
    }
  },
  { exabgp: "ExaBGP reflects nothing" },
);
