import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;
const WITHIN_MS = 200 * slowness;
const FIRST_ID = 77 * 2 ** 24 + 1;
const PREFIX = "10.233.2.0/24";
const LINE = `10.233.2.0/24 nhid ${FIRST_ID} via 192.168.1.3 dev eth0 proto margay`;
const BOTH = [
  `10.233.3.0/24 nhid ${FIRST_ID + 2} proto margay`,
  "nexthop via 192.168.1.3 dev eth0 weight 1",
  "nexthop via 192.168.1.4 dev eth0 weight 1",
];
const THOUSAND = Array.from({ length: 1000 }, (_, index) => {
  return `10.233.${128 + (index >>> 4)}.${(index & 15) * 16}/28`;
});

describe("routes through next-hop objects", { skip, timeout: 60_000 * slowness }, () => {
  let segment: Segment;
  let felix: FelixProcess;

  beforeEach(async () => {
    segment = await Segment.build("objects");
    felix = await segment.felix({ nextHopObjects: "auto" });
    await felix.setRoute(PREFIX, "192.168.1.3");
    await felix.setRoute("10.233.3.0/24", "192.168.1.3", "192.168.1.4");
  });

  afterEach(() => segment?.close());

  async function objects(): Promise<string[]> {
    const lines = (await segment.ip("nexthop show")).split("\n");
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  }

  async function asWanted(): Promise<void> {
    assert.deepEqual(await segment.routes(PREFIX), [LINE]);
    assert.deepEqual(await segment.routes("10.233.3.0/24"), BOTH);
    assert.deepEqual(await objects(), [
      `id ${FIRST_ID} via 192.168.1.3 dev eth0 scope link proto margay`,
      `id ${FIRST_ID + 1} via 192.168.1.4 dev eth0 scope link proto margay`,
      `id ${FIRST_ID + 2} group ${FIRST_ID}/${FIRST_ID + 1} proto margay`,
    ]);
  }

  test("name them, and groups of them", asWanted);

  test("a thousand move to another next hop by one message, and the kernel has them there", async () => {
    await felix.call("setRoutes", THOUSAND, "192.168.1.4");
    await felix.call("settled");
    assert.equal((await segment.routes("root 10.233.128.0/17")).length, 1000);
    const monitor = await segment.monitor("nexthop");
    await felix.call("setRoutes", THOUSAND, "192.168.1.9");
    await felix.call("settled");
    const lines = await segment.routes("root 10.233.128.0/17");
    assert.equal(lines.filter((line) => line.includes("via 192.168.1.9 dev eth0")).length, 1000);
    assert.equal((await monitor.end()).length, 1);
  });

  for (const damage of [
    `nexthop del id ${FIRST_ID}`,
    `nexthop replace id ${FIRST_ID} via 192.168.1.9 dev eth0 proto 77`,
    `nexthop replace id ${FIRST_ID + 2} group ${FIRST_ID + 1} proto 77`,
    `nexthop del id ${FIRST_ID + 2}`,
    `nexthop flush proto 77`,
    "route replace 10.233.2.0/24 via 192.168.1.4 proto 77",
    "route del 10.233.2.0/24",
  ]) {
    test(`are repaired within 200 ms after ip ${damage}`, async () => {
      const { repairs } = await felix.status();
      await segment.ip(damage);
      const doneMs = performance.now();
      await felix.untilStatus((status) => status.repairs > repairs);
      // Of a flush some of what it deletes may be repaired before it deletes the rest.
      for (;;) {
        await felix.call("settled");
        const tookMs = performance.now() - doneMs;
        try {
          await asWanted();
          break;
        } catch (error) {
          if (tookMs > WITHIN_MS) throw error;
        }
      }
      assert.match(felix.log, /someone deleted or changed: protocol .*, port ID \d+/);
    });
  }

  test("come back with their link", async () => {
    const resync = felix.nextEvent(({ kind }) => kind === "resync");
    await segment.ip("link set eth0 down");
    await resync;
    await felix.call("settled");
    assert.deepEqual(await objects(), []);
    const back = felix.nextEvent(({ kind, prefix }) => kind !== "resync" && prefix === PREFIX);
    await segment.ip("link set eth0 up");
    await back;
    await felix.call("settled");
    await asWanted();
  });

  test("are adopted by the next life, which writes nothing", async () => {
    await felix.kill();
    const monitors = [await segment.monitor(), await segment.monitor("nexthop")];
    const next = await segment.felix({ nextHopObjects: "auto" });
    assert.equal((await next.status()).adopted, 3);
    await next.setRoute("10.233.3.0/24", "192.168.1.3", "192.168.1.4");
    await next.setRoute(PREFIX, "192.168.1.3");
    await next.call("pictureComplete");
    await next.call("settled");
    await asWanted();
    for (const monitor of monitors) assert.deepEqual(await monitor.end(), []);
  });

  test("give way to plain ones, and the objects go, when they are switched off", async () => {
    await felix.kill();
    const next = await segment.felix();
    await next.setRoute("10.233.3.0/24", "192.168.1.3", "192.168.1.4");
    await next.setRoute(PREFIX, "192.168.1.3");
    await next.call("pictureComplete");
    await next.call("settled");
    assert.deepEqual(await segment.routes(PREFIX), [
      "10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay",
    ]);
    assert.deepEqual(await objects(), []);
  });

  test("are shown whole where the kernel names the object alone", async () => {
    await segment.network.exec(
      ...[segment.node, "sysctl", "-q", "-w", "net.ipv4.nexthop_compat_mode=0"],
    );
    const next = await segment.felix({ nextHopObjects: "auto" });
    assert.equal((await next.status()).adopted, 3);
    await felix.kill();
    await next.setRoute(PREFIX, "192.168.1.3");
    assert.equal((await next.route(PREFIX))?.["state"], "adopted");
    const { lines } = await next.call<{ lines: string[] }>("explain", "10.233.2.7");
    assert.deepEqual(lines, [
      `10.233.2.0/24 is wanted nhid ${FIRST_ID} via 192.168.1.3 dev eth0: adopted`,
      "MTU 1500: eth0 sends no more",
      "next hop 192.168.1.3: 192.168.1.3 is in 192.168.1.0/24, a subnet of eth0: direct",
      `the kernel uses ${LINE}`,
    ]);
  });

  test("of others under our next hops are followed, also where the kernel names the object alone", async () => {
    await segment.network.exec(
      ...[segment.node, "sysctl", "-q", "-w", "net.ipv4.nexthop_compat_mode=0"],
    );
    await segment.ip("nexthop add id 5 via 192.168.1.4 dev eth0 proto static");
    await segment.ip("route add 172.16.0.0/24 nhid 5 proto static");
    const answer = await felix.call<{ kernel: { text: string } }>("explain", "172.16.0.9");
    assert.equal(answer.kernel.text, "nhid 5 via 192.168.1.4 dev eth0");
    await felix.setRoute("10.233.9.0/24", "172.16.0.9");
    const { lines } = await felix.call<{ lines: string[] }>("explain", "10.233.9.1");
    assert.match(lines.join("\n"), /172\.16\.0\.9 is behind 192\.168\.1\.4 on eth0/);
  });

  test("and theirs are all that cleanup takes", async () => {
    await felix.kill();
    await segment.ip("nexthop add id 5 via 192.168.1.9 dev eth0 proto static");
    const program = fileURLToPath(new URL("./cleanup-runner.ts", import.meta.url));
    const clean = (dryRun: string): Promise<string> =>
      segment.network.exec(segment.node, process.execPath, program, dryRun);
    const dry = await clean("true");
    assert.ok(dry.includes(`would remove ${LINE}\n`), dry);
    assert.ok(dry.includes(`would remove nexthop id ${FIRST_ID} via 192.168.1.3 dev eth0\n`), dry);
    await asIs();
    await clean("false");
    assert.deepEqual(await objects(), ["id 5 via 192.168.1.9 dev eth0 scope link proto static"]);
    assert.deepEqual(await segment.ownRoutes(), []);

    async function asIs(): Promise<void> {
      assert.deepEqual(await segment.routes(PREFIX), [LINE]);
      assert.equal((await objects()).length, 4);
    }
  });
});
