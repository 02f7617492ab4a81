import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";
import { whyNoNamespaces } from "./support/network.ts";

const skip = whyNoNamespaces() ?? false;

const cluster = {
  podPools: ["10.233.0.0/16"],
  members: [
    { name: "first", address: "192.168.1.2" },
    { name: "second", address: "192.168.1.3", podCidrs: ["10.233.2.0/24"] },
  ],
};

describe("pod CIDRs from an interface", { skip, timeout: 120_000 * SLOWNESS }, () => {
  const network = new Network("mgpi");
  const directory = mkdtempSync(join(tmpdir(), "margay-pods-"));
  const margays: Margay[] = [];
  let a: Namespace;
  let b: Namespace;

  before(async () => {
    const segment = await network.segment("seg");
    for (const { name, address } of cluster.members) {
      const namespace = await network.namespace(name);
      await network.plug(namespace, "eth0", segment, `${address}/24`);
      margays.push(new Margay(namespace, join(directory, name)));
    }
    [a, b] = margays.map(({ namespace }) => namespace) as [Namespace, Namespace];
    margays[0]?.configure({ node: { name: "first", podCidrsInterface: "cni0" } }, cluster);
    margays[1]?.configure({ node: { name: "second" } }, cluster);
    for (const margay of margays) await margay.startNode();
  });

  after(async () => {
    for (const margay of margays) await margay.kill();
    await network.destroy();
    rmSync(directory, { recursive: true });
  });

  /** What the other node has in its kernel of the first one's pods. */
  const pods = async (): Promise<string[]> => {
    const text = await b.run(["ip", "route", "show", "proto", "77", "via", "192.168.1.2"]);
    return text.split("\n").flatMap((line) => line.split(" ")[0] || []);
  };

  const become = (wanted: readonly string[]): Promise<unknown> =>
    until(`the routes to be ${wanted.join(", ")}`, async () => {
      return JSON.stringify(await pods()) === JSON.stringify(wanted);
    });

  test("are none while it is not there, and its subnet when it comes", async () => {
    assert.deepEqual(await pods(), []);
    await a.ip("link add cni0 type bridge", "link set cni0 up", "addr add 10.233.1.1/24 dev cni0");
    await become(["10.233.1.0/24"]);
    assert.match(await a.run(["ip", "route"]), /^unreachable 10\.233\.1\.0\/24 proto margay/m);
  });

  test("follow its addresses, as far as they are in the pools", async () => {
    await a.ip("addr add 10.233.7.1/26 dev cni0", "addr add 172.16.0.1/24 dev cni0");
    await become(["10.233.1.0/24", "10.233.7.0/26"]);
    await a.ip("addr del 10.233.1.1/24 dev cni0");
    await become(["10.233.7.0/26"]);
  });

  test("stay over a reload, and are others with another interface", async () => {
    await a.ip("link add cni1 type bridge", "link set cni1 up", "addr add 10.233.9.1/24 dev cni1");
    margays[0]?.configure({ node: { name: "first", podCidrsInterface: "cni1" } }, cluster);
    margays[0]?.daemon.signal("SIGHUP");
    await become(["10.233.9.0/24"]);
  });

  test("go with it", async () => {
    await a.ip("link del cni1");
    await become([]);
  });
});
