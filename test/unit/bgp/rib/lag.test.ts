/** What members that read slowly cost, and what becomes of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PathAttributes } from "../../../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast } from "../../../../src/bgp/family/index.ts";
import { defaultRibLimits, type RibLimits } from "../../../../src/bgp/rib/rib-limits.ts";
import { PathSource } from "../../../../src/bgp/rib/source.ts";
import { RibHarness, ribPeer, type TestMember } from "../../../support/rib-harness.ts";

const usual: PathAttributes = { origin: 0, asPath: [], nextHop: "192.0.2.1", localPref: 100 };
const stable = "10.1.0.0/24";

/** Five reflection clients, of whom the first announces, and neither dumps nor logs that are kept for newcomers. */
function clients(limits: Partial<RibLimits>): RibHarness {
  const peers = [1, 2, 3, 4, 5].map((index) => ribPeer(index, { source: PathSource.client }));
  const most = {
    ...defaultRibLimits,
    keptDumpOctets: 0,
    joinableLogOctets: 0,
    prefixesPerSlice: 3,
  };
  return new RibHarness(ipv4Unicast, peers, { ...most, ...limits });
}

function held({ view }: TestMember): string[] {
  return [...view.routes.keys()].sort();
}

/** Announces a prefix with attributes that it did not have before, each time in a turn of its own. */
function churn(harness: RibHarness, rounds: number, from = 0): void {
  for (let round = from; round < from + rounds; round++) {
    harness.announce(1, [stable], { ...usual, multiExitDisc: round });
    harness.settle();
  }
}

/** New prefixes, which come and go at once. */
function comeAndGo(harness: RibHarness, count: number): void {
  for (let index = 0; index < count; index++) {
    const fleeting = `10.2.${index}.0/24`;
    harness.announce(1, [fleeting], usual);
    harness.settle();
    harness.withdraw(1, [fleeting]);
    harness.settle();
  }
}

describe("a member that reads slowly", () => {
  test("has no more memory held for it than it may, however small the slabs are", () => {
    const lagOctets = 64 * 1024;
    const harness = clients({ lagOctets });
    const slow = harness.join(2);
    const swift = harness.join(3);
    harness.settle();
    slow.capacity = 1;
    // 16 kB of UPDATEs: but what stands around each is several times as much.
    churn(harness, 200);
    assert.ok(slow.member.missed !== undefined, "it has lost its place");
    assert.ok(slow.group.retainedBytes < 2000, `${slow.group.retainedBytes} octets`);
    slow.drain();
    harness.settle();
    assert.equal(slow.view.routes.get(stable)?.multiExitDisc, 199);
    assert.deepEqual(held(slow), held(swift));
  });

  test("loses its place alone: another one that is a slab behind keeps its own", () => {
    const harness = clients({ lagOctets: 20_000 });
    const [slow, other] = [harness.join(2), harness.join(3)];
    harness.settle();
    for (const member of [slow, other]) member.capacity = 1;
    let rounds = 2;
    churn(harness, rounds);
    for (; slow.member.missed === undefined; rounds++) {
      assert.ok(rounds < 100, "never");
      // It has taken the last one when the next comes.
      other.drain(1);
      harness.settle();
      assert.ok(other.member.isBlocked);
      churn(harness, 1, rounds);
    }
    assert.equal(other.member.missed, undefined);
    other.drain();
    slow.drain();
    harness.settle();
    for (const { view } of [slow, other]) {
      assert.equal(view.routes.get(stable)?.multiExitDisc, rounds - 1);
    }
  });

  test("keeps its place in a dump that is larger than what may wait, of which it reads slab after slab", () => {
    const lagOctets = 5000;
    const harness = clients({ lagOctets, keptDumpOctets: 2000, joinableLogOctets: 2000 });
    const names = Array.from({ length: 120 }, (_, index) => `10.3.${index}.0/24`);
    for (const [index, name] of names.entries()) {
      harness.announce(1, [name], { ...usual, multiExitDisc: index });
    }
    harness.settle();
    const reader = harness.join(2);
    for (let count = 0; count < 100 && reader.view.endOfRibs.length === 0; count++) {
      reader.drain(1);
      harness.turn();
      assert.equal(reader.member.missed, undefined, `after ${reader.view.routes.size} prefixes`);
      assert.ok(reader.group.retainedBytes <= lagOctets, `${reader.group.retainedBytes} octets`);
    }
    assert.equal(reader.view.endOfRibs.length, 1);
    assert.equal(reader.view.routes.size, names.length);
  });

  test("keeps no id from being released that it has nothing to hear of", () => {
    const harness = clients({ lagOctets: 100 });
    const { prefixes } = harness.rib;
    const slow = harness.join(2);
    const swift = harness.join(3);
    harness.settle();
    slow.capacity = 1;
    churn(harness, 3);
    assert.ok(slow.member.missed !== undefined);
    comeAndGo(harness, 30);
    const { missed } = slow.member;
    assert.equal(prefixes.size, 31, "all of which it is to hear of");
    // Three prefixes at a time.
    while (missed.size > 6) {
      slow.drain(1);
      harness.settle();
    }
    assert.equal(slow.member.missed, missed, "it still lags");
    assert.ok(prefixes.size <= 1 + 2 * missed.size, `${prefixes.size} ids`);
    harness.announce(1, ["10.4.0.0/24", "10.2.29.0/24"], usual);
    harness.settle();
    slow.drain();
    harness.settle();
    assert.deepEqual(held(slow), ["10.1.0.0/24", "10.2.29.0/24", "10.4.0.0/24"]);
    assert.deepEqual(held(swift), held(slow));
    assert.equal(prefixes.size, 3);
  });

  test("leaves the log once too many prefixes have gone that it speaks of, and is given up if it goes on", () => {
    const harness = clients({ missedPrefixes: 10 });
    const slow = harness.join(2);
    harness.join(3);
    harness.settle();
    slow.capacity = 1;
    churn(harness, 2);
    comeAndGo(harness, 10);
    assert.equal(slow.member.missed, undefined);
    comeAndGo(harness, 15);
    assert.ok(slow.member.missed !== undefined);
    assert.deepEqual([...harness.rib.outgrown], [2]);
    harness.leave(slow);
    harness.settle();
    assert.equal(harness.rib.prefixes.size, 1);
  });
});
