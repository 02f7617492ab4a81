import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PathAttributes } from "../../../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast } from "../../../../src/bgp/family/index.ts";
import { defaultRibLimits } from "../../../../src/bgp/rib/rib-limits.ts";
import { RowSweeps } from "../../../../src/bgp/rib/row-sweeps.ts";
import { PathSource } from "../../../../src/bgp/rib/source.ts";
import { WellKnownCommunity } from "../../../../src/net/community.ts";
import { RibHarness, ribPeer } from "../../../support/rib-harness.ts";

const usual: PathAttributes = { origin: 0, asPath: [], nextHop: "192.0.2.1", localPref: 100 };
const names = Array.from({ length: 100 }, (_, index) => `10.1.${index}.0/24`);

/** Two senders and a receiver, with sweeps that take about ten removals a turn. */
function clients(): RibHarness {
  const { client } = PathSource;
  const peers = [1, 2, 3].map((index) => ribPeer(index, { source: client }));
  const harness = new RibHarness(ipv4Unicast, peers, { ...defaultRibLimits, sweptPerTurn: 10 });
  harness.announce(1, names, usual);
  harness.announce(2, names.slice(0, 50), { ...usual, localPref: 50 });
  return harness;
}

describe("sweeps over a peer's paths", () => {
  test("take the paths of a lost peer away in turns, and nobody else's", () => {
    const harness = clients();
    const member = harness.join(3);
    harness.settle();
    harness.rib.removePeer(1, false);
    assert.equal(harness.rib.isUnsettled, true);
    assert.equal(harness.turn(), true, "more is left");
    assert.equal(harness.rib.paths.count(1), 90);
    assert.equal(member.view.routes.size, 100, "ten have another path");
    harness.settle();
    assert.equal(harness.rib.isUnsettled, false);
    assert.equal(harness.rib.paths.count(1), 0);
    assert.deepEqual([...member.view.routes.keys()].sort(), names.slice(0, 50).sort());
  });

  test("are done at once for a peer that comes back: what it says from then on stays", () => {
    const harness = clients();
    const member = harness.join(3);
    harness.settle();
    harness.rib.removePeer(1, false);
    harness.turn();
    harness.rib.settle(1);
    harness.announce(1, names.slice(90), usual);
    harness.settle();
    assert.equal(harness.rib.paths.count(1), 10);
    assert.equal(member.view.routes.size, 60);
  });

  test("make paths long-lived in turns, and tell of the last", () => {
    const harness = clients();
    const { paths } = harness.rib;
    harness.announce(1, names.slice(95), { ...usual, communities: [WellKnownCommunity.noLlgr] });
    harness.settle();
    harness.rib.markStale(1);
    let told = 0;
    harness.rib.makeLongLived(1, () => told++);
    harness.turn();
    assert.deepEqual([paths.counts(1).longLived, told], [3, 0]);
    harness.settle();
    assert.deepEqual([paths.counts(1).longLived, paths.count(1), told], [95, 95, 1]);
    harness.rib.removePeer(1, true);
    harness.rib.removePeer(2, false);
    harness.settle();
    assert.equal(harness.store.size, 0, "marks are let go of");
  });

  test("count the rows of others that they look at on their way", () => {
    const { client } = PathSource;
    const peers = [1, 2].map((index) => ribPeer(index, { source: client }));
    const harness = new RibHarness(ipv4Unicast, peers, { ...defaultRibLimits, sweptPerTurn: 10 });
    const { paths } = harness.rib;
    harness.announce(1, names.slice(0, 1), usual);
    for (let block = 0; block < 10; block++) {
      const between = names.map((_, index) => `10.${block + 2}.${index}.0/24`);
      harness.announce(2, between, usual);
    }
    harness.announce(1, names.slice(1, 2), usual);
    harness.settle();
    harness.rib.removePeer(1, false);
    harness.turn();
    assert.equal(paths.count(1), 1, "there are a thousand between the two");
    harness.settle();
    assert.deepEqual([paths.count(1), paths.count(2)], [0, 1000]);
  });

  test("take turns by what they cost, a peer after the other", () => {
    const sweeps = new RowSweeps();
    const visits: string[] = [];
    for (const [peer, cost] of [
      [1, 1],
      [2, 10],
    ] as const) {
      sweeps.add({
        peer,
        rows: [1, 2, 3].values(),
        cost,
        visit: (row) => visits.push(`${peer}.${row}`),
        done: () => visits.push(`${peer} done`),
      });
    }
    sweeps.advance(30);
    assert.deepEqual(visits, ["1.1", "1.2", "1.3", "1 done", "2.1", "2.2"]);
    sweeps.advance(100);
    assert.deepEqual(visits.slice(6), ["2.3", "2 done"]);
    assert.equal(sweeps.isIdle, true);
  });
});
