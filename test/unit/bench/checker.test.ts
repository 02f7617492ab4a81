import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Checker, type Violations } from "../../../bench/tester/checker.ts";
import { type Announcements, buildLoads, singleLoad } from "../../../bench/tester/load.ts";
import { announcementsOf } from "../../../bench/tester/plan.ts";
import { peerAddress } from "../../../bench/tester/universe.ts";
import type { PathAttributes } from "../../../src/bgp/attribute/path-attributes.ts";
import type { UpdateMessage } from "../../../src/bgp/message/message.ts";
import { encodeKeepalive } from "../../../src/bgp/message/keepalive.ts";
import { encodeNotification } from "../../../src/bgp/message/notification.ts";
import { decodeUpdate, encodeUpdate } from "../../../src/bgp/message/update.ts";
import { codec, splitMessages } from "../../support/peer-view.ts";

const clusterId = 0x0a00_0001;
const pods = announcementsOf({ senders: 3, prefixesEach: 4, traffic: "pods" });

/** What a reflector makes of one sender's octets, message by message; `change` is its fault. */
function reflected(
  octets: Uint8Array,
  sender: number,
  change: (attributes: PathAttributes) => Partial<PathAttributes> = () => ({}),
): Uint8Array {
  const messages = [...splitMessages(octets)].flatMap((message) => {
    const update: UpdateMessage = decodeUpdate(message.subarray(19), codec());
    if (update.announced.length === 0) return [message];
    const originatorId = peerAddress(sender);
    const attributes = { ...update.attributes, originatorId, clusterList: [clusterId] };
    return encodeUpdate(
      { ...update, attributes: { ...attributes, ...change(attributes) } },
      codec(),
    );
  });
  return Buffer.concat(messages);
}

interface Exchange {
  readonly checker: Checker;
  /** What client `to` is sent of sender `from`'s announcements. */
  readonly announce: (from: number) => Uint8Array;
  readonly withdraw: (from: number) => Uint8Array;
}

function exchange(announcements: Announcements = pods, listeners = 0): Exchange {
  const { ofSenders, sets } = buildLoads(announcements);
  const checker = new Checker(announcements, announcements.senders + listeners, sets);
  checker.expect("all", 0);
  return {
    checker,
    announce: (from) => reflected(ofSenders[from]?.announce as Uint8Array, from),
    withdraw: (from) => ofSenders[from]?.withdraw as Uint8Array,
  };
}

/** Violations that are not 0. */
function found(violations: Violations): Partial<Violations> {
  return Object.fromEntries(Object.entries(violations).filter(([, count]) => count > 0));
}

function take(checker: Checker, client: number, octets: Uint8Array, atMs = 0): boolean {
  return checker.take(client, octets, 0, octets.length, atMs);
}

test("a client is complete with the octet that brings the last prefix it lacks", () => {
  const { announce, checker, withdraw } = exchange();
  take(checker, 0, announce(1), 10);
  assert.equal(checker.complete, 0);
  const last = announce(2);
  take(checker, 0, last.subarray(0, -1), 20);
  assert.equal(checker.complete, 0);
  take(checker, 0, last.subarray(-1), 30);
  assert.equal(checker.complete, 1);
  assert.equal(checker.completeAtMs[0], 30);
  assert.deepEqual(found(checker.violations), {});
  checker.expect("none", 40);
  assert.equal(checker.complete, 2, "the others hold nothing, as they must");
  for (const from of [1, 2]) take(checker, 0, withdraw(from), 50);
  assert.equal(checker.completeAtMs[0], 50);
  assert.deepEqual(found(checker.violations), {});
});

test("it does not matter how the stream is cut", () => {
  const announcements = announcementsOf({ senders: 2, prefixesEach: 300, traffic: "internet" });
  const { announce } = exchange(announcements, 1);
  const stream = Buffer.concat([encodeKeepalive(), announce(0), encodeKeepalive(), announce(1)]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: stream.length }), { maxLength: 40 }), (cuts) => {
      const { checker } = exchange(announcements, 1);
      const ends = [...new Set([...cuts, stream.length])].toSorted((a, b) => a - b);
      let start = 0;
      for (const end of ends) {
        assert.ok(checker.take(2, stream, start, end, end));
        start = end;
      }
      assert.equal(checker.complete, 1);
      assert.deepEqual(found(checker.violations), {});
      assert.deepEqual(checker.notes, { echoed: 0, repeated: 0, withdrawnInVain: 0 });
    }),
    { numRuns: 50 },
  );
});

const faults: Readonly<Record<string, readonly [keyof Violations, Partial<PathAttributes>]>> = {
  "another's next hop": ["nextHop", { nextHop: "10.1.0.3" }],
  "a next hop that is nobody's": ["nextHop", { nextHop: "10.0.0.1" }],
  "another ORIGINATOR_ID": ["originatorId", { originatorId: peerAddress(2) }],
  "other attributes": ["attributes", { asPath: [{ type: 2, asns: [64999] }] }],
};

for (const [name, [kind, change]] of Object.entries(faults)) {
  test(`${name} is seen, for every prefix`, () => {
    const { checker } = exchange();
    const load = buildLoads(pods).ofSenders[1]?.announce as Uint8Array;
    take(
      checker,
      0,
      reflected(load, 1, () => change),
    );
    assert.deepEqual(found(checker.violations), { [kind]: 4 });
  });
}

test("what was not reflected by the rules is seen", () => {
  const { checker } = exchange();
  take(checker, 0, buildLoads(pods).ofSenders[1]?.announce as Uint8Array);
  assert.deepEqual(found(checker.violations), { originatorId: 4, clusterList: 4 });
});

test("a prefix under another's attribute set is seen", () => {
  const announcements = announcementsOf({ senders: 1, prefixesEach: 12, traffic: "nodes" });
  const { checker } = exchange(announcements, 1);
  const asPath = [{ type: 2 as const, asns: [3000, 100_001] }];
  const [first] = splitMessages(buildLoads(announcements).ofSenders[0]?.announce as Uint8Array);
  take(
    checker,
    1,
    reflected(first as Uint8Array, 0, () => ({ asPath })),
  );
  assert.deepEqual(found(checker.violations), { attributes: 4 });
});

test("a prefix that nobody announced is seen, and does not count", () => {
  const more = announcementsOf({ senders: 3, prefixesEach: 5, traffic: "pods" });
  const { checker } = exchange();
  take(checker, 0, reflected(buildLoads(more).ofSenders[2]?.announce as Uint8Array, 2));
  assert.equal(checker.violations.unknownPrefix, 3, "10 to 14 are sent, 11 is the last there is");
  assert.equal(checker.complete, 0);
});

test("one's own prefixes, repetitions and withdrawals in vain are noted, and no fault", () => {
  const { announce, checker, withdraw } = exchange();
  for (const from of [0, 1, 1, 2]) take(checker, 0, announce(from));
  assert.equal(checker.complete, 1);
  take(checker, 1, withdraw(0));
  assert.deepEqual(checker.notes, { echoed: 4, repeated: 4, withdrawnInVain: 4 });
  assert.deepEqual(found(checker.violations), {});
});

test("what is not BGP ends a stream", () => {
  const whole = exchange().announce(1);
  const damaged = (at: number, value: number): Uint8Array => {
    const copy = whole.slice();
    copy[at] = value;
    return copy;
  };
  // The marker; the length; the length of the withdrawn routes, of the attributes, of one attribute.
  for (const octets of [
    damaged(3, 0),
    damaged(16, 99),
    damaged(19, 99),
    damaged(21, 99),
    damaged(25, 250),
  ]) {
    const { checker } = exchange();
    assert.equal(take(checker, 0, octets), false);
    assert.deepEqual(found(checker.violations), { malformed: 1 });
  }
});

test("a NOTIFICATION is seen", () => {
  const { checker } = exchange();
  const notification = { code: 6, subcode: 2, data: new Uint8Array(0) };
  take(checker, 0, encodeNotification(notification));
  assert.deepEqual(found(checker.violations), { notifications: 1 });
});

test("a client whose session is gone holds nothing, and not the beginning of a message either", () => {
  const { announce, checker } = exchange();
  for (const from of [1, 2]) take(checker, 0, announce(from));
  take(checker, 0, announce(1).subarray(0, 10));
  checker.forget(0);
  assert.equal(checker.complete, 0);
  for (const from of [1, 2]) take(checker, 0, announce(from), 7);
  assert.equal(checker.completeAtMs[0], 7);
  assert.deepEqual(checker.notes, { echoed: 0, repeated: 0, withdrawnInVain: 0 });
});

test("a watched change is timed once for every client that sees it", () => {
  const { announce, checker } = exchange();
  for (const client of [1, 2]) take(checker, client, announce(0));
  const single = singleLoad(pods, 0);
  checker.watch(0, false, 100);
  take(checker, 1, single.withdraw, 103);
  take(checker, 2, single.withdraw, 104);
  take(checker, 2, single.withdraw, 109);
  assert.deepEqual(checker.latenciesMs, [3, 4]);
  checker.watch(0, true, 200);
  take(checker, 2, reflected(single.announce, 0), 205);
  assert.deepEqual(checker.latenciesMs, [5]);
});
