import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FelixHarness } from "../../support/felix-harness.ts";

describe("link-local next hops", () => {
  let h: FelixHarness;
  beforeEach(() => {
    h = new FelixHarness();
    h.kernel.addAddress(h.eth0, "fe80::1", 64);
  });
  afterEach(() => h.stop());

  test("are reached by their device, for IPv4 and IPv6 routes, whatever is to be tunnelled", async () => {
    await h.start({ encapsulation: "always" });
    h.set("10.233.2.0/24", "fe80::2%eth0");
    h.set("fd00:2::/64", "fe80::2%eth0");
    await h.felix.settled();
    assert.deepEqual(h.there(), ["10.233.1.0/24 unreachable 77", "10.233.2.0/24 fe80::2 eth0 77"]);
    assert.equal(h.entry("fd00:2::/64")?.kernel?.text, "via fe80::2 dev eth0");
    assert.equal(h.entry("10.233.2.0/24")?.kernel?.text, "via inet6 fe80::2 dev eth0");
    const [hop] = h.entry("10.233.2.0/24")?.wanted?.nextHops ?? [];
    assert.deepEqual([hop?.address, hop?.mode], ["fe80::2%eth0", "direct"]);
  });

  test("on a device that is not there, or of our own, lead nowhere, and say why", async () => {
    await h.start();
    h.set("10.233.2.0/24", "fe80::2%eth9");
    h.set("10.233.3.0/24", "fe80::1%eth0");
    await h.felix.settled();
    assert.equal(h.entry("10.233.2.0/24")?.problem, "there is no device eth9 for fe80::2%eth9");
    assert.match(h.entry("10.233.3.0/24")?.problem ?? "", /is an address of this node/);
  });

  test("are reached as soon as their device comes", async () => {
    await h.start();
    h.set("10.233.2.0/24", "fe80::2%eth9");
    await h.felix.settled();
    const { ifindex } = h.kernel.addLink("eth9", { up: true });
    h.kernel.addAddress(ifindex, "fe80::9", 64);
    await h.quiet();
    assert.equal(h.entry("10.233.2.0/24")?.kernel?.text, "via inet6 fe80::2 dev eth9");
    assert.equal(h.entry("10.233.2.0/24")?.kernel?.text, "via inet6 fe80::2 dev eth9");
  });
});
