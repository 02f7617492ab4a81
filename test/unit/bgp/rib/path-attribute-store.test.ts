import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodePathAttributes } from "../../../../src/bgp/attribute/decode-attributes.ts";
import { encodePathAttributes } from "../../../../src/bgp/attribute/encode-attributes.ts";
import type { PathAttributes } from "../../../../src/bgp/attribute/path-attributes.ts";
import { AttributeTrait } from "../../../../src/bgp/rib/attribute-summary.ts";
import { contextBits, contextOfBits } from "../../../../src/bgp/rib/context-bits.ts";
import { PathAttributeStore } from "../../../../src/bgp/rib/path-attributes.ts";
import { PathReason } from "../../../../src/bgp/rib/path-reason.ts";
import { Writer } from "../../../../src/wire/writer.ts";
import { nobody } from "../../../support/rib-harness.ts";

const internal = contextBits({ fourOctetAs: true, external: false });
const external = contextBits({ fourOctetAs: true, external: true });

function encode(attributes: PathAttributes): Uint8Array {
  const writer = new Writer();
  encodePathAttributes(attributes, contextOfBits(internal), writer);
  return writer.finish();
}

/** Interns a block as an UPDATE's receiver does, with one reference. */
function intern(store: PathAttributeStore, octets: Uint8Array, bits = internal): number {
  const found = store.find(octets, 0, octets.length, bits);
  if (found >= 0) {
    store.retain(found);
    return found;
  }
  const context = contextOfBits(bits);
  const decoded = decodePathAttributes(octets, 0, octets.length, context, { announces: true });
  const range = { start: 0, end: octets.length, clean: decoded.errors.length === 0 };
  const id = store.add(octets, range, bits, decoded.attributes);
  store.retain(id);
  return id;
}

const usual: PathAttributes = { origin: 0, asPath: [], nextHop: "192.0.2.1", localPref: 100 };

describe("the store of path attributes", () => {
  test("knows equal octets as one block as long as somebody refers to it", () => {
    const store = new PathAttributeStore(nobody);
    const octets = encode(usual);
    const id = intern(store, octets);
    assert.equal(intern(store, octets.slice()), id);
    store.release(id);
    assert.equal(store.find(octets, 0, octets.length, internal), id);
    assert.deepEqual(store.attributes(id), usual);
    store.release(id);
    assert.equal(store.find(octets, 0, octets.length, internal), -1);
    assert.deepEqual([store.size, store.bytes < 100_000], [0, true]);
  });

  test("tells the same octets apart where the session reads them in another way", () => {
    const store = new PathAttributeStore(nobody);
    const octets = encode(usual);
    assert.notEqual(intern(store, octets, internal), intern(store, octets, external));
    const fromExternal = store.find(octets, 0, octets.length, external);
    assert.equal(store.attributes(fromExternal).localPref, undefined);
  });

  test("is a map with reference counts, through growth and reuse of ids", () => {
    const step = fc.record({ release: fc.boolean(), block: fc.nat(600), pick: fc.nat() });
    const property = fc.property(
      fc.array(step, { minLength: 300, maxLength: 1500 }),
      fc.nat(5),
      (steps, bias) => {
        const store = new PathAttributeStore(nobody);
        const held: { id: number; block: number }[] = [];
        for (const { release, block, pick } of steps) {
          if (release && pick % 6 >= bias) {
            const [gone] = held.splice(pick % Math.max(1, held.length), 1);
            if (gone !== undefined) store.release(gone.id);
          } else {
            const octets = encode({ ...usual, multiExitDisc: block });
            held.push({ id: intern(store, octets), block });
          }
        }
        const blocks = new Map(held.map(({ id, block }) => [block, id]));
        assert.equal(store.size, blocks.size);
        for (const { id, block } of held) {
          assert.equal(blocks.get(block), id);
          assert.equal(store.med(id), block);
          const octets = encode({ ...usual, multiExitDisc: block });
          assert.equal(store.find(octets, 0, octets.length, internal), id);
        }
      },
    );
    fc.assert(property, { numRuns: 30 });
  });

  test("has what the Decision Process reads in columns", () => {
    const store = new PathAttributeStore({ ...nobody, asn: 65002 });
    const attributes: PathAttributes = {
      origin: 2,
      asPath: [
        { type: 2, asns: [65001, 65002] },
        { type: 1, asns: [1, 2, 3] },
      ],
      nextHop: "192.0.2.1",
      multiExitDisc: 4_000_000_000,
      localPref: 4_000_000_001,
      communities: [0xffffff02, 0xffffff03],
      originatorId: 0xff000001,
      clusterList: [1, 2, 3],
    };
    const id = intern(store, encode(attributes));
    assert.equal(store.origin(id), 2);
    assert.equal(store.asPathLength(id), 3);
    assert.equal(store.neighborAs(id), 65001);
    assert.equal(store.med(id), 4_000_000_000);
    assert.equal(store.localPref(id), 4_000_000_001);
    assert.equal(store.originatorId(id), 0xff000001);
    assert.equal(store.clusterListLength(id), 3);
    assert.equal(store.ineligible(id), PathReason.asLoop);
    for (const trait of ["hasMed", "hasOriginatorId", "noAdvertise", "noExport"] as const) {
      assert.ok(store.has(id, AttributeTrait[trait]), trait);
    }
  });

  test("takes the defaults of RFC 4271 for what is absent", () => {
    const store = new PathAttributeStore(nobody);
    const id = intern(store, encode({ origin: 0, asPath: [], nextHop: "192.0.2.1" }));
    assert.deepEqual([store.localPref(id), store.med(id), store.neighborAs(id)], [100, 0, 0]);
    for (const trait of ["hasMed", "hasOriginatorId", "noAdvertise", "noExport"] as const) {
      assert.ok(!store.has(id, AttributeTrait[trait]), trait);
    }
  });

  test("passes octets on as they are only where they say just what we would", () => {
    const isVerbatim = (octets: Uint8Array): boolean => {
      const store = new PathAttributeStore(nobody);
      return store.has(intern(store, octets), AttributeTrait.verbatim);
    };
    const octets = encode(usual);
    assert.ok(isVerbatim(octets));
    assert.ok(
      isVerbatim(encode({ ...usual, communities: [1], clusterList: [1], originatorId: 2 })),
    );
    const reordered = Uint8Array.from([...octets.subarray(4), ...octets.subarray(0, 4)]);
    assert.ok(!isVerbatim(reordered), "not in ascending order");
    assert.ok(!isVerbatim(encode({ origin: 0, asPath: [], nextHop: "192.0.2.1" })), "LOCAL_PREF");
    const unknown = [{ code: 200, flags: 0xc0, value: Uint8Array.of(1) }];
    assert.ok(!isVerbatim(encode({ ...usual, unknown })), "an unknown attribute");
    const odd = octets.slice();
    odd[0] = 0x41;
    assert.ok(!isVerbatim(odd), "a flag that must be zero when sent");
    const discarded = Uint8Array.from([...octets, 0xc0, 7, 1, 0]);
    assert.ok(!isVerbatim(discarded), "a malformed attribute that was discarded");
  });
});
