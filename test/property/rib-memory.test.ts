import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { type Family, ipv4Unicast, ipv6Unicast } from "../../src/bgp/family/index.ts";
import { PathSource } from "../../src/bgp/rib/source.ts";
import { RibHarness, ribPeer } from "../support/rib-harness.ts";

const senders = [1, 2, 3];
const receiver = 4;

/** What the changes of a turn may take, whose room is kept for the next. */
const turnBytes = 300_000;

function prefixesOf({ version }: Family, from: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const index = from + at;
    return version === 4
      ? `20.${index >>> 8}.${index & 255}.0/24`
      : `2001:db8:${index.toString(16)}::/48`;
  });
}

function attributesOf({ version }: Family, set: number): PathAttributes {
  return {
    origin: 0,
    asPath: [],
    localPref: 100,
    multiExitDisc: set,
    nextHop: version === 4 ? "10.0.0.9" : "2001:db8::9",
  };
}

function harness(family: Family): RibHarness {
  const peers = [...senders, receiver].map((index) =>
    ribPeer(index, { source: PathSource.client }),
  );
  return new RibHarness(family, peers);
}

/** Octets of all tables, and those of them that hold routes rather than work. */
function bytesOf({ rib, store }: RibHarness): { all: number; routes: number } {
  const routes = rib.prefixes.bytes + rib.paths.bytes + store.bytes;
  return { all: routes + rib.locRibBytes, routes };
}

/** Parts of the tables of the senders, in the order in which they come and go. */
const slices = fc.array(
  fc.record({
    peer: fc.constantFrom(...senders),
    from: fc.nat(10_000),
    count: fc.integer({ min: 1, max: 6000 }),
  }),
  { minLength: 1, maxLength: 6 },
);

describe("the memory of the RIBs", () => {
  for (const family of [ipv4Unicast, ipv6Unicast]) {
    test(`goes with the last route, in whatever order routes go: ${family.name}`, () => {
      const empty = bytesOf(harness(family));
      fc.assert(
        fc.property(
          slices,
          fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
          (parts, vanishes) => {
            const ribs = harness(family);
            // It comes when part of the table is there, so that a dump of that may be kept.
            const [half] = parts;
            if (half !== undefined) {
              const names = prefixesOf(family, half.from, Math.min(500, half.count));
              ribs.announce(half.peer, names, attributesOf(family, 0));
            }
            ribs.settle();
            const member = ribs.join(receiver);
            for (const { peer, from, count } of parts) {
              const prefixes = prefixesOf(family, from, count);
              for (let at = 0; at < count; at += 1000) {
                ribs.announce(peer, prefixes.slice(at, at + 1000), attributesOf(family, from + at));
              }
              ribs.settle();
            }
            assert.ok(bytesOf(ribs).routes > empty.routes);
            for (const [index, peer] of senders.entries()) {
              if (vanishes[index] === true) ribs.rib.removePeer(peer, false);
              else {
                for (const part of parts) {
                  if (part.peer === peer)
                    ribs.withdraw(peer, prefixesOf(family, part.from, part.count));
                }
              }
              ribs.settle();
            }
            assert.equal(member.view.routes.size, 0);
            const { logBytes, dumpBytes, missedBytes } = member.group.memory();
            assert.deepEqual([logBytes, dumpBytes, missedBytes], [0, 0, 0]);
            const { all, routes } = bytesOf(ribs);
            assert.equal(routes, empty.routes);
            assert.ok(all <= empty.all + turnBytes, `${all} octets`);
          },
        ),
        { numRuns: 8 },
      );
    });
  }

  test("is not more for the same routes when they have come and gone many times", () => {
    const ribs = harness(ipv4Unicast);
    ribs.join(receiver);
    const churn = (round: number): void => {
      const prefixes = prefixesOf(ipv4Unicast, 0, 20_000);
      for (let at = 0; at < prefixes.length; at += 500) {
        ribs.announce(
          1,
          prefixes.slice(at, at + 500),
          attributesOf(ipv4Unicast, round * 1000 + at),
        );
      }
      ribs.settle();
      ribs.withdraw(1, prefixes.slice(0, 15_000));
      ribs.settle();
    };
    churn(0);
    const { all } = bytesOf(ribs);
    for (let round = 1; round < 20; round++) churn(round);
    assert.ok(bytesOf(ribs).all <= all * 1.01, `${bytesOf(ribs).all} octets after ${all}`);
  });
});
