import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ipv4Unicast } from "../../../../src/bgp/family/index.ts";
import { LocRibChanges } from "../../../../src/bgp/rib/loc-rib.ts";
import { RibHarness, ribPeer } from "../../../support/rib-harness.ts";

const usual = { origin: 0, asPath: [], nextHop: "192.0.2.1", localPref: 100 } as const;

describe("the Loc-RIB", () => {
  test("decides as many prefixes at a time as it is told, each once, in the order they changed", () => {
    const harness = new RibHarness(ipv4Unicast, [ribPeer(1)]);
    const { locRib, prefixes } = harness.rib;
    const names = ["10.3.0.0/16", "10.1.0.0/16", "10.2.0.0/16"];
    harness.announce(1, names, usual);
    harness.announce(1, names.slice(0, 1), { ...usual, localPref: 200 });
    assert.equal(locRib.dirtyCount, 3);
    const told: string[] = [];
    for (const left of [1, 0]) {
      const changes = new LocRibChanges();
      locRib.decide(changes, 2);
      for (let index = 0; index < changes.length; index++) {
        told.push(prefixes.text(changes.prefix(index)));
      }
      assert.equal(locRib.dirtyCount, left);
    }
    assert.deepEqual(told, names);
    assert.equal(locRib.size, 3);
  });

  test("keeps attributes alive until everybody has seen them go", () => {
    const harness = new RibHarness(ipv4Unicast, [ribPeer(1)]);
    harness.announce(1, ["10.1.0.0/16"], usual);
    harness.settle();
    harness.withdraw(1, ["10.1.0.0/16"]);
    assert.equal(harness.store.size, 1);
    const changes = new LocRibChanges();
    harness.rib.locRib.decide(changes, 10);
    assert.equal(changes.oldPeer(0), 1);
    assert.deepEqual(harness.store.attributes(changes.oldAttributes(0)), usual);
    harness.rib.locRib.release(changes);
    assert.equal(harness.store.size, 0);
  });

  test("needs no more room under a load that never ends", () => {
    const { locRib } = new RibHarness(ipv4Unicast, []).rib;
    const changes = new LocRibChanges();
    const count = 2000;
    for (let prefix = 0; prefix < count; prefix++) locRib.markDirty(prefix);
    const before = process.memoryUsage().arrayBuffers;
    for (let at = 0; at < 2_000_000; at += 500) {
      locRib.decide(changes, 500);
      changes.clear();
      for (let index = 0; index < 500; index++) locRib.markDirty((at + index) % count);
      assert.equal(locRib.dirtyCount, count);
    }
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 1024 * 1024, `${grown} octets`);
  });
});
