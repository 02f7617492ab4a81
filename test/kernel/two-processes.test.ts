import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";
import { whyNoNamespaces } from "./support/network.ts";

const skip = whyNoNamespaces() ?? false;
const isBuilt = process.env["MARGAY_PROGRAM"] === "dist";
const NET_BIND_SERVICE = 1n << 10n;
const NET_ADMIN = 1n << 12n;

const cluster = {
  podPools: ["10.233.0.0/16"],
  members: [
    { name: "first", address: "192.168.1.2", podCidrs: ["10.233.1.0/24"] },
    { name: "second", address: "192.168.1.3", podCidrs: ["10.233.2.0/24"] },
  ],
};
/** Nothing of it needs IPIP. */
const common = { tunnel: "vxlan" };

describe("a node in two processes", { skip, timeout: 180_000 * SLOWNESS }, () => {
  const network = new Network("mg2p");
  const directory = mkdtempSync(join(tmpdir(), "margay-two-"));
  let here: Namespace;
  let speaker: Margay;
  let felix: Margay;
  let other: Margay;

  before(async () => {
    const segment = await network.segment("seg");
    const namespaces: Namespace[] = [];
    for (const { name, address } of cluster.members) {
      const namespace = await network.namespace(name);
      await network.plug(namespace, "eth0", segment, `${address}/24`);
      namespaces.push(namespace);
    }
    const [first, second] = namespaces as [Namespace, Namespace];
    here = first;
    speaker = new Margay(first, join(directory, "speaker"));
    felix = new Margay(first, join(directory, "felix"));
    other = new Margay(second, join(directory, "second"));
    const node = { name: "first" };
    speaker.configure({ ...common, node, felix: { socket: felix.socket } }, cluster);
    other.configure({ ...common, node: { name: "second" } }, cluster);
    await Promise.all([startFelix(), startSpeaker(), other.startNode()]);
  });

  after(async () => {
    for (const margay of [speaker, felix, other]) await margay.kill();
    await network.destroy();
    rmSync(directory, { recursive: true });
  });

  const startFelix = (): Promise<void> => felix.start(["felix", "--config", speaker.configFile]);
  const startSpeaker = (): Promise<void> =>
    speaker.start(["speaker", "--config", speaker.configFile]);
  const route = (): Promise<string> => here.run(["ip", "route", "show", "10.233.2.0/24"]);
  const hasRoute = async (): Promise<boolean> => (await route()).includes("via 192.168.1.3");
  const isEstablished = async (): Promise<boolean> =>
    (await speaker.peer("192.168.1.3"))?.state === "Established";

  test("the one's routes are in the other's kernel, and what the other says is in the one's status", async () => {
    await until("the route to be there", hasRoute);
    await until(
      "the programmer to report",
      async () => (await speaker.status()).fib?.installed === 2,
    );
    for (const margay of [speaker, felix]) {
      const { firewall } = await margay.status();
      assert.equal(firewall?.table, "in place");
      assert.deepEqual(firewall.guarded, ["vxlan"]);
    }
  });

  test("each has the capabilities alone that it needs", {
    skip: isBuilt ? false : "expected: the kernel tests run the built program",
  }, () => {
    for (const [margay, wanted] of [
      [speaker, NET_BIND_SERVICE],
      [felix, NET_ADMIN],
      [other, NET_ADMIN | NET_BIND_SERVICE],
    ] as const) {
      const status = readFileSync(`/proc/${margay.daemon.pid}/status`, "utf8");
      for (const set of ["Prm", "Eff", "Bnd"]) {
        const digits = new RegExp(`^Cap${set}:\\s*([0-9a-f]+)`, "m").exec(status)?.[1];
        assert.equal(BigInt(`0x${digits}`), wanted, set);
      }
    }
  });

  test("the programmer may die: the session stays, and the next one puts right what was changed meanwhile", async () => {
    await until("the session to be up", isEstablished);
    const since = (await speaker.peer("192.168.1.3"))?.flaps;
    await felix.kill();
    assert.equal(await hasRoute(), true);
    await here.ip("route del 10.233.2.0/24");
    await startFelix();
    await until("the route to be back", hasRoute);
    assert.equal((await speaker.peer("192.168.1.3"))?.flaps, since);
  });

  test("the speaker may die: the routes stay, and the next one takes them up", async () => {
    await speaker.kill();
    await until("the programmer to notice", async () => (await felix.status()).warnings.length > 0);
    assert.equal(await hasRoute(), true);
    await startSpeaker();
    await until("the programmer to be content", async () => {
      return (await felix.status()).warnings.length === 0;
    });
    await until("the session to be up", isEstablished);
    assert.equal(await hasRoute(), true);
  });
});
