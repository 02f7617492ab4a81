import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { AdjRibIn, PathFlag, refusalFlags } from "../../../../src/bgp/rib/adj-rib-in.ts";
import { PathAttributeStore } from "../../../../src/bgp/rib/path-attributes.ts";
import { PathReason } from "../../../../src/bgp/rib/path-reason.ts";
import { nobody } from "../../../support/rib-harness.ts";

/** A store with blocks 0, 1, …, each one octet long. */
function storeOf(blocks: number): PathAttributeStore {
  const store = new PathAttributeStore(nobody);
  for (let block = 0; block < blocks; block++) {
    const octets = Uint8Array.of(0x40, 1, 1, block);
    store.add(octets, { start: 0, end: 4, clean: true }, 1, {});
  }
  return store;
}

const origin = ({ attributes, received }: { attributes: number; received: number }): number =>
  received < 0 ? attributes : received;

const fresh = { stale: false, longLived: false };

interface Path {
  attributes: number;
  /** The block it came with. */
  received: number;
  /** A `PathReason`, or 0. */
  refusal: number;
  stale: boolean;
  longLived: boolean;
}

describe("Adj-RIB-In", () => {
  const small = { prefix: fc.nat(5), peer: fc.integer({ min: 1, max: 3 }), pathId: fc.nat(1) };
  const step = fc.oneof(
    fc.record({
      ...small,
      do: fc.constant("announce" as const),
      attributes: fc.nat(3),
      received: fc.integer({ min: -1, max: 3 }),
      filtered: fc.boolean(),
    }),
    fc.record({ ...small, do: fc.constant("withdraw" as const) }),
    fc.record({
      ...small,
      do: fc.constantFrom("markStale" as const, "removeStale" as const, "removePeer" as const),
    }),
    fc.record({ ...small, do: fc.constant("makeLongLived" as const), attributes: fc.nat(3) }),
    fc.record({
      ...small,
      do: fc.constant("judge" as const),
      attributes: fc.nat(3),
      received: fc.integer({ min: -1, max: 3 }),
      filtered: fc.boolean(),
    }),
  );

  test("is a map from prefix, peer and path identifier, with chains, counts and references kept", () => {
    const property = fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const store = storeOf(4);
      // Held from outside, so that ids stay what they are.
      for (let block = 0; block < 4; block++) store.retain(block);
      const rib = new AdjRibIn(store);
      const model = new Map<string, Path>();
      const ofPeer = (peer: number): [string, Path][] =>
        [...model].filter(([key]) => key.split(" ")[1] === `${peer}`);
      for (const one of steps) {
        const key = `${one.prefix} ${one.peer} ${one.pathId}`;
        const before = model.get(key);
        if (one.do === "announce") {
          const { do: _, filtered, ...offer } = one;
          const flags = filtered ? PathFlag.filtered : 0;
          const changed = rib.announce({ ...offer, flags, atSeconds: 0 });
          const refusal = filtered ? PathReason.filtered : 0;
          const matters = before?.attributes !== one.attributes || before.refusal !== refusal;
          assert.equal(changed, matters);
          const { attributes } = one;
          model.set(key, { attributes, received: origin(one), refusal, ...fresh });
        } else if (one.do === "withdraw") {
          assert.equal(rib.withdraw(one.prefix, one.peer, one.pathId), model.delete(key));
        } else if (one.do === "markStale") {
          rib.markStale(one.peer);
          for (const [, path] of ofPeer(one.peer)) path.stale = true;
        } else if (one.do === "makeLongLived") {
          for (const row of rib.rowsOf(one.peer)) {
            if (rib.isStale(row)) rib.makeLongLived(row, one.attributes);
          }
          for (const [, path] of ofPeer(one.peer)) {
            if (path.stale) Object.assign(path, { attributes: one.attributes, longLived: true });
          }
        } else if (one.do === "judge") {
          const { attributes, filtered } = one;
          const refusal = filtered ? PathReason.asSet : 0;
          const verdict = filtered ? refusalFlags(refusal) : 0;
          for (const row of rib.rowsOf(one.peer)) {
            const same = rib.attributes(row) === attributes && rib.refusal(row) === refusal;
            assert.equal(rib.rejudge(row, attributes, one.received, verdict), !same);
          }
          for (const [, path] of ofPeer(one.peer)) {
            Object.assign(path, { attributes, received: origin(one), refusal });
          }
        } else {
          const onlyStale = one.do === "removeStale";
          const gone = ofPeer(one.peer).filter(([, { stale }]) => stale || !onlyStale);
          for (const row of rib.rowsOf(one.peer)) {
            if (!onlyStale || rib.isStale(row)) rib.removeRow(row);
          }
          for (const [name] of gone) model.delete(name);
        }
      }
      const held = new Map<string, Path>();
      for (let prefix = 0; prefix < 6; prefix++) {
        for (let row = rib.first(prefix); row >= 0; row = rib.next(row)) {
          assert.equal(rib.prefix(row), prefix);
          const path = {
            attributes: rib.attributes(row),
            received: rib.received(row),
            refusal: rib.refusal(row),
            stale: rib.isStale(row),
            longLived: rib.isLongLived(row),
          };
          held.set(`${prefix} ${rib.peer(row)} ${rib.pathId(row)}`, path);
        }
      }
      assert.deepEqual(held, model);
      for (let peer = 1; peer <= 3; peer++) {
        const paths = ofPeer(peer);
        const count = (is: (path: Path) => boolean): number =>
          paths.filter(([, path]) => is(path)).length;
        assert.deepEqual(rib.counts(peer), {
          paths: paths.length,
          filtered: count(({ refusal }) => refusal !== 0),
          stale: count(({ stale }) => stale),
          longLived: count(({ longLived }) => longLived),
        });
        for (const row of rib.rowsOf(peer)) rib.removeRow(row);
      }
      for (let block = 0; block < 4; block++) store.release(block);
      assert.equal(store.size, 0, "a reference too many");
    });
    fc.assert(property, { numRuns: 150 });
  });

  test("grows, and gives the memory back", () => {
    const store = storeOf(1);
    store.retain(0);
    const rib = new AdjRibIn(store);
    const count = 50_000;
    for (let prefix = 0; prefix < count; prefix++) {
      rib.announce({
        prefix,
        peer: prefix % 7,
        pathId: 0,
        attributes: 0,
        received: -1,
        flags: 0,
        atSeconds: prefix,
      });
    }
    for (let prefix = 0; prefix < count; prefix++) {
      const row = rib.first(prefix);
      assert.deepEqual(
        [rib.peer(row), rib.atSeconds(row), rib.next(row)],
        [prefix % 7, prefix, -1],
      );
    }
    assert.equal(rib.first(count * 10), -1);
    assert.ok(rib.bytes > count * 16);
    for (let peer = 0; peer < 7; peer++) {
      for (const row of rib.rowsOf(peer)) rib.removeRow(row);
    }
    assert.deepEqual([rib.size, rib.bytes], [0, 0]);
  });
});
