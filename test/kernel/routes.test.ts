import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { Segment } from "./support/segment.ts";

const skip = whyNoNamespaces() ?? false;

describe("routes on the same segment", { skip, timeout: 60_000 * slowness }, () => {
  let segment: Segment;
  let felix: FelixProcess;

  before(async () => {
    segment = await Segment.build("routes");
    felix = await segment.felix();
  });

  after(() => segment?.close());

  test("go in as ip route shows them", async () => {
    await felix.setRoute("10.233.2.0/24", "192.168.1.3");
    assert.deepEqual(await segment.routes("10.233.2.0/24"), [
      "10.233.2.0/24 via 192.168.1.3 dev eth0 proto margay",
    ]);
  });

  test("follow their next hop by replacement", async () => {
    await felix.setRoute("10.233.3.0/24", "192.168.1.3");
    await felix.setRoute("10.233.3.0/24", "192.168.1.4");
    assert.deepEqual(await segment.routes("10.233.3.0/24"), [
      "10.233.3.0/24 via 192.168.1.4 dev eth0 proto margay",
    ]);
  });

  test("over two next hops are one multipath route", async () => {
    await felix.setRoute("10.233.4.0/24", "192.168.1.3", "192.168.1.4");
    assert.deepEqual(await segment.routes("10.233.4.0/24"), [
      "10.233.4.0/24 proto margay",
      "nexthop via 192.168.1.3 dev eth0 weight 1",
      "nexthop via 192.168.1.4 dev eth0 weight 1",
    ]);
  });

  test("the own pod CIDR answers unreachable, at the worst metric", async () => {
    assert.deepEqual(await segment.routes("10.233.1.0/24"), [
      "unreachable 10.233.1.0/24 proto margay metric 4278198272",
    ]);
  });

  test("the own pod CIDR gets no unreachable where a wider subnet of an interface holds it", async () => {
    await segment.ip("addr add 10.234.0.1/16 dev eth0");
    await felix.call("setLocalPrefixes", "10.233.1.0/24", "10.234.5.0/24", "10.233.9.7/32");
    await felix.call("pictureComplete");
    await felix.call("settled");
    assert.deepEqual(await segment.routes("type unreachable"), [
      "unreachable 10.233.1.0/24 proto margay metric 4278198272",
    ]);
    const { local } = await felix.status();
    assert.deepEqual(
      local.map(({ reason }) => reason),
      [
        "addresses that no pod has answer ICMP unreachable",
        "it would shadow 10.234.0.0/16 on eth0",
        "a /32 is the pod's own route",
      ],
    );
    await segment.ip("addr del 10.234.0.1/16 dev eth0");
    await felix.call("setLocalPrefixes", "10.233.1.0/24");
  });

  test("a next hop without a way waits for one, and the others go on", async () => {
    await felix.call("setRoute", "10.233.5.0/24", "172.16.0.9");
    await felix.setRoute("10.233.6.0/24", "192.168.1.3");
    assert.deepEqual(await segment.routes("10.233.5.0/24"), []);
    assert.equal((await segment.routes("10.233.6.0/24")).length, 1);
    const waiting = await felix.route("10.233.5.0/24");
    assert.equal(waiting?.["state"], "pending");
    assert.match(String(waiting?.["problem"]), /no route to 172\.16\.0\.9 \(ENETUNREACH/);
    const installed = felix.nextEvent(({ kind }) => kind === "installed");
    await segment.ip("addr add 172.16.0.1/24 dev eth0");
    await installed;
    assert.deepEqual(await segment.routes("10.233.5.0/24"), [
      "10.233.5.0/24 via 172.16.0.9 dev eth0 proto margay",
    ]);
  });

  test("go out with removeRoute once the picture is complete", async () => {
    await felix.call("pictureComplete");
    await felix.call("removeRoute", "10.233.2.0/24");
    await felix.call("settled");
    assert.deepEqual(await segment.routes("10.233.2.0/24"), []);
  });

  test("explain names the wanted route, the verdict and the kernel's answer", async () => {
    const { lines } = await felix.call<{ lines: string[] }>("explain", "10.233.3.7");
    assert.deepEqual(lines, [
      "10.233.3.0/24 is wanted via 192.168.1.4 dev eth0: installed",
      "MTU 1500: eth0 sends no more",
      "next hop 192.168.1.4: 192.168.1.4 is in 192.168.1.0/24, a subnet of eth0: direct",
      "the kernel uses 10.233.3.0/24 via 192.168.1.4 dev eth0 proto margay",
    ]);
  });

  test("forwarding was switched on, and that is said", async () => {
    const { forwarding } = await felix.status();
    assert.deepEqual(forwarding, { enabled: true, switchedOn: true });
    assert.match(felix.log, /switched on IPv4 forwarding/);
    const value = await segment.network.exec(segment.node, "cat", "/proc/sys/net/ipv4/ip_forward");
    assert.equal(value.trim(), "1");
  });
});
