import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { tunnelMac } from "../../../src/felix/tunnel-kind.ts";
import type { TunnelStatus } from "../../../src/felix/status.ts";
import { FelixHarness, prefix, turn } from "../../support/felix-harness.ts";

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
  h.kernel.neighbours.map(({ table, address, mac }) => `${table} ${address} ${mac}`).sort();

const PEERS_OF_B = ["bridge 192.168.2.2 4e:77:c0:a8:02:02", "ipv4 192.168.2.2 4e:77:c0:a8:02:02"];

describe("the VXLAN tunnel", () => {
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

test("a node's MAC address follows from its address", () => {
  assert.equal(tunnelMac("192.168.2.2"), "4e:77:c0:a8:02:02");
  assert.match(tunnelMac("2001:db8::2"), /^4a(:[0-9a-f]{2}){5}$/);
  assert.notEqual(tunnelMac("2001:db8::2"), tunnelMac("2001:db8::3"));
});
