import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodePathAttributes } from "../../src/bgp/attribute/decode-attributes.ts";
import { encodePathAttributes } from "../../src/bgp/attribute/encode-attributes.ts";
import { AttributeScan } from "../../src/bgp/rib/attribute-scan.ts";
import {
  type AttributeSummary,
  AttributeTrait,
  isVerbatim,
  summarise,
} from "../../src/bgp/rib/attribute-summary.ts";
import { allowedOwnAsns, contextBits, contextOfBits } from "../../src/bgp/rib/context-bits.ts";
import { loopReason } from "../../src/bgp/rib/loop-check.ts";
import { Writer } from "../../src/wire/writer.ts";

const asn = 64512;
const identifier = 0x0a0000fe;
const clusterId = 0xff0000ff;
const identity = { asn, identifier, clusterId, ownAddresses: ["192.0.2.254", "2001:db8::1"] };

const asns = fc.array(fc.constantFrom(1, 23456, 65001, asn, 4_200_000_000), {
  minLength: 1,
  maxLength: 4,
});
const uint32 = fc.constantFrom(0, 1, 100, identifier, clusterId, 0xffff_ffff);
const attributes = fc.record(
  {
    origin: fc.constantFrom(0 as const, 1 as const, 2 as const),
    asPath: fc.array(fc.record({ type: fc.constantFrom(1 as const, 2 as const), asns }), {
      maxLength: 3,
    }),
    nextHop: fc.constantFrom("192.0.2.1", "192.0.2.254", "223.0.0.1"),
    multiExitDisc: uint32,
    localPref: uint32,
    atomicAggregate: fc.constant(true as const),
    communities: fc.array(
      fc.constantFrom(1, 0xffffff01, 0xffffff02, 0xffffff03, 0xffff0000, 0xffff0006, 0xffff0007),
      { minLength: 1, maxLength: 3 },
    ),
    originatorId: uint32,
    clusterList: fc.array(uint32, { minLength: 1, maxLength: 3 }),
    extendedCommunities: fc.constant([new Uint8Array(8).fill(7)]),
    largeCommunities: fc.constant([[1, 2, 3] as const]),
  },
  { requiredKeys: ["origin", "asPath", "nextHop"] },
);
/** What the scan leaves to the decoder. */
const strange = fc.record(
  {
    aggregator: fc.constant({ asn: 65001, identifier: 1 }),
    unknown: fc.constant([{ code: 200, flags: 0xc0, value: Uint8Array.of(1) }]),
  },
  { requiredKeys: [] },
);
const usual = fc.record({
  attributes,
  strange: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, strange),
  fourOctetAs: fc.boolean(),
  external: fc.nat(3).map((value) => value === 0),
  allowed: fc.nat(2),
  changes: fc.array(fc.record({ at: fc.nat(), value: fc.nat(255) }), { maxLength: 1 }),
  cut: fc.option(fc.nat(), { freq: 4 }),
});

/** A plain copy, without what is private to the scan. */
function fieldsOf(summary: AttributeSummary): AttributeSummary {
  const { traits, ineligible, localPref, med, neighborAs } = summary;
  const { originatorId, asPathLength, clusterListLength, origin, nextHop } = summary;
  return {
    traits,
    ineligible,
    localPref,
    med,
    neighborAs,
    originatorId,
    asPathLength,
    clusterListLength,
    origin,
    nextHop,
  };
}

describe("what the scan takes for plain", () => {
  const scan = new AttributeScan(identity);

  /** @returns whether it was taken for plain */
  function compare(octets: Uint8Array, bits: number): boolean {
    if (!scan.read(octets, 0, octets.length, bits)) return false;
    const options = { announces: true };
    const decoded = decodePathAttributes(octets, 0, octets.length, contextOfBits(bits), options);
    assert.deepEqual(decoded.errors, []);
    const expected = summarise(
      decoded.attributes,
      loopReason(decoded.attributes, identity, allowedOwnAsns(bits)),
    );
    expected.traits |= AttributeTrait.clean;
    if (isVerbatim(octets, 0, octets.length)) expected.traits |= AttributeTrait.verbatim;
    assert.deepEqual(fieldsOf(scan), expected);
    return true;
  }

  test("the decoder reads alike and without complaint", () => {
    let plain = 0;
    const property = fc.property(
      usual,
      ({ attributes: own, strange: other, allowed, changes, cut, ...context }) => {
        const bits = contextBits(context, allowed);
        const writer = new Writer();
        const values = { ...own, ...other };
        encodePathAttributes(values, contextOfBits(bits), writer);
        const octets = writer.finish();
        for (const { at, value } of changes) octets[at % octets.length] = value;
        const length = cut === null ? octets.length : cut % octets.length;
        if (compare(octets.slice(0, length), bits)) plain++;
      },
    );
    fc.assert(property, { numRuns: 3000 });
    assert.ok(plain > 200, `${plain} of 3000 were plain: the property says little`);
  });

  test("is every usual block", () => {
    const internal = contextBits({ fourOctetAs: true, external: false });
    const writer = new Writer();
    const path = [{ type: 2 as const, asns: [65001, 65002] }];
    const values = { origin: 0, asPath: path, nextHop: "192.0.2.1", localPref: 100 } as const;
    const rest = { multiExitDisc: 5, communities: [7], originatorId: 9, clusterList: [1, 2] };
    encodePathAttributes({ ...values, ...rest }, contextOfBits(internal), writer);
    assert.ok(compare(writer.finish(), internal));
  });
});
