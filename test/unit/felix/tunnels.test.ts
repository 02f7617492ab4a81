import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { tunnelLinkLocal, tunnelMac } from "../../../src/felix/tunnel-kind.ts";
import type { Link } from "../../../src/netlink/link.ts";
import type { TunnelStatus } from "../../../src/felix/status.ts";
import { FelixHarness, prefix, STATIC, turn } from "../../support/felix-harness.ts";

let h: FelixHarness;

beforeEach(async () => {
  h = new FelixHarness();
  await h.router();
});

afterEach(() => h.stop());

const vxlan = (): TunnelStatus | undefined =>
  h.felix.status().tunnels.find(({ device }) => device === "vxlan.margay");

/** What the device knows of other nodes. */
const peers = (): string[] =>
  h.kernel.neighbours
    .filter(({ permanent }) => permanent)
    .map(({ table, address, mac }) => `${table} ${address} ${mac}`)
    .sort();

const named = (name: string): Link | undefined =>
  [...h.kernel.links.values()].find((link) => link.name === name);

const PEERS_OF_B = ["bridge 192.168.2.2 4e:77:c0:a8:02:02", "ipv4 192.168.2.2 4e:77:c0:a8:02:02"];

describe("the VXLAN tunnel", () => {
  test("that was taken away when nobody needed it and is needed again was harmed by nobody", async () => {
    await h.start({ tunnel: "vxlan", encapsulation: "always", podCidrs: [] });
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.quiet();
    for (const encapsulation of ["never", "always"] as const) {
      h.felix.setPoolPolicies([], { encapsulation, tunnel: "vxlan" });
      await h.quiet();
      h.clock.advance(10_000);
      await h.quiet();
      assert.equal(named("vxlan.margay") !== undefined, encapsulation === "always");
    }
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 vxlan.margay 77"]);
    assert.equal(h.felix.status().repairs, 0);
  });

  test("is a device of our own, with an entry for each node behind a router", async () => {
    await h.start({ tunnel: "vxlan" });
    h.set("10.233.2.0/24", "192.168.2.2");
    h.set("10.233.3.0/24", "192.168.1.3");
    await h.felix.settled();
    assert.deepEqual(h.there().slice(1), [
      "10.233.2.0/24 192.168.2.2 vxlan.margay 77",
      "10.233.3.0/24 192.168.1.3 eth0 77",
    ]);
    const { mtu, addresses, up, problem } = vxlan() as TunnelStatus;
    assert.deepEqual(
      { mtu, addresses, up, problem },
      { mtu: 1450, addresses: ["10.233.1.0"], up: true, problem: undefined },
    );
    const link = [...h.kernel.links.values()].find(({ name }) => name === "vxlan.margay");
    assert.equal(link?.mac, "4e:77:c0:a8:01:02");
    assert.deepEqual(link?.vxlan, { id: 4077, port: 4789, local: "192.168.1.2", learning: false });
    assert.deepEqual(peers(), PEERS_OF_B);
  });

  test("a tunnel that is needed while others' routes are being written is made, whenever that is", async () => {
    for (let microtasks = 0; microtasks < 40; microtasks++) {
      const harness = new FelixHarness();
      await harness.router();
      await harness.start({ tunnel: "vxlan" });
      harness.set("10.233.3.0/24", "192.168.1.3");
      for (let count = 0; count < microtasks; count++) await Promise.resolve();
      harness.set("10.233.2.0/24", "192.168.2.2");
      await harness.felix.settled();
      assert.equal(harness.entry("10.233.2.0/24")?.state, "installed", `after ${microtasks}`);
      await harness.stop();
    }
  });

  test("forgets a node with its last route, and gets back what others take", async () => {
    await h.start({ tunnel: "vxlan" });
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    h.set("10.233.4.0/24", "192.168.4.2");
    await h.felix.settled();
    assert.equal(peers().length, 4);
    h.felix.removeRoute(prefix("10.233.4.0/24"));
    await h.quiet();
    assert.deepEqual(peers(), PEERS_OF_B);
    for (const entry of h.kernel.neighbours) h.other.removeNeighbour(entry);
    await turn();
    await h.quiet();
    assert.deepEqual(peers(), PEERS_OF_B);
  });

  test("made for another address of the node is made anew", async () => {
    const old = { id: 4077, port: 4789, local: "192.168.1.99", learning: false };
    h.kernel.addLink("vxlan.margay", { kind: "vxlan", up: true, vxlan: old });
    await h.start({ tunnel: "vxlan" });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    const link = [...h.kernel.links.values()].find(({ name }) => name === "vxlan.margay");
    assert.equal(link?.vxlan?.local, "192.168.1.2");
    assert.equal(h.entry("10.233.2.0/24")?.state, "installed");
  });

  test("of somebody else, with another number and without our alias, is left to them", async () => {
    const other = { id: 12, port: 4789, local: "192.168.1.2", learning: false };
    const { ifindex } = h.kernel.addLink("vxlan.margay", { kind: "vxlan", vxlan: other });
    await h.start({ tunnel: "vxlan", podCidrs: [] });
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    const { problem, remedy } = h.entry("10.233.2.0/24") ?? {};
    assert.match(problem ?? "", /^vxlan\.margay is somebody else's: it has the number 12 /);
    assert.equal(remedy, "ip link delete vxlan.margay");
    h.felix.setPoolPolicies([], { encapsulation: "never", tunnel: "ipip" });
    await h.felix.settled();
    h.clock.advance(10_000);
    await h.quiet();
    assert.equal(named("vxlan.margay")?.ifindex, ifindex);
  });

  test("of ours with another number is made anew", async () => {
    const old = { id: 12, port: 4789, local: "192.168.1.2", learning: false };
    h.kernel.addLink("vxlan.margay", { kind: "vxlan", alias: "margay", vxlan: old });
    await h.start({ tunnel: "vxlan" });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    assert.equal(named("vxlan.margay")?.vxlan?.id, 4077);
    assert.equal(h.entry("10.233.2.0/24")?.state, "installed");
  });

  test("carries IPv6 over IPv4, too, to the link-local address of the far end's device", async () => {
    await h.start({
      tunnel: "vxlan",
      encapsulation: "always",
      podCidrs: [prefix("fd00:233:1::/64")],
    });
    h.set("fd00:233:2::/64", "192.168.1.3");
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    const ways = h.kernel.routes
      .filter(({ protocol, hops }) => protocol === 77 && hops.length === 1)
      .map(({ prefix: { text }, hops: [hop] }) => `${text} ${hop?.gateway} ${hop?.onlink}`);
    assert.deepEqual(ways.sort(), [
      "10.233.2.0/24 192.168.1.3 true",
      "fd00:233:2::/64 fe80::4c77:c0ff:fea8:103 false",
    ]);
    assert.deepEqual(peers(), [
      "bridge 192.168.1.3 4e:77:c0:a8:01:03",
      "ipv4 192.168.1.3 4e:77:c0:a8:01:03",
      "ipv6 fe80::4c77:c0ff:fea8:103 4e:77:c0:a8:01:03",
    ]);
    assert.deepEqual(vxlan()?.addresses, ["fd00:233:1::"]);
  });

  test("over IPv4 and the one over IPv6 stand side by side", async () => {
    h.kernel.addAddress(h.eth0, "2001:db8::2", 64);
    await h.start({ tunnel: "vxlan", encapsulation: "always", secondAddress: "2001:db8::2" });
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("fd00:233:2::/64", "2001:db8::3");
    await h.felix.settled();
    const { repairs } = h.felix.status();
    h.felix.setTunnelSettings({ ipipDevice: "unused", ttl: 1 });
    await h.felix.settled();
    const devices = [...h.kernel.links.values()].filter(({ kind }) => kind === "vxlan");
    assert.deepEqual(
      devices.map(({ name, mtu, vxlan: settings }) => `${name} ${mtu} ${settings?.local}`),
      ["vxlan.margay 1450 192.168.1.2", "vxlan6.margay 1430 2001:db8::2"],
    );
    assert.equal(h.felix.status().repairs, repairs);
  });

  test("takes the place of IPIP with auto, where the kernel has none", async () => {
    h.kernel.hasIpip = false;
    await h.start({ tunnel: "auto" });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    assert.equal(h.there()[1], "10.233.2.0/24 192.168.2.2 vxlan.margay 77");
    assert.deepEqual(
      h.felix.status().tunnels.filter(({ problem }) => problem !== undefined),
      [],
    );
  });

  test("goes with clean-up", async () => {
    const felix = await h.start({ tunnel: "vxlan" });
    h.set("10.233.2.0/24", "192.168.2.2");
    await felix.settled();
    await felix.stop({ cleanup: true });
    assert.deepEqual(h.there(), []);
    assert.equal(
      [...h.kernel.links.values()].some(({ kind }) => kind === "vxlan"),
      false,
    );
  });
});

describe("an IPIP device of our own", () => {
  const OWN = { ipipDevice: "margay", ttl: 64 };
  const repairs = (): number => h.felix.status().repairs;

  test("takes the place of tunl0: with this node's address, a TTL, path MTU discovery and our mark", async () => {
    await h.start({ tunnelSettings: OWN });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    assert.equal(h.there()[1], "10.233.2.0/24 192.168.2.2 margay 77");
    const { kind, alias, mtu, up, ipTunnel } = named("margay") as Link;
    assert.deepEqual(
      { kind, alias, mtu, up, ipTunnel },
      {
        ...{ kind: "ipip", alias: "margay", mtu: 1480, up: true },
        ipTunnel: { local: "192.168.1.2", ttl: 64, pathMtuDiscovery: true },
      },
    );
    assert.equal(named("tunl0"), undefined);
  });

  test("whose settings somebody changes gets them back, as one repair; likewise its name", async () => {
    await h.start({ tunnelSettings: OWN });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    const { ifindex, ipTunnel } = named("margay") as Link;
    const bad = { local: "192.168.1.2", ttl: 3, pathMtuDiscovery: false };
    h.other.changeLink(ifindex, { info: { kind: "ipip", ipTunnel: bad } });
    await h.quiet();
    assert.deepEqual(named("margay")?.ipTunnel, ipTunnel);
    assert.equal(repairs(), 1);
    h.other.changeLink(ifindex, { name: "other" });
    await h.quiet();
    assert.equal(named("margay")?.ifindex, ifindex);
    assert.equal(named("other"), undefined);
    assert.equal(repairs(), 2);
  });

  test("is not taken from somebody who wrote on it", async () => {
    const mine = { local: "192.168.1.2", ttl: 9, pathMtuDiscovery: true };
    h.kernel.addLink("margay", { kind: "ipip", up: true, alias: "mine", ipTunnel: mine });
    await h.start({ tunnelSettings: OWN });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    const { problem, remedy } = h.entry("10.233.2.0/24") ?? {};
    assert.equal(problem, "margay is somebody else's: its alias is mine");
    assert.equal(remedy, "ip link delete margay");
    assert.equal(named("margay")?.ipTunnel?.ttl, 9);
  });

  test("cannot stand beside another's of the same address, which is named", async () => {
    const mine = { local: "192.168.1.2", ttl: 9, pathMtuDiscovery: true };
    h.kernel.addLink("mine", { kind: "ipip", up: true, ipTunnel: mine });
    await h.start({ tunnelSettings: OWN });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    assert.match(
      h.entry("10.233.2.0/24")?.problem ?? "",
      /another device stands where margay is to be/,
    );
    assert.ok(named("mine"));
  });

  test("comes and goes by settings: routes move at once, and after a while nothing is left", async () => {
    await h.start({ tunnelSettings: OWN });
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    const moves: [what: () => void, device: string, former: string][] = [
      [() => h.felix.setTunnelSettings({ ipipDevice: "tunl0", ttl: 64 }), "tunl0", "margay"],
      [
        () => h.felix.setPoolPolicies([], { encapsulation: "cross-subnet", tunnel: "vxlan" }),
        "vxlan.margay",
        "tunl0",
      ],
      [() => h.felix.setTunnelSettings({ ipipDevice: "mgx", ttl: 3 }), "vxlan.margay", ""],
      [
        () => h.felix.setPoolPolicies([], { encapsulation: "always", tunnel: "ipip" }),
        "mgx",
        "vxlan.margay",
      ],
      // One like it may not stand beside it: it gets the other name.
      [() => h.felix.setTunnelSettings({ ipipDevice: "mgy", ttl: 4 }), "mgy", ""],
    ];
    for (const [move, device, former] of moves) {
      h.kernel.changes.length = 0;
      move();
      await h.felix.settled();
      assert.equal(h.there()[1], `10.233.2.0/24 192.168.2.2 ${device} 77`);
      const deleted = h.kernel.changes.filter(({ op, prefix: { text } }) => {
        return op === "delete" && text.startsWith("10.233.");
      });
      assert.deepEqual(deleted, []);
      if (former !== "") assert.ok(named(former), `${former} still takes packets in`);
      h.clock.advance(10_000);
      await h.quiet();
      const left = [...h.kernel.links.values()].filter(({ kind }) => kind !== undefined);
      const alive = left.filter(({ up }) => up).map(({ name }) => name);
      assert.deepEqual(alive, [device]);
      const addresses = h.kernel.addresses.filter(({ address }) => address === "10.233.1.0");
      assert.deepEqual(
        addresses.map(({ ifindex }) => ifindex),
        [named(device)?.ifindex],
      );
    }
    assert.equal(named("mgy")?.ipTunnel?.ttl, 4);
    h.set("10.233.2.0/24", "192.168.1.3");
    h.felix.setPoolPolicies([], { encapsulation: "never", tunnel: "ipip" });
    await h.felix.settled();
    h.clock.advance(10_000);
    await h.quiet();
    assert.equal(named("mgy"), undefined);
    assert.deepEqual(peers(), []);
  });

  test("of an earlier life that has no use any more goes, too, but not before the picture is whole", async () => {
    h.kernel.addLink("former", { kind: "ipip", up: true, alias: "margay" });
    h.kernel.addLink("others", { kind: "ipip", up: true });
    await h.start();
    h.clock.advance(60_000);
    await h.quiet();
    assert.ok(named("former"));
    h.felix.pictureComplete();
    await h.felix.settled();
    h.clock.advance(10_000);
    await h.quiet();
    assert.equal(named("former"), undefined);
    assert.ok(named("others"));
  });
});

describe("policies of pools", () => {
  const policies = (second: "always" | "never") => [
    { prefix: prefix("10.233.0.0/16"), encapsulation: "cross-subnet", tunnel: "ipip" } as const,
    { prefix: prefix("10.233.128.0/17"), encapsulation: second, tunnel: "vxlan" } as const,
  ];

  test("decide by the longest pool around a route; one next hop can have two ways", async () => {
    await h.start({ podCidrs: [], poolPolicies: policies("always") });
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.130.0/24", "192.168.1.3");
    h.set("10.233.3.0/24", "192.168.2.2");
    await h.felix.settled();
    assert.deepEqual(h.there(), [
      "10.233.130.0/24 192.168.1.3 vxlan.margay 77",
      "10.233.2.0/24 192.168.1.3 eth0 77",
      "10.233.3.0/24 192.168.2.2 tunl0 77",
    ]);
  });

  test("that change move routes by replacing them", async () => {
    await h.start({ podCidrs: [], poolPolicies: policies("always") });
    h.set("10.233.130.0/24", "192.168.1.3");
    await h.felix.settled();
    h.kernel.changes.length = 0;
    h.felix.setPoolPolicies(policies("never"), { encapsulation: "never", tunnel: "ipip" });
    await h.felix.settled();
    assert.deepEqual(h.there(), ["10.233.130.0/24 192.168.1.3 eth0 77"]);
    assert.deepEqual(
      h.kernel.changes.map(({ op, prefix: { text } }) => `${op} ${text}`),
      // The way that is left is held by another route until no reader follows it.
      ["create 0.77.0.1/32", "replace 10.233.130.0/24", "delete 0.77.0.1/32"],
    );
  });
});

describe("a route in a tunnel where none may be any more", () => {
  const never = { encapsulation: "never", tunnel: "ipip" } as const;

  test("goes, and its tunnel after it", async () => {
    await h.start({ podCidrs: [], tunnel: "vxlan" });
    h.set("10.233.2.0/24", "192.168.2.2");
    h.set("10.233.3.0/24", "192.168.1.3");
    h.felix.pictureComplete();
    await h.felix.settled();
    h.felix.setPoolPolicies([], { ...never, tunnel: "vxlan" });
    await h.felix.settled();
    assert.deepEqual(h.there(), ["10.233.3.0/24 192.168.1.3 eth0 77"]);
    assert.match(h.entry("10.233.2.0/24")?.problem ?? "", /, and encapsulation is never$/);
    h.clock.advance(10_000);
    await h.quiet();
    assert.equal(named("vxlan.margay"), undefined);
  });

  test("goes once it is known how its next hop lies", async () => {
    const toRouter = h.change("create", "0.0.0.0/0", "192.168.1.1");
    await h.start({ podCidrs: [] });
    h.set("10.233.2.0/24", "192.168.2.2");
    h.felix.pictureComplete();
    await h.felix.settled();
    await h.other.applyRoutes([{ ...toRouter, op: "delete" }], STATIC);
    await h.quiet();
    h.felix.setPoolPolicies([], never);
    await h.felix.settled();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.2.2 tunl0 77"]);
    await h.other.applyRoutes([toRouter], STATIC);
    await h.quiet();
    assert.deepEqual(h.there(), []);
  });

  test("goes also where it is of an earlier life, though not before the picture is complete", async () => {
    await h.start({ podCidrs: [] });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    await h.felix.stop({ cleanup: false });
    await h.start({ podCidrs: [], ...never });
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.felix.settled();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.2.2 tunl0 77"]);
    h.felix.pictureComplete();
    await h.felix.settled();
    assert.deepEqual(h.there(), []);
  });
});

describe("subnets that other nodes say they are in", () => {
  test("make a next hop beside us one beyond a router", async () => {
    await h.start({ podCidrs: [] });
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    h.felix.setNodeSubnets(new Map([["192.168.1.3", prefix("192.168.1.3/32")]]));
    await h.felix.settled();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 tunl0 77"]);
    h.felix.setNodeSubnets(new Map());
    await h.felix.settled();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
  });
});

test("a VXLAN device's link-local address follows from its MAC address", () => {
  assert.equal(tunnelLinkLocal("192.168.2.2"), "fe80::4c77:c0ff:fea8:202");
});

test("a node's MAC address follows from its address", () => {
  assert.equal(tunnelMac("192.168.2.2"), "4e:77:c0:a8:02:02");
  assert.match(tunnelMac("2001:db8::2"), /^4a(:[0-9a-f]{2}){5}$/);
  assert.notEqual(tunnelMac("2001:db8::2"), tunnelMac("2001:db8::3"));
});
