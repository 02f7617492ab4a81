import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SlabLog } from "../../../../src/bgp/rib/slab-log.ts";
import { type Slab, slabBytes } from "../../../../src/bgp/rib/slab-packer.ts";

function slab(octets: number, ...prefixes: number[]): Slab {
  return {
    octets: new Uint8Array(octets),
    messages: 1,
    prefixes: Int32Array.from(prefixes),
    own: new Map(),
    only: new Map(),
  };
}

describe("a log of slabs", () => {
  test("numbers them on, whatever it has let go of, and knows how much lies behind each place", () => {
    const log = new SlabLog();
    const slabs = [slab(100, 1), slab(200, 2, 3), slab(300, 4)];
    for (const one of slabs) log.append(one);
    assert.deepEqual([log.end, log.isEmpty], [3, false]);
    assert.deepEqual(
      [0, 1, 2, 3].map((sequence) => log.octetsFrom(sequence)),
      [600, 500, 300, 0],
    );
    const bytes = slabs.map(slabBytes) as [number, number, number];
    assert.equal(log.bytes, bytes[0] + bytes[1] + bytes[2]);
    log.trim(2);
    assert.equal(log.at(2), slabs[2]);
    assert.deepEqual([log.end, log.octetsFrom(2), log.octetsFrom(3)], [3, 300, 0]);
    assert.equal(log.bytesFrom(2), bytes[2]);
    assert.equal(log.bytes, bytes[2]);
    assert.equal(log.bytesEver, bytes[0] + bytes[1] + bytes[2]);
    log.trim(1);
    assert.equal(log.at(2), slabs[2], "nothing comes back");
    log.append(slab(50, 5));
    assert.deepEqual(
      [...log.prefixesFrom(2)].flatMap((prefixes) => [...prefixes]),
      [4, 5],
    );
    log.trim(4);
    assert.deepEqual([log.end, log.isEmpty, log.bytes, log.octetsFrom(4)], [4, true, 0, 0]);
  });

  test("counts what a slab takes beside its octets: of a trickle of single UPDATEs that is most", () => {
    const log = new SlabLog();
    const before = process.memoryUsage();
    for (let count = 0; count < 20_000; count++) log.append(slab(80, count));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const taken = heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers;
    assert.ok(log.bytes > taken / 2, `${log.bytes} octets counted of ${taken}`);
  });

  test("lets go of any number at once", () => {
    const log = new SlabLog();
    const one = slab(80, 1);
    const count = 300_000;
    for (let index = 0; index < count; index++) log.append(one);
    const { user } = process.cpuUsage();
    log.trim(count - 1);
    const tookMs = (process.cpuUsage().user - user) / 1000;
    assert.ok(tookMs < 200, `${tookMs} ms`);
    assert.equal(log.octetsFrom(0), 80);
  });
});
