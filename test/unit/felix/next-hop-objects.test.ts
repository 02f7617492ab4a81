import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { FelixOptions } from "../../../src/felix/options.ts";
import { FelixHarness, OURS, prefix, STATIC } from "../../support/felix-harness.ts";

const FIRST_ID = 77 * 2 ** 24 + 1;
const THOUSAND = Array.from({ length: 1000 }, (_, index) => {
  return `10.233.${index >>> 4}.${(index & 15) * 16}/28`;
});

describe("Felix with next-hop objects", () => {
  let h: FelixHarness;

  beforeEach(() => {
    h = new FelixHarness();
  });

  afterEach(() => h.stop());

  function start(options: Partial<FelixOptions> = {}) {
    return h.start({ podCidrs: [], nextHopObjects: "auto", ...options });
  }

  function objects(): string[] {
    return [...h.kernel.nextHops.values()].map(({ id, hop, members }) => {
      const what =
        hop === undefined
          ? `group ${members.map((member) => member.id - FIRST_ID).join("/")}`
          : `${hop.gateway} ${h.kernel.links.get(hop.ifindex)?.name}`;
      return `${id - FIRST_ID} ${what}`;
    });
  }

  function idOf(text: string): number | undefined {
    const route = h.kernel.routes.find((one) => one.prefix.text === text);
    return route?.nextHopId === undefined ? undefined : route.nextHopId - FIRST_ID;
  }

  test("routes of a node name one object", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.3.0/24", "192.168.1.3");
    h.set("10.233.4.0/24", "192.168.1.4");
    await h.felix.settled();
    assert.deepEqual(objects(), ["0 192.168.1.3 eth0", "1 192.168.1.4 eth0"]);
    assert.deepEqual(["10.233.2.0/24", "10.233.3.0/24", "10.233.4.0/24"].map(idOf), [0, 0, 1]);
    assert.equal(
      h.entry("10.233.2.0/24")?.wanted?.text,
      `nhid ${FIRST_ID} via 192.168.1.3 dev eth0`,
    );
    assert.equal(
      h.entry("10.233.2.0/24")?.kernel?.line,
      `10.233.2.0/24 nhid ${FIRST_ID} via 192.168.1.3 dev eth0 proto margay`,
    );
  });

  test("a thousand prefixes that move to another next hop are one message", async () => {
    await start();
    for (const text of THOUSAND) h.set(text, "192.168.1.3");
    await h.felix.settled();
    const { changes, nextHopChanges } = h.kernel;
    for (const text of THOUSAND) h.set(text, "192.168.1.4");
    await h.felix.settled();
    assert.equal(h.kernel.changes.length, changes.length);
    assert.equal(h.kernel.nextHopChanges, nextHopChanges + 1);
    assert.deepEqual(objects(), ["0 192.168.1.4 eth0"]);
    assert.equal(h.felix.status().counts.installed, 1000);
    assert.ok(h.there().every((line) => line.includes("192.168.1.4")));
  });

  test("a next hop that lies elsewhere now is one message, in groups too", async () => {
    const other = h.kernel.addLink("eth1", { up: true }).ifindex;
    await start();
    for (const text of THOUSAND) h.set(text, "192.168.1.3");
    h.set("10.234.0.0/24", "192.168.1.3", "192.168.1.4");
    await h.felix.settled();
    assert.deepEqual(objects(), ["0 192.168.1.3 eth0", "1 192.168.1.4 eth0", "2 group 0/1"]);
    const before = h.kernel.changes.length;
    const messages = h.kernel.nextHopChanges;
    h.kernel.addAddress(other, "192.168.1.2", 25);
    await h.quiet();
    assert.deepEqual(objects(), ["0 192.168.1.3 eth1", "1 192.168.1.4 eth1", "2 group 0/1"]);
    assert.equal(h.kernel.changes.length, before);
    assert.equal(h.kernel.nextHopChanges, messages + 2);
  });

  test("some prefixes that move are replaced, and the last one's object goes", async () => {
    await start();
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.3.0/24", "192.168.1.3");
    await h.felix.settled();
    h.set("10.233.2.0/24", "192.168.1.4");
    await h.felix.settled();
    assert.deepEqual(objects(), ["0 192.168.1.3 eth0", "1 192.168.1.4 eth0"]);
    h.set("10.233.3.0/24", "192.168.1.4");
    await h.felix.settled();
    assert.deepEqual(objects(), ["1 192.168.1.4 eth0"]);
    h.felix.removeRoute(prefix("10.233.2.0/24"));
    h.felix.removeRoute(prefix("10.233.3.0/24"));
    await h.felix.settled();
    assert.deepEqual(objects(), []);
    assert.deepEqual(h.there(), []);
  });

  test("an object that someone deleted is put back with its routes, each counted", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.3.0/24", "192.168.1.3");
    await h.felix.settled();
    h.other.removeNextHop(FIRST_ID);
    assert.deepEqual(h.there(), []);
    await h.quiet();
    assert.equal(h.there().length, 2);
    assert.equal(h.felix.status().repairs, 3);
  });

  test("an object that someone changed is put right", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    const hop = { gateway: "192.168.1.9", ifindex: h.eth0, onlink: false };
    await h.other.replaceNextHop({ id: FIRST_ID, protocol: 77, hop, members: [] });
    await h.quiet();
    assert.deepEqual(objects(), ["0 192.168.1.3 eth0"]);
    assert.equal(h.felix.status().repairs, 1);
  });

  test("what an earlier life left is adopted without a write", async () => {
    const first = await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.3.0/24", "192.168.1.3", "192.168.1.4");
    h.set("10.233.4.0/24", "192.168.1.5");
    await first.settled();
    await first.stop({ cleanup: false });
    const { nextHopChanges } = h.kernel;
    const before = h.kernel.changes.length;
    await start();
    h.set("10.233.3.0/24", "192.168.1.3", "192.168.1.4");
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    assert.equal(h.kernel.changes.length, before);
    assert.equal(h.kernel.nextHopChanges, nextHopChanges);
    h.felix.pictureComplete();
    await h.felix.settled();
    assert.deepEqual(objects(), ["0 192.168.1.3 eth0", "1 192.168.1.4 eth0", "2 group 0/1"]);
  });

  test("and replaced, then swept, where objects are no longer wanted", async () => {
    const first = await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    await first.settled();
    await first.stop({ cleanup: false });
    await start({ nextHopObjects: "never" });
    h.set("10.233.2.0/24", "192.168.1.3");
    h.felix.pictureComplete();
    await h.felix.settled();
    assert.equal(idOf("10.233.2.0/24"), undefined);
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    assert.deepEqual(objects(), []);
  });

  test("one that others have a use for stays as long as they do", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.3.0/24", "192.168.1.4");
    h.felix.pictureComplete();
    await h.felix.settled();
    const path = { type: "unicast", hops: [], nextHopId: FIRST_ID } as const;
    const theirs = { op: "create", prefix: prefix("10.9.0.0/24"), metric: 0, path } as const;
    assert.deepEqual(await h.other.applyRoutes([theirs], STATIC), []);
    const group = { id: 5, hop: undefined, members: [{ id: FIRST_ID + 1, weight: 1 }] };
    h.other.makeNextHop({ ...group, protocol: STATIC.protocol });
    h.felix.removeRoute(prefix("10.233.2.0/24"));
    h.felix.removeRoute(prefix("10.233.3.0/24"));
    await h.quiet();
    assert.deepEqual(h.there(), []);
    assert.equal(h.kernel.nextHops.size, 3);
    assert.ok(h.kernel.routes.some((route) => route.prefix.text === "10.9.0.0/24"));
    await h.other.applyRoutes([{ ...theirs, op: "delete" }], STATIC);
    h.other.removeNextHop(5);
    h.clock.advance(300_000);
    await h.quiet();
    assert.equal(h.kernel.nextHops.size, 0);
  });

  test("an id that another program has is left to it", async () => {
    const hop = { gateway: "192.168.1.9", ifindex: h.eth0, onlink: false };
    const theirs = { id: FIRST_ID, protocol: STATIC.protocol, hop, members: [] };
    h.other.makeNextHop(theirs);
    await start();
    h.kernel.mute();
    h.other.makeNextHop({ ...theirs, id: FIRST_ID + 1 });
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    assert.deepEqual(objects(), ["0 192.168.1.9 eth0", "1 192.168.1.9 eth0", "2 192.168.1.3 eth0"]);
    assert.equal(idOf("10.233.2.0/24"), 2);
    h.kernel.unmute();
    await h.quiet();
    h.felix.pictureComplete();
    await h.felix.stop({ cleanup: true });
    assert.deepEqual(objects(), ["0 192.168.1.9 eth0", "1 192.168.1.9 eth0"]);
  });

  test("a kernel without them has plain routes", async () => {
    h.kernel.hasNextHopObjects = false;
    await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    assert.equal(idOf("10.233.2.0/24"), undefined);
  });

  test("a link that went down took them along silently: they come back with it", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.3.0/24", "192.168.1.3", "192.168.1.4");
    await h.felix.settled();
    h.kernel.changeLink(h.eth0, { up: false });
    await h.quiet();
    assert.deepEqual(objects(), []);
    assert.equal(h.entry("10.233.2.0/24")?.state, "pending");
    h.kernel.changeLink(h.eth0, { up: true });
    await h.quiet();
    assert.equal(h.there().length, 2);
    assert.equal(objects().length, 3);
  });

  test("a link that went down before a route led through them took them along, too", async () => {
    const netlink = h.kernel.open();
    const make = netlink.makeNextHop.bind(netlink);
    netlink.makeNextHop = (object) => {
      make(object);
      netlink.makeNextHop = make;
      h.kernel.changeLink(h.eth0, { up: false });
      h.kernel.changeLink(h.eth0, { up: true });
    };
    await start({ netlink });
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    await h.quiet();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
  });

  test("a route of ours that others put in beside stays what it is: replaced", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.felix.settled();
    await h.other.applyRoutes([h.change("replace", "10.233.2.0/24", "192.168.1.4")], OURS);
    await h.quiet();
    assert.equal(idOf("10.233.2.0/24"), 0);
  });
});
