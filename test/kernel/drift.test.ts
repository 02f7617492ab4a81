import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { until } from "../support/until.ts";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;
const PREFIX = "10.233.2.0/24";

for (const nextHopObjects of ["never", "auto"]) {
  describe(`what happens to links, next-hop objects: ${nextHopObjects}`, {
    skip,
    timeout: 120_000 * slowness,
  }, () => {
    let segment: Segment;
    let felix: FelixProcess;

    beforeEach(async () => {
      segment = await Segment.build("drift");
      felix = await segment.felix({ nextHopObjects });
      await felix.setRoute(PREFIX, "192.168.1.3");
      await felix.setRoute("10.233.3.0/24", "192.168.1.3", "192.168.1.4");
      await inKernel("eth0");
    });

    afterEach(() => segment?.close());

    /** Both routes are there, through this device. */
    async function inKernel(device: string): Promise<void> {
      await until(`the routes through ${device}`, async () => {
        const single = (await segment.routes(PREFIX)).join(" ");
        const both = (await segment.routes("10.233.3.0/24")).join(" ");
        return (
          single.includes(`via 192.168.1.3 dev ${device}`) &&
          both.includes(`via 192.168.1.3 dev ${device}`) &&
          both.includes(`via 192.168.1.4 dev ${device}`)
        );
      });
    }

    const waits = async (): Promise<void> => {
      await until("the route to wait", async () => {
        return (await felix.route(PREFIX))?.["state"] === "pending";
      });
    };

    test("one that is renamed has its routes under its new name", async () => {
      await segment.ip("link set eth0 down");
      await waits();
      await segment.ip("link set eth0 name uplink");
      await segment.ip("link set uplink up");
      await inKernel("uplink");
      const { lines } = await felix.call<{ lines: string[] }>("explain", "10.233.2.7");
      assert.match(lines.at(-2) ?? "", /a subnet of uplink: direct/);
    });

    test("one that is renamed while it is up, where the kernel lets it", async () => {
      await segment.ip("link set eth0 name uplink");
      await inKernel("uplink");
      await until("its new name to be shown", async () => {
        const { lines } = await felix.call<{ lines: string[] }>("explain", "10.233.2.7");
        return lines[0]?.includes("dev uplink");
      });
    });

    test("one that goes with the namespace at its other end, and is made again", async () => {
      const { network, node, neighbour } = segment;
      await network.remove(neighbour);
      await waits();
      assert.deepEqual(await segment.routes("root 10.233.2.0/23 type unicast"), []);
      const other = await network.namespace("c");
      await network.wire(
        { namespace: node, device: "eth0", address: "192.168.1.2/24" },
        { namespace: other, device: "eth0", address: "192.168.1.3/24" },
      );
      await inKernel("eth0");
    });

    test("an address that goes and comes back", async () => {
      await segment.ip("addr del 192.168.1.2/24 dev eth0");
      await waits();
      await segment.ip("addr add 192.168.1.2/24 dev eth0");
      await inKernel("eth0");
      await felix.call("settled");
      assert.equal((await felix.route(PREFIX))?.["state"], "installed");
    });
  });
}

describe("events that are lost", { skip, timeout: 120_000 * slowness }, () => {
  test("are made good: more than the socket holds while nobody reads", async () => {
    const segment = await Segment.build("overflow");
    try {
      const felix = await segment.felix();
      await felix.setRoute(PREFIX, "192.168.1.3");
      felix.signal("SIGSTOP");
      // Twenty thousand fill eight megabytes; then what happens to ours goes unheard.
      const flood = Array.from({ length: 60_000 }, (_, index) => {
        return `route add blackhole 20.${index >>> 8}.${index & 255}.0/24 table 77`;
      });
      await segment.batch(flood);
      await segment.ip(`route del ${PREFIX}`);
      felix.signal("SIGCONT");
      await until("the loss to be noticed", async () => (await felix.status()).overflows > 0);
      await until("the route to be back", async () => (await segment.routes(PREFIX)).length === 1);
      assert.ok((await felix.status()).repairs >= 1);
    } finally {
      await segment.close();
    }
  });
});

describe("forwarding", { skip, timeout: 120_000 * slowness }, () => {
  let segment: Segment;

  beforeEach(async () => {
    segment = await Segment.build("forwarding");
  });

  afterEach(() => segment?.close());

  const sysctl = (...words: string[]): Promise<string> =>
    segment.network.exec(segment.node, "sysctl", ...words);

  for (const setting of [
    "net.ipv4.ip_forward",
    "net.ipv4.conf.eth0.forwarding",
    "net.ipv6.conf.all.forwarding",
  ]) {
    test(`that somebody switches off by ${setting} is switched on again`, async () => {
      const felix = await segment.felix({ podPools: ["10.233.0.0/16", "fd00:233::/32"] });
      await felix.setRoute(PREFIX, "192.168.1.3");
      assert.equal((await sysctl("-n", setting)).trim(), "1");
      await sysctl("-qw", `${setting}=0`);
      await until("it to be on again", async () => (await sysctl("-n", setting)).trim() === "1");
      await felix.untilStatus(({ repairs }) => repairs === 1);
      const { forwarding, ipv6Forwarding } = await felix.status();
      assert.deepEqual([forwarding.enabled, ipv6Forwarding?.enabled], [true, true]);
      assert.match(
        felix.log,
        /warn switched on IPv[46] forwarding.*, which someone had switched off/,
      );
    });
  }

  test("of a link that no route leads through is left", async () => {
    await segment.ip("link add veth0 type veth peer name veth1");
    const felix = await segment.felix();
    await felix.setRoute(PREFIX, "192.168.1.3");
    await sysctl("-qw", "net.ipv4.conf.veth0.forwarding=0");
    await sysctl("-qw", "net.ipv4.conf.eth0.forwarding=0");
    await felix.untilStatus(({ repairs }) => repairs === 1);
    assert.equal((await sysctl("-n", "net.ipv4.conf.veth0.forwarding")).trim(), "0");
  });
});
