import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PathAttributes } from "../../../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast } from "../../../../src/bgp/family/index.ts";
import { defaultRibLimits, type RibLimits } from "../../../../src/bgp/rib/rib-limits.ts";
import { PathSource } from "../../../../src/bgp/rib/source.ts";
import { RibHarness, ribPeer, type TestMember } from "../../../support/rib-harness.ts";

const usual: PathAttributes = { origin: 0, asPath: [], nextHop: "192.0.2.1", localPref: 100 };
const better: PathAttributes = { ...usual, localPref: 200 };
const names = Array.from({ length: 9 }, (_, index) => `10.1.${index}.0/24`);
const [first, second] = names as [string, string];

/** Five reflection clients; by default the table is dumped three prefixes at a time. */
function clients(limits: Partial<RibLimits> = {}): RibHarness {
  const { client } = PathSource;
  const peers = [1, 2, 3, 4, 5].map((index) => ribPeer(index, { source: client }));
  return new RibHarness(ipv4Unicast, peers, {
    ...defaultRibLimits,
    prefixesPerSlice: 3,
    ...limits,
  });
}

function held({ view }: TestMember): string[] {
  return [...view.routes.keys()].sort();
}

describe("an update group", () => {
  test("dumps the table to a new member, then says End-of-RIB, then follows with changes", () => {
    const harness = clients();
    harness.announce(1, names, usual);
    const member = harness.join(2);
    const order: string[] = [];
    member.atEndOfRib = () => order.push(`end after ${member.view.routes.size}`);
    harness.settle();
    harness.withdraw(1, names.slice(1));
    harness.settle();
    assert.deepEqual(order, ["end after 9"]);
    assert.deepEqual(held(member), [first]);
  });

  test("writes to some members a turn when there is no time for all, while changes gather", () => {
    const harness = clients({ membersPerLook: 2 });
    const members = [2, 3, 4, 5].map((index) => harness.join(index));
    harness.settle();
    harness.mayContinue = () => false;
    harness.announce(1, [first], usual);
    harness.turn();
    const counts = (): number[] => members.map((member) => held(member).length);
    assert.deepEqual(counts(), [1, 1, 0, 0]);
    for (const name of names.slice(1, 4)) harness.announce(1, [name], better);
    harness.turn();
    assert.deepEqual(counts(), [1, 1, 1, 1]);
    const before = members.map(({ view }) => view.updates);
    harness.settle();
    assert.deepEqual(counts(), [4, 4, 4, 4]);
    assert.deepEqual(
      members.map(({ view }, at) => view.updates - (before[at] as number)),
      [1, 1, 1, 1],
    );
  });

  test("goes on with a member whose socket drains after the round has passed it", () => {
    const harness = clients({ membersPerLook: 1 });
    const [sluggard, other] = [harness.join(2), harness.join(3)];
    harness.settle();
    sluggard.capacity = 1;
    harness.mayContinue = () => false;
    harness.announce(1, [first], usual);
    harness.turn();
    harness.announce(1, [second], usual);
    harness.turn();
    harness.turn();
    sluggard.drain();
    harness.settle();
    assert.deepEqual(
      [held(sluggard), held(other)],
      [
        [first, second],
        [first, second],
      ],
    );
  });

  test("encodes one dump for those who come while it is worth joining", () => {
    const harness = clients();
    harness.announce(1, names, usual);
    harness.settle();
    const sent: Uint8Array[][] = [];
    for (const index of [2, 3]) {
      const joined = harness.join(index);
      const parts: Uint8Array[] = [];
      const { send } = joined.member;
      Object.assign(joined.member, {
        send: (more: readonly Uint8Array[], messages: number) => {
          parts.push(...more);
          return send(more, messages);
        },
      });
      sent.push(parts);
      harness.settle();
    }
    const [one, other] = sent as [Uint8Array[], Uint8Array[]];
    assert.equal(one.length, 4);
    for (const [index, part] of one.entries()) assert.equal(other[index], part);
  });

  test("goes on with a dump that somebody reads when another one has taken its place", () => {
    const harness = clients({ keptDumpOctets: 0 });
    harness.announce(1, names, usual);
    const early = harness.join(2);
    harness.turn();
    const late = harness.join(3);
    harness.settle();
    assert.deepEqual(held(early), names);
    assert.deepEqual(held(late), names);
    assert.deepEqual([early.view.endOfRibs.length, late.view.endOfRibs.length], [1, 1]);
  });

  test("says End-of-RIB to a late joiner of a dump only after the log since", () => {
    const harness = clients();
    harness.announce(1, [first], usual);
    const early = harness.join(2);
    harness.settle();
    harness.announce(1, [second], usual);
    harness.settle();
    const late = harness.join(3);
    let atEnd: string[] = [];
    late.atEndOfRib = () => {
      atEnd = held(late);
    };
    harness.settle();
    assert.deepEqual(atEnd, [first, second]);
    assert.deepEqual(held(early), atEnd);
  });

  test("takes back from a late joiner of a dump what is its own by now", () => {
    const harness = clients();
    harness.announce(1, [first], usual);
    harness.join(2);
    harness.settle();
    harness.announce(3, [first], better);
    harness.settle();
    const owner = harness.join(3);
    harness.settle();
    assert.deepEqual(held(owner), []);
  });

  test("takes back from a peer the path that its own has overtaken, and gives it again", () => {
    const harness = clients();
    const [one, other] = [harness.join(1), harness.join(2)];
    harness.announce(1, [first], usual);
    harness.settle();
    assert.deepEqual([held(one), held(other)], [[], [first]]);
    harness.announce(2, [first], better);
    harness.settle();
    assert.deepEqual([held(one), held(other)], [[first], []]);
    harness.withdraw(2, [first]);
    harness.settle();
    assert.deepEqual([held(one), held(other)], [[], [first]]);
  });

  test("withdraws what a member had yet to hear of when it asks for the table again", () => {
    const harness = clients();
    harness.announce(1, [first, second], usual);
    const member = harness.join(2);
    harness.settle();
    member.capacity = 1;
    harness.announce(1, [first], better);
    harness.settle();
    harness.withdraw(1, [second]);
    harness.settle();
    member.group.refresh(member.member);
    member.drain();
    harness.settle();
    assert.deepEqual(held(member), [first]);
    assert.deepEqual([member.view.endOfRibs.length, member.view.refreshes], [1, 1]);
  });

  test("feeds a member that lags behind from the table, End-of-RIB last", () => {
    const harness = clients({ lagOctets: 100, keptDumpOctets: 0, joinableLogOctets: 0 });
    harness.announce(1, names, usual);
    const member = harness.join(2);
    let atEnd = -1;
    member.atEndOfRib = () => {
      atEnd = member.view.routes.size;
    };
    member.capacity = 1;
    harness.turn();
    const swift = harness.join(3);
    harness.settle();
    for (let round = 0; round < 20; round++) {
      harness.announce(1, [first], { ...usual, multiExitDisc: round });
      harness.settle();
    }
    assert.ok(member.group.retainedBytes <= 100, "the log does not wait for it");
    assert.equal(atEnd, -1);
    assert.deepEqual(held(swift), names);
    const { updates } = member.view;
    member.drain();
    harness.settle();
    assert.equal(atEnd, names.length);
    assert.equal(member.view.routes.get(first)?.multiExitDisc, 19);
    assert.ok(member.view.updates - updates < 8, "told what is, not all that was");
  });

  test("parts peers whose sessions differ, and forgets groups without members", () => {
    const harness = clients();
    harness.announce(1, [first], usual);
    const plain = harness.join(2);
    const old = harness.join(3, { fourOctetAs: false });
    assert.notEqual(plain.group, old.group);
    assert.equal(harness.join(4).group, plain.group);
    harness.leave(old);
    const again = harness.join(3, { fourOctetAs: false });
    assert.notEqual(again.group, old.group);
    harness.settle();
    assert.deepEqual(held(again), [first]);
  });

  test("releases prefix ids once nobody is to hear of them any more", () => {
    const harness = clients({ keptDumpOctets: 0, joinableLogOctets: 0 });
    const { prefixes } = harness.rib;
    const slow = harness.join(2);
    const swift = harness.join(3);
    harness.settle();
    slow.capacity = 1;
    harness.announce(1, names, usual);
    harness.settle();
    harness.withdraw(1, names);
    harness.settle();
    assert.deepEqual(held(swift), []);
    assert.equal(prefixes.size, names.length, "the slow one is yet to be told");
    slow.drain();
    harness.settle();
    assert.equal(prefixes.size, 0);
    harness.announce(1, ["10.2.0.0/24"], usual);
    harness.settle();
    assert.equal(prefixes.end, 1);
    assert.deepEqual([held(slow), held(swift)], [["10.2.0.0/24"], ["10.2.0.0/24"]]);
  });

  test("lets go of a dump that is kept for newcomers, and the log since, once much of what they speak of is gone", () => {
    const harness = clients();
    harness.announce(1, names, usual);
    const member = harness.join(2);
    harness.settle();
    const kept = (): number => {
      const { logBytes, dumpBytes } = member.group.memory();
      return logBytes + dumpBytes;
    };
    harness.withdraw(1, [first]);
    harness.settle();
    assert.ok(kept() > 0, "for one id it may stay");
    harness.withdraw(1, names.slice(1));
    harness.settle();
    assert.equal(kept(), 0);
    assert.equal(harness.rib.prefixes.size, 0);
    harness.announce(1, [second], usual);
    const late = harness.join(3);
    harness.settle();
    assert.deepEqual([held(member), held(late)], [[second], [second]]);
  });

  for (const addPaths of [0, 2]) {
    const kind = addPaths === 0 ? "path" : "paths";
    test(`tells the same ${kind} anew when somebody else offers it at the peer's address`, () => {
      const harness = clients();
      harness.announce(1, [first], usual);
      const member = harness.join(2, { addPaths });
      const originators = (): unknown[] =>
        [...member.view.routes.values()].map(({ originatorId }) => originatorId);
      harness.settle();
      assert.deepEqual(originators(), [0x0a00_0001]);
      // All before the next decision.
      harness.rib.removePeer(1, false);
      harness.rib.settle(1);
      const { client } = PathSource;
      harness.peers.set(1, ribPeer(1, { source: client, identifier: 0x0a00_0063, generation: 1 }));
      harness.announce(1, [first], usual);
      harness.settle();
      assert.deepEqual(originators(), [0x0a00_0063]);
      const { updates } = member.view;
      harness.rib.removePeer(1, false);
      harness.rib.settle(1);
      harness.announce(1, [first], usual);
      harness.settle();
      assert.equal(member.view.updates, updates, "the same of the same is no news");
    });
  }

  test("ranks paths as long as somebody is sent several, and leaves nothing of it behind", () => {
    const harness = clients();
    const empty = harness.rib.locRibBytes;
    harness.announce(1, names, usual);
    harness.announce(3, names, better);
    const plain = harness.join(2);
    harness.settle();
    const before = harness.rib.locRibBytes;
    const several = [4, 5].map((index) => harness.join(index, { addPaths: 2 }));
    harness.settle();
    assert.ok(harness.rib.locRibBytes > before);
    for (const member of several) {
      assert.equal(member.view.routes.size, 2 * names.length);
      harness.leave(member);
    }
    harness.settle();
    assert.equal(harness.rib.locRibBytes, before);
    const again = harness.join(4, { addPaths: 2 });
    harness.settle();
    assert.equal(again.view.routes.size, 2 * names.length);
    for (const peer of [1, 3]) harness.rib.removePeer(peer, false);
    harness.settle();
    assert.equal(again.view.routes.size, 0);
    assert.equal(harness.rib.locRibBytes, empty, "though it is still there");
    assert.equal(harness.store.size, 0);
    assert.deepEqual(held(plain), []);
  });
});
