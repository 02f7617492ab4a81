import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PathAttributes } from "../../../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast } from "../../../../src/bgp/family/index.ts";
import { AdvertisementPacer } from "../../../../src/bgp/rib/advertisement-pacer.ts";
import { defaultRibLimits, type RibLimits } from "../../../../src/bgp/rib/rib-limits.ts";
import { PathSource } from "../../../../src/bgp/rib/source.ts";
import { RibHarness, ribPeer, type TestMember } from "../../../support/rib-harness.ts";

const one = "10.1.1.0/24";
const other = "10.1.2.0/24";

function via(localPref: number): PathAttributes {
  return { origin: 0, asPath: [], nextHop: "192.0.2.1", localPref };
}

/** Five clients, of which those who join by `paced` are told of routes every ten seconds. */
function clients(limits: Partial<RibLimits> = {}): {
  harness: RibHarness;
  paced: (peer: number) => TestMember;
} {
  const peers = [1, 2, 3, 4, 5].map((index) => ribPeer(index, { source: PathSource.client }));
  const harness = new RibHarness(ipv4Unicast, peers, { ...defaultRibLimits, ...limits });
  const paced = (peer: number): TestMember =>
    harness.join(peer, { minRouteAdvertisementIntervalSeconds: 10 });
  return { harness, paced };
}

function preferenceOf({ view }: TestMember, prefix: string): number | undefined {
  return view.routes.get(prefix)?.localPref;
}

describe("MinRouteAdvertisementInterval", () => {
  test("lets the first announcement after a pause go at once, and the next wait", () => {
    const { harness, paced } = clients();
    const member = paced(2);
    const swift = harness.join(3);
    harness.settle();
    harness.announce(1, [one], via(100));
    harness.settle();
    assert.equal(preferenceOf(member, one), 100);
    harness.nowMs = 1000;
    harness.announce(1, [one], via(200));
    harness.announce(1, [other], via(100));
    harness.settle();
    assert.deepEqual([preferenceOf(member, one), preferenceOf(member, other)], [100, undefined]);
    assert.deepEqual([preferenceOf(swift, one), preferenceOf(swift, other)], [200, 100]);
    assert.equal(harness.rib.advertisementDueMs, 10_000);
    harness.nowMs = 9999;
    harness.announce(1, [one], via(300));
    harness.settle();
    assert.equal(preferenceOf(member, one), 100);
    const { updates } = member.view;
    harness.nowMs = 10_000;
    harness.settle();
    assert.deepEqual([preferenceOf(member, one), preferenceOf(member, other)], [300, 100]);
    assert.equal(member.view.updates - updates, 2, "200 is never told");
    assert.equal(harness.rib.advertisementDueMs, Number.POSITIVE_INFINITY);
    harness.announce(1, [one], via(400));
    harness.settle();
    assert.equal(harness.rib.advertisementDueMs, 20_000);
  });

  test("lets no withdrawal wait, nor what is withdrawn while it waits come back", () => {
    const { harness, paced } = clients();
    const member = paced(2);
    harness.announce(1, [one], via(100));
    harness.settle();
    harness.announce(1, [other], via(100));
    harness.announce(1, [one], via(200));
    harness.settle();
    harness.withdraw(1, [one, other]);
    harness.settle();
    assert.equal(member.view.routes.size, 0);
    assert.equal(harness.rib.advertisementDueMs, Number.POSITIVE_INFINITY);
    harness.nowMs = 20_000;
    harness.settle();
    assert.equal(member.view.routes.size, 0);
  });

  test("takes back at once what a member's own path overtakes, and gives it again when due", () => {
    const { harness, paced } = clients();
    const owner = paced(2);
    const member = paced(3);
    harness.announce(1, [one], via(100));
    harness.settle();
    harness.announce(2, [one], via(200));
    harness.settle();
    assert.deepEqual([preferenceOf(owner, one), preferenceOf(member, one)], [undefined, 100]);
    harness.nowMs = 10_000;
    harness.settle();
    assert.deepEqual([preferenceOf(owner, one), preferenceOf(member, one)], [undefined, 200]);
    harness.withdraw(2, [one]);
    harness.settle();
    harness.nowMs = 20_000;
    harness.settle();
    assert.deepEqual([preferenceOf(owner, one), preferenceOf(member, one)], [100, 100]);
  });

  test("holds up no table for a new member, but End-of-RIB until what waits is out", () => {
    const { harness, paced } = clients();
    const early = paced(2);
    harness.announce(1, [one], via(100));
    harness.settle();
    harness.announce(1, [other], via(100));
    harness.settle();
    assert.equal(preferenceOf(early, other), undefined);
    const late = paced(3);
    harness.settle();
    assert.deepEqual([preferenceOf(late, one), preferenceOf(late, other)], [100, 100]);
    assert.deepEqual(
      [early, late].map(({ view }) => view.endOfRibs.length),
      [1, 0],
    );
    harness.nowMs = 10_000;
    harness.settle();
    assert.equal(late.view.endOfRibs.length, 1);
  });

  for (const how of ["after its table", "once released"] as const) {
    test(`lets End-of-RIB come ${how}, however much goes on changing`, () => {
      // One prefix is taken at a time, and three change each time: some are held at any moment.
      const { harness, paced } = clients({ prefixesPerSlice: 1 });
      paced(2);
      const churning = [one, other, "10.1.3.0/24"];
      let localPref = 100;
      const churn = (seconds: number): void => {
        for (let turns = seconds * 4; turns > 0; turns--) {
          harness.nowMs += 250;
          harness.announce(1, churning, via(localPref++));
          harness.turn();
        }
      };
      churn(15);
      const late = paced(3);
      late.member.endOfRibHeld = how === "once released";
      churn(5);
      assert.equal(late.view.endOfRibs.length, 0, "what was held then waits");
      const asked = localPref;
      if (late.member.endOfRibHeld) late.group.releaseEndOfRib(late.member);
      churn(25);
      assert.equal(late.view.endOfRibs.length, 1);
      for (const prefix of churning) assert.ok((preferenceOf(late, prefix) ?? 0) >= asked, prefix);
    });
  }

  test("waits with End-of-RIB for nothing that is withdrawn meanwhile", () => {
    const { harness, paced } = clients();
    paced(2);
    harness.announce(1, [one], via(100));
    harness.settle();
    harness.announce(1, [one, other], via(200));
    harness.settle();
    const late = paced(3);
    harness.settle();
    assert.equal(late.view.endOfRibs.length, 0);
    harness.withdraw(1, [one, other]);
    harness.settle();
    assert.equal(late.view.endOfRibs.length, 1);
  });

  test("tells when all that is held now is out, whatever is held since", () => {
    let nowMs = 0;
    const pacer = new AdvertisementPacer(10, { nowMs: () => nowMs, random: () => 1 });
    assert.ok(pacer.isOver(pacer.lastRound), "nothing is held");
    pacer.hold(0);
    pacer.hold(1);
    const first = pacer.lastRound;
    assert.equal(pacer.isOver(first), false);
    assert.deepEqual(pacer.take(1), [0]);
    pacer.hold(2);
    const second = pacer.lastRound;
    assert.deepEqual(
      [first, second].map((round) => pacer.isOver(round)),
      [false, false],
    );
    assert.deepEqual(pacer.take(1), [1]);
    assert.deepEqual(
      [first, second].map((round) => pacer.isOver(round)),
      [true, false],
    );
    nowMs = 10_000;
    assert.deepEqual(pacer.take(1), [2]);
    pacer.hold(3);
    assert.ok(pacer.isOver(second));
  });

  test("hands out as many at a time as it is asked for, then waits anew", () => {
    let nowMs = 0;
    const pacer = new AdvertisementPacer(10, { nowMs: () => nowMs, random: () => 0 });
    for (let prefix = 0; prefix < 5; prefix++) pacer.hold(prefix);
    assert.deepEqual(pacer.take(3), [0, 1, 2]);
    assert.ok(pacer.hasMore);
    pacer.hold(9);
    pacer.drop(3);
    assert.deepEqual(pacer.take(3), [4], "nothing takes the place of what was dropped");
    assert.equal(pacer.hasMore, false);
    pacer.hold(1);
    assert.deepEqual(pacer.take(3), []);
    assert.equal(pacer.dueMs, 7500, "three quarters of the interval at least");
    nowMs = 7500;
    assert.deepEqual(pacer.take(1), [9]);
    pacer.hold(1);
    pacer.hold(2);
    assert.deepEqual(pacer.take(3), [1], "held before it was due, and once");
    pacer.drop(2);
    assert.equal(pacer.dueMs, Number.POSITIVE_INFINITY);
  });
});
