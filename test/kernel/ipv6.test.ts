import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixExplanation } from "../../src/felix/explain.ts";
import { until } from "../support/until.ts";
import { FelixProcess } from "./support/felix-process.ts";
import { Network, slowness, whyNoNamespaces } from "./support/network.ts";

const skip = whyNoNamespaces() ?? false;
const NODES = { a: "2001:db8:1::2", b: "2001:db8:1::3", c: "2001:db8:2::2" } as const;

/** Two nodes on one segment, and one behind a router; each has its first pod address on its loopback. */
describe("IPv6 routes", { skip, timeout: 120_000 * slowness }, () => {
  const network = new Network("six");
  const names = new Map<string, string>();
  const felixes = new Map<string, FelixProcess>();

  before(async () => {
    const router = await network.namespace("r");
    await network.ip(router, "link add br0 type bridge");
    await network.ip(router, "link set br0 up");
    await network.ip(router, "addr add 2001:db8:1::1/64 dev br0 nodad");
    await network.exec(router, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1");
    for (const [index, name] of (["a", "b", "c"] as const).entries()) {
      const namespace = await network.namespace(name);
      names.set(name, namespace);
      await network.wire(
        { namespace: router, device: `port-${name}` },
        { namespace, device: "eth0" },
      );
      if (name === "c") await network.ip(router, "addr add 2001:db8:2::1/64 dev port-c nodad");
      else await network.ip(router, `link set port-${name} master br0`);
      await network.ip(namespace, `addr add ${NODES[name]}/64 dev eth0 nodad`);
      const gateway = name === "c" ? "2001:db8:2::1" : "2001:db8:1::1";
      await network.ip(namespace, `-6 route add default via ${gateway}`);
      await network.ip(namespace, `addr add fd00:${index + 1}::7/128 dev lo nodad`);
      await network.ip(namespace, `addr add 10.233.${index + 1}.7/32 dev lo`);
      const felix = new FelixProcess(namespace, {
        nodeAddress: `192.0.2.${index + 1}`,
        secondAddress: NODES[name],
        podCidrs: [`fd00:${index + 1}::/64`],
        podPools: ["fd00::/16", "10.233.0.0/16"],
        tunnel: "vxlan",
      });
      felixes.set(name, felix);
      await felix.call("start");
      await felix.call("settled");
    }
  });

  after(async () => {
    for (const felix of felixes.values()) await felix.kill();
    network.close();
  });

  const felixOf = (name: string): FelixProcess => felixes.get(name) as FelixProcess;
  const inside = (name: string): string => names.get(name) as string;
  const routes = async (name: string, prefix: string): Promise<string[]> => {
    const shown = await network.ip(inside(name), `-6 route show ${prefix}`);
    return shown
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  };
  const ping = (from: string, source: string, to: string): Promise<string> =>
    network.exec(inside(from), "ping", "-6", "-c", "1", "-W", "5", "-I", source, to);
  const DIRECT = "fd00:2::/64 via 2001:db8:1::3 dev eth0 proto margay metric 1024 pref medium";

  test("on the same segment they go straight, and back", async () => {
    await felixOf("a").setRoute("fd00:2::/64", NODES.b);
    await felixOf("b").setRoute("fd00:1::/64", NODES.a);
    assert.deepEqual(await routes("a", "fd00:2::/64"), [DIRECT]);
    await ping("a", "fd00:1::7", "fd00:2::7");
  });

  test("behind a router they go through VXLAN over IPv6", async () => {
    await felixOf("a").setRoute("fd00:3::/64", NODES.c);
    await felixOf("c").setRoute("fd00:1::/64", NODES.a);
    assert.deepEqual(await routes("a", "fd00:3::/64"), [
      "fd00:3::/64 via fe80::4829:3aff:febc:e6b7 dev vxlan6.margay proto margay metric 1024 pref medium",
    ]);
    assert.match(await network.ip(inside("a"), "link show vxlan6.margay"), /mtu 1430 /);
    await ping("a", "fd00:1::7", "fd00:3::7");
  });

  test("IPv4 routes take IPv6 next hops, straight and through VXLAN (RFC 8950)", async () => {
    for (const [at, prefix, to] of [
      ["a", "10.233.2.0/24", NODES.b],
      ["b", "10.233.1.0/24", NODES.a],
      ["a", "10.233.3.0/24", NODES.c],
      ["c", "10.233.1.0/24", NODES.a],
    ] as const) {
      await felixOf(at).setRoute(prefix, to);
    }
    const shown = await network.ip(inside("a"), "-4 route show proto 77");
    assert.match(shown, /^10\.233\.2\.0\/24 via inet6 2001:db8:1::3 dev eth0 /m);
    assert.match(
      shown,
      /^10\.233\.3\.0\/24 via inet6 fe80::4829:3aff:febc:e6b7 dev vxlan6\.margay /m,
    );
    for (const pod of ["10.233.2.7", "10.233.3.7"]) {
      await network.exec(inside("a"), "ping", "-c", "1", "-W", "5", "-I", "10.233.1.7", pod);
    }
    const { kernel } = await felixOf("a").call<FelixExplanation>("explain", "10.233.2.7");
    assert.match(
      kernel.found ? kernel.line : "",
      /^10\.233\.2\.0\/24 via inet6 2001:db8:1::3 dev eth0 proto margay$/,
    );
    // Somebody else's hand on such a route is noticed, too.
    const repaired = felixOf("a").nextEvent(({ kind }) => kind === "repaired");
    await network.ip(inside("a"), "route del 10.233.2.0/24");
    await repaired;
    for (const prefix of ["10.233.2.0/24", "10.233.3.0/24"]) {
      await felixOf("a").call("removeRoute", prefix);
    }
  });

  test("our own pod CIDR answers unreachable", async () => {
    const [line] = await routes("a", "fd00:1::/64");
    assert.match(line ?? "", /^unreachable fd00:1::\/64 .*proto margay metric 4278198272/);
    const { counts } = await felixOf("a").status();
    assert.equal(counts.installed, 3);
    assert.equal(counts.pending + counts.error, 0);
  });

  test("what others delete or change is put back within 200 ms", async () => {
    for (const damage of ["del fd00:2::/64", "replace fd00:2::/64 via 2001:db8:1::9 proto 77"]) {
      const repaired = felixOf("a").nextEvent(({ kind }) => kind === "repaired");
      await network.ip(inside("a"), `-6 route ${damage}`);
      const doneMs = performance.now();
      await repaired;
      assert.ok(performance.now() - doneMs < 200 * slowness);
      assert.deepEqual(await routes("a", "fd00:2::/64"), [DIRECT]);
    }
  });

  test("the next life adopts them", async () => {
    await felixOf("a").kill();
    await ping("b", "fd00:2::7", "fd00:1::7");
    const next = new FelixProcess(inside("a"), {
      nodeAddress: "192.0.2.1",
      secondAddress: NODES.a,
      podCidrs: ["fd00:1::/64"],
      podPools: ["fd00::/16"],
      tunnel: "vxlan",
    });
    felixes.set("a", next);
    await next.call("start");
    await next.setRoute("fd00:2::/64", NODES.b);
    await next.setRoute("fd00:3::/64", NODES.c);
    assert.equal((await next.route("fd00:2::/64"))?.["state"], "adopted");
    await until("the route through the tunnel is adopted", async () => {
      return (await next.route("fd00:3::/64"))?.["state"] === "adopted";
    });
  });
});
