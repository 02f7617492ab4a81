import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  dotted,
  fullTable,
  peerAddress,
  peerOfAddress,
  podBlocks,
} from "../../../bench/tester/universe.ts";

function octetsOf(address: number): Uint8Array {
  return Uint8Array.from([24, 16, 8, 0], (shift) => address >>> shift);
}

for (const [name, universe] of Object.entries({ podBlocks, fullTable })) {
  test(`${name}: a number is a prefix, and that prefix is the number`, () => {
    fc.assert(
      fc.property(fc.nat(999_999), (index) => {
        const lengthBits = universe.lengthBits(index);
        const octets = octetsOf(universe.address(index));
        assert.equal(universe.address(index) % 2 ** (32 - lengthBits), 0, "no host bits");
        assert.equal(universe.indexOf(octets, 0, lengthBits), index);
        assert.ok(
          universe.indexOf(octets, 0, lengthBits - 1) < 0,
          "another length is none of ours",
        );
      }),
    );
  });

  test(`${name}: no prefix lies in another`, () => {
    const ranges = Array.from({ length: 5000 }, (_, index) => {
      const first = universe.address(index);
      return [first, first + 2 ** (32 - universe.lengthBits(index))] as const;
    }).toSorted(([a], [b]) => a - b);
    for (const [index, [first]] of ranges.entries()) {
      assert.ok(index === 0 || first >= (ranges[index - 1]?.[1] as number));
    }
  });
}

test("what lies before or between the prefixes has no number", () => {
  assert.ok(podBlocks.indexOf(octetsOf(0x0a00_0000), 0, 26) < 0);
  assert.ok(podBlocks.indexOf(octetsOf(0x1400_0001), 0, 26) < 0);
  assert.ok(fullTable.indexOf(octetsOf(0x0a00_0000), 0, 20) < 0);
  assert.ok(fullTable.indexOf(octetsOf(0x1400_3f00), 0, 24) < 0);
});

test("peers have addresses of their own, none of which ends in 0 or 255", () => {
  const addresses = Array.from({ length: 2000 }, (_, peer) => peerAddress(peer));
  assert.equal(new Set(addresses).size, 2000);
  assert.deepEqual(addresses.map(peerOfAddress), [...addresses.keys()]);
  assert.ok(addresses.every((address) => ![0, 255].includes(address & 255)));
  assert.deepEqual(
    [0, 249, 250].map((peer) => dotted(peerAddress(peer))),
    ["10.1.0.1", "10.1.0.250", "10.1.1.1"],
  );
  assert.equal(peerOfAddress(0x0a00_0001), -1);
  assert.equal(peerOfAddress(0x0a01_00ff), -1);
});
