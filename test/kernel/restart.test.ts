import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { margayVersion } from "../../src/api/version.ts";
import { copyAsVersion, type Margay, PROJECT } from "../support/margay.ts";
import { kernelHasIpip } from "../support/netns.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";
import {
  a1,
  a2,
  b1,
  Cluster,
  type NodeOfTest,
  withoutLosingAPing,
} from "./support/restart-cluster.ts";

const hasIpip = await kernelHasIpip();
const ipipRequired = process.env["MARGAY_REQUIRE_IPIP"] === "1";
const needsIpip =
  hasIpip || ipipRequired ? false : "expected: this kernel has no ipip, the one in QEMU has";

const inQemu = SLOWNESS > 1 && "expected: nothing of it needs ipip, and it takes minutes there";

type End = (margay: Margay) => Promise<void>;

const killOrStop: readonly End[] = [(margay) => margay.kill(), (margay) => margay.stop()];

/** By each end a life, and then another one. */
async function restarts(
  cluster: Cluster,
  node: NodeOfTest,
  peers: number,
  ends: readonly End[] = killOrStop,
): Promise<void> {
  const margay = cluster.margay(node);
  const others = [...cluster.margays.values()].filter((other) => other !== margay);
  for (const end of ends) {
    await end(margay);
    for (const other of others) {
      await until(`the session with ${node.name} to be lost`, async () => {
        const peer = await other.peer(node.address);
        return peer?.state !== "Established";
      });
      const route = await other.route(node.podCidr);
      assert.deepEqual(
        route?.candidates.map(({ stale }) => stale),
        [true],
        "the peer keeps the route as stale",
      );
    }
    await margay.startNode();
    await cluster.established(node, peers);
    for (const other of others) {
      await until(`${node.podCidr} to be fresh again`, async () => {
        const route = await other.route(node.podCidr);
        return route?.candidates[0]?.stale === false;
      });
    }
    await until("nothing to be stale", async () => (await margay.status()).fib?.stale === 0);
  }
}

describe("restarting the daemon among three nodes beyond a router, by VXLAN", {
  skip: inQemu,
  timeout: 120_000 * SLOWNESS,
}, () => {
  const cluster = new Cluster("mgrv");
  const [b2, b3] = [2, 3].map((number): NodeOfTest => {
    const [address, podCidr] = [`192.168.2.${number + 1}`, `10.233.${number + 5}.0/24`];
    return { name: `b${number}`, address, podCidr, pod: `10.233.${number + 5}.10` };
  }) as [NodeOfTest, NodeOfTest];
  const far = [b1, b2, b3];

  before(async () => {
    await cluster.build([a1, ...far], { tunnel: "vxlan" });
    await Promise.all([...cluster.margays.values()].map((margay) => margay.startNode()));
    for (const node of [a1, ...far]) await cluster.established(node, far.length);
  });
  after(() => cluster.close());

  test("loses no ping to any of them, by kill -9 and by SIGTERM", async () => {
    const pingingAll = far.reduceRight<() => Promise<void>>(
      (events, node) => () => withoutLosingAPing(cluster, [a1, node], events),
      () => restarts(cluster, a1, far.length),
    );
    await pingingAll();
  });

  test("loses none to the one whose session comes long after the others'", async () => {
    const margay = cluster.margay(a1);
    const nft = (words: string): Promise<string> =>
      cluster.margay(b3).namespace.run(["nft", words]);
    const stale = async (): Promise<number | undefined> => (await margay.status()).fib?.stale;
    await withoutLosingAPing(cluster, [a1, b3], async () => {
      await nft("add table inet deaf");
      await nft("add chain inet deaf input { type filter hook input priority 0; }");
      for (const end of ["sport", "dport"])
        await nft(`add rule inet deaf input tcp ${end} 179 drop`);
      await margay.kill();
      await margay.startNode();
      await cluster.established(a1, far.length - 1);
      await until("the routes of all but one", async () => (await stale()) === 1);
      await nft("delete table inet deaf");
      await cluster.established(a1, far.length);
      await until("nothing to be stale", async () => (await stale()) === 0);
    });
  });
});

describe("restarting the daemon", { timeout: 120_000 * SLOWNESS }, () => {
  const cluster = new Cluster("mgre");
  const nodes = hasIpip || ipipRequired ? [a1, a2, b1] : [a1, a2];

  before(async () => {
    await cluster.build(nodes);
    await Promise.all([...cluster.margays.values()].map((margay) => margay.startNode()));
    for (const node of nodes) await cluster.established(node, nodes.length - 1);
  });
  after(() => cluster.close());

  test("loses no ping on the same segment, by kill -9 and by SIGTERM", async () => {
    await withoutLosingAPing(cluster, [a1, a2], () => restarts(cluster, a1, nodes.length - 1));
  });

  test("for another version loses no ping, and again for the one before", {
    skip: inQemu,
  }, async () => {
    const former = join(cluster.directory, "former");
    mkdirSync(former);
    copyAsVersion("0.0.1", former);
    const versions: string[] = [];
    const to = (program: string): End => {
      return async (margay) => {
        versions.push((await margay.status()).version);
        await margay.stop();
        margay.program = program;
      };
    };
    const ends = [to(former), to(PROJECT)];
    await withoutLosingAPing(cluster, [a1, a2], () =>
      restarts(cluster, a1, nodes.length - 1, ends),
    );
    const now = margayVersion();
    assert.deepEqual(
      [...versions, (await cluster.margay(a1).status()).version],
      [now, "0.0.1", now],
    );
  });

  test("loses no ping through tunl0, by kill -9 and by SIGTERM", { skip: needsIpip }, async () => {
    await withoutLosingAPing(cluster, [a1, b1], () => restarts(cluster, b1, nodes.length - 1));
  });
});
