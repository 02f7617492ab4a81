import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type IpVersion, parseIpAddress } from "../../src/net/ip-address.ts";
import { prefixFromOctets } from "../../src/net/prefix.ts";
import { PrefixTable } from "../../src/bgp/rib/prefix-table.ts";

type Step =
  | { readonly do: "intern" | "find"; octets: Uint8Array; length: number }
  | { readonly do: "release"; pick: number };

/** Addresses with few distinct octets, so that prefixes collide, nest and come again. */
function steps(version: IpVersion): fc.Arbitrary<Step[]> {
  const octets = fc
    .array(fc.constantFrom(0, 1, 10, 128, 255), { minLength: 16, maxLength: 16 })
    .map((values) => Uint8Array.from(values.slice(0, version === 4 ? 4 : 16)));
  const length = fc.oneof(
    fc.constantFrom(0, 8, version === 4 ? 32 : 128),
    fc.nat(version === 4 ? 32 : 128),
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant("intern" as const), octets, length }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("find" as const), octets, length }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), pick: fc.nat() }) },
  );
  return fc.array(step, { maxLength: 200 });
}

/** A table and what it should hold. */
class Model {
  readonly table: PrefixTable;
  readonly ids = new Map<string, number>();

  constructor(version: IpVersion) {
    this.table = new PrefixTable(version);
  }

  apply(step: Step): void {
    if (step.do === "release") {
      const entry = [...this.ids][step.pick % Math.max(1, this.ids.size)];
      if (entry === undefined) return;
      this.table.release(entry[1]);
      this.ids.delete(entry[0]);
      return;
    }
    const { octets, length } = step;
    const { text } = prefixFromOctets(octets, length);
    const known = this.ids.get(text);
    assert.equal(this.table.find(octets, 0, length), known ?? -1, text);
    if (step.do === "find") return;
    const id = this.table.intern(octets, 0, length);
    if (known === undefined) assert.ok(![...this.ids.values()].includes(id), "an id given twice");
    else assert.equal(id, known);
    this.ids.set(text, id);
  }

  check(): void {
    const { table } = this;
    assert.equal(table.size, this.ids.size);
    for (const [text, id] of this.ids) {
      assert.equal(table.text(id), text);
      const prefix = table.prefix(id);
      assert.equal(prefix.text, text);
      assert.equal(table.find(prefix.octets, 0, prefix.length), id);
      const nlri = new Uint8Array(20);
      const end = table.writeNlri(id, nlri, 1);
      assert.equal(end, 2 + Math.ceil(prefix.length / 8));
      assert.equal(nlri[1], prefix.length);
      assert.deepEqual(nlri.subarray(2, end), prefix.octets.subarray(0, end - 2));
    }
  }
}

describe("the prefix table is a map, whatever comes and goes", () => {
  for (const version of [4, 6] as const) {
    test(`IPv${version}`, () => {
      const property = fc.property(steps(version), (list) => {
        const model = new Model(version);
        for (const step of list) model.apply(step);
        model.check();
      });
      fc.assert(property, { numRuns: 100 });
    });
  }

  test("through growth, and churn of as many again", () => {
    const table = new PrefixTable(4);
    const octets = new Uint8Array(4);
    const view = new DataView(octets.buffer);
    const idOf = (index: number): number => {
      view.setUint32(0, Math.imul(index, 0x9e3779b1) >>> 0);
      return table.intern(octets, 0, 32);
    };
    const count = 20_000;
    const ids = Array.from({ length: count }, (_, index) => idOf(index));
    for (let index = 0; index < count; index += 2) table.release(ids[index] as number);
    for (let index = count; index < count + count / 2; index++) idOf(index);
    assert.equal(table.size, count);
    assert.equal(table.end, count, "freed ids are used again");
    for (let index = 1; index < count; index += 2) assert.equal(idOf(index), ids[index]);
    for (let index = count; index < count + count / 2; index++) {
      const id = idOf(index);
      assert.equal(table.word(id, 0), Math.imul(index, 0x9e3779b1) >>> 0);
    }
    assert.equal(table.size, count);
  });

  test("reads no octet that NLRI of that length does not have", () => {
    const table = new PrefixTable(6);
    const id = table.intern(Uint8Array.of(0x20, 0x01, 0xff), 0, 20);
    assert.equal(table.text(id), "2001:f000::/20");
    const address = parseIpAddress("2001:f000::1") as Uint8Array;
    assert.equal(table.find(address, 0, 20), id);
    assert.equal(table.find(address, 0, 21), -1);
    assert.equal(table.text(table.intern(new Uint8Array(0), 0, 0)), "::/0");
  });
});
