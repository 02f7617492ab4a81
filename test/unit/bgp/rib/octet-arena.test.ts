import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { OctetArena } from "../../../../src/bgp/rib/octet-arena.ts";

function read(arena: OctetArena, place: number, length: number): Uint8Array {
  const offset = arena.offset(place);
  return arena.slab(place).subarray(offset, offset + length);
}

describe("the octet arena", () => {
  test("keeps every string apart from every other", () => {
    const step = fc.record({ free: fc.boolean(), length: fc.nat(70), pick: fc.nat() });
    const property = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const arena = new OctetArena();
      const held: { place: number; octets: Uint8Array }[] = [];
      for (const [index, { free, length, pick }] of steps.entries()) {
        const victim = free ? held.splice(pick % Math.max(1, held.length), 1)[0] : undefined;
        if (victim !== undefined) arena.free(victim.place, victim.octets.length);
        if (free) continue;
        const octets = new Uint8Array(length + 2).fill(index & 255);
        held.push({ place: arena.store(octets, 1, length + 1), octets: octets.slice(0, length) });
      }
      for (const { place, octets } of held) {
        assert.deepEqual(read(arena, place, octets.length), octets);
      }
    });
    fc.assert(property);
  });

  test("uses freed places again, for strings of their size", () => {
    const arena = new OctetArena();
    const place = arena.store(new Uint8Array(33), 0, 33);
    arena.free(place, 33);
    assert.notEqual(arena.store(new Uint8Array(32), 0, 32), place);
    assert.equal(arena.store(new Uint8Array(48), 0, 48), place);
  });

  test("goes on in another buffer when one is full, and takes the longest string there is", () => {
    const arena = new OctetArena();
    const octets = new Uint8Array(65535);
    const places = Array.from({ length: 40 }, (_, index) =>
      arena.store(octets.fill(index + 1), 0, octets.length),
    );
    assert.ok(new Set(places.map((place) => arena.slab(place))).size > 1);
    for (const [index, place] of places.entries()) {
      const held = read(arena, place, octets.length);
      assert.equal(held.length, octets.length);
      assert.ok(held.every((octet) => octet === index + 1));
    }
  });
});
