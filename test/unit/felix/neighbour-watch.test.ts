import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FelixHarness, prefix } from "../../support/felix-harness.ts";

let h: FelixHarness;

beforeEach(async () => {
  h = new FelixHarness();
  await h.router();
});

afterEach(() => h.stop());

const BESIDE = "192.168.1.3";
const way = (): string | undefined => h.there()[0];
const DIRECT = `10.233.2.0/24 ${BESIDE} eth0 77`;
const TUNNELLED = `10.233.2.0/24 ${BESIDE} vxlan.margay 77`;

/** Time passes, a second at a time, and what it brings is done. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    h.clock.advance(1_000);
    await h.quiet();
  }
}

async function start(encapsulation: "cross-subnet" | "never" = "cross-subnet"): Promise<void> {
  await h.start({ podCidrs: [], tunnel: "vxlan", encapsulation });
  h.set("10.233.2.0/24", BESIDE);
  await h.felix.settled();
  await h.quiet();
}

describe("a next hop on our segment", () => {
  test("of which the kernel knows nothing is asked for, once; who answers is left in peace", async () => {
    await start();
    await pass(60);
    assert.deepEqual(h.kernel.probes, [BESIDE]);
    assert.equal(way(), DIRECT);
  });

  test("that nobody finds twice in a row is reached through the tunnel, and explain says why", async () => {
    h.kernel.silent.add(BESIDE);
    await start();
    assert.equal(way(), DIRECT, "one failure is not enough");
    await pass(1);
    assert.equal(way(), TUNNELLED);
    const { lines } = await h.felix.explain("10.233.2.9");
    assert.equal(
      lines[2],
      "next hop 192.168.1.3: 192.168.1.3 is in 192.168.1.0/24, a subnet of eth0, but does not answer there: tunnel",
    );
  });

  test("comes back when it has answered for a while, and later each time that it lapses", async () => {
    h.kernel.silent.add(BESIDE);
    await start();
    await pass(1);
    for (const seconds of [10, 20, 40]) {
      assert.equal(way(), TUNNELLED);
      h.kernel.silent.delete(BESIDE);
      // It is asked, and has answered by now.
      h.other.probeNeighbour("ipv4", h.eth0, BESIDE);
      await h.quiet();
      await pass(seconds - 1);
      assert.equal(way(), TUNNELLED, `not within ${seconds} s`);
      await pass(1);
      assert.equal(way(), DIRECT);
      h.kernel.silent.add(BESIDE);
      h.other.probeNeighbour("ipv4", h.eth0, BESIDE);
      await h.quiet();
      assert.equal(way(), DIRECT);
      await pass(1);
    }
  });

  test("is asked for while it is silent, less and less, without anybody else's help", async () => {
    h.kernel.silent.add(BESIDE);
    await start();
    await pass(1);
    h.kernel.probes = [];
    await pass(120);
    const asked = h.kernel.probes.length;
    assert.ok(asked >= 5 && asked <= 12, `${asked} times`);
    h.kernel.silent.delete(BESIDE);
    await pass(45);
    assert.equal(way(), DIRECT);
  });

  test("that fails while it is to come back stays in the tunnel", async () => {
    h.kernel.silent.add(BESIDE);
    await start();
    await pass(1);
    h.kernel.silent.delete(BESIDE);
    h.other.probeNeighbour("ipv4", h.eth0, BESIDE);
    await h.quiet();
    await pass(5);
    h.kernel.silent.add(BESIDE);
    await pass(60);
    assert.equal(way(), TUNNELLED);
  });

  test("stays where it is without tunnels: by the configuration, or since the kernel has none", async () => {
    h.kernel.silent.add(BESIDE);
    await start("never");
    await pass(30);
    assert.equal(way(), DIRECT);
    h.kernel.hasVxlan = false;
    h.felix.setPoolPolicies([], { encapsulation: "cross-subnet", tunnel: "vxlan" });
    await h.quiet();
    await pass(30);
    assert.equal(way(), DIRECT);
    assert.equal(h.entry("10.233.2.0/24")?.state, "installed");
  });

  test("that nobody needs any more is not asked for", async () => {
    h.kernel.silent.add(BESIDE);
    await start();
    h.felix.pictureComplete();
    h.felix.removeRoute(prefix("10.233.2.0/24"));
    await h.felix.settled();
    h.kernel.probes = [];
    await pass(60);
    assert.deepEqual(h.kernel.probes, []);
  });

  test("that is one of many is asked for in its turn", async () => {
    await start();
    for (let index = 0; index < 40; index++)
      h.set(`10.233.${index + 10}.0/24`, `192.168.1.${index + 10}`);
    await h.felix.settled();
    assert.equal(h.kernel.probes.length, 17);
    await pass(1);
    assert.equal(new Set(h.kernel.probes).size, 41);
    assert.equal(h.kernel.probes.length, 41);
  });

  test("whose failures were told while events were lost is looked up", async () => {
    await start();
    h.kernel.mute();
    h.kernel.silent.add(BESIDE);
    h.other.probeNeighbour("ipv4", h.eth0, BESIDE);
    h.kernel.unmute();
    await h.quiet();
    await pass(1);
    assert.equal(way(), TUNNELLED);
  });
});
