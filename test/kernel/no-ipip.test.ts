import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { hasIpip } from "./support/ipip.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? (hasIpip() && "expected: this kernel has ipip");

describe("a kernel without ipip", { skip, timeout: 60_000 * slowness }, () => {
  let segment: Segment;
  let felix: FelixProcess;

  before(async () => {
    segment = await Segment.build("noipip");
    await segment.ip("route add 192.168.2.0/24 via 192.168.1.4");
    felix = await segment.felix();
    await felix.call("setRoute", "10.233.2.0/24", "192.168.2.2");
    await felix.setRoute("10.233.3.0/24", "192.168.1.3");
  });

  after(() => segment?.close());

  test("the other routes go in", async () => {
    assert.deepEqual(await segment.routes("10.233.3.0/24"), [
      "10.233.3.0/24 via 192.168.1.3 dev eth0 proto margay",
    ]);
    assert.deepEqual(await segment.routes("10.233.2.0/24"), []);
  });

  test("the route, the status and the log name it, with the remedy", async () => {
    const problem = "kernel has no ipip (EOPNOTSUPP: Unknown device type)";
    const remedy = "modprobe ipip, or `tunnel: vxlan` on every node, or `encapsulation: never`";
    const route = await felix.route("10.233.2.0/24");
    assert.equal(route?.["state"], "error");
    assert.equal(route["errno"], 95);
    assert.equal(route["problem"], problem);
    assert.equal(route["remedy"], remedy);
    const [tunnel] = (await felix.status()).tunnels;
    assert.equal(tunnel?.isSupported, false);
    assert.deepEqual(tunnel.problem, { errno: 95, text: problem, remedy });
    assert.ok(felix.log.includes(problem) && felix.log.includes(remedy));
    assert.equal(felix.log.split(problem).length, 2, "said once");
  });

  test("it goes in once the next hop is on the segment", async () => {
    const installed = felix.nextEvent(({ kind }) => kind === "installed");
    await segment.ip("route del 192.168.2.0/24");
    await segment.ip("addr add 192.168.2.1/24 dev eth0");
    await installed;
    assert.deepEqual(await segment.routes("10.233.2.0/24"), [
      "10.233.2.0/24 via 192.168.2.2 dev eth0 proto margay",
    ]);
  });
});
