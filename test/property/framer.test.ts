import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MessageHeaderError } from "../../src/bgp/errors.ts";
import { Framer } from "../../src/bgp/message/framer.ts";
import { message, toHex } from "../vectors/hex.ts";

const runs = Number(process.env["FUZZ_RUNS"] ?? 300);

/** What comes out of a framer fed in these chunks, each overwritten once it was drained. */
function frames(chunks: readonly Uint8Array[], drainEach: boolean): string[] {
  const framer = new Framer();
  const found: string[] = [];
  const drain = (): boolean => {
    try {
      for (let next = framer.next(); next; next = framer.next()) {
        found.push(`${next.type}:${toHex(next.octets.subarray(next.start, next.end))}`);
      }
      return true;
    } catch (error) {
      assert.ok(error instanceof MessageHeaderError);
      found.push(`${error.subcode}:${toHex(error.data)}`);
      return false;
    }
  };
  for (const chunk of chunks) {
    const own = Uint8Array.from(chunk);
    framer.push(own);
    if (!drainEach) continue;
    if (!drain()) return found;
    own.fill(0xee);
  }
  if (!drainEach) drain();
  return found;
}

function cut(octets: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (let index = 0; offset < octets.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(octets.subarray(offset, offset + size));
    offset += size;
  }
  return chunks;
}

const sound = fc.oneof(
  fc.constant(message(4, "")),
  fc.uint8Array({ minLength: 4, maxLength: 4077 }).map((body) => message(2, body)),
  fc.uint8Array({ minLength: 10, maxLength: 60 }).map((body) => message(1, body)),
  fc.uint8Array({ minLength: 2, maxLength: 40 }).map((body) => message(3, body)),
  fc.uint8Array({ maxLength: 8 }).map((body) => message(5, body)),
);
const broken = fc.oneof(
  fc.uint8Array({ minLength: 19, maxLength: 60 }),
  fc.uint8Array({ maxLength: 9 }).map((body) => message(1, body)),
  fc.uint8Array({ minLength: 1, maxLength: 9 }).map((body) => message(4, body)),
  fc.integer({ min: 6, max: 255 }).map((type) => message(type, "00")),
);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const stream = fc
  .tuple(fc.array(sound, { maxLength: 8 }), fc.option(broken, { freq: 3 }))
  .map(([messages, last]) => joined(last === null ? messages : [...messages, last]));
const sizes = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5000 })),
  {
    minLength: 1,
    maxLength: 8,
  },
);

test("framing does not depend on how the stream was cut", () => {
  fc.assert(
    fc.property(stream, sizes, fc.boolean(), (octets, chunkSizes, drainEach) => {
      const whole = frames([octets], true);
      assert.deepEqual(frames(cut(octets, chunkSizes), drainEach), whole);
      assert.deepEqual(frames(cut(octets, [1]), true), whole);
    }),
    { numRuns: Math.ceil(runs / 3) },
  );
});

test("sound messages all come out, and pendingOctets is what is left", () => {
  fc.assert(
    fc.property(
      fc.array(sound, { maxLength: 8 }),
      sizes,
      fc.nat(18),
      (messages, chunkSizes, left) => {
        const framer = new Framer();
        const rest = message(4, "").subarray(0, left);
        let count = 0;
        let pushed = 0;
        let framed = 0;
        for (const chunk of cut(joined([...messages, rest]), chunkSizes)) {
          framer.push(chunk);
          pushed += chunk.length;
          for (let next = framer.next(); next; next = framer.next()) {
            assert.equal(
              toHex(next.octets.subarray(next.start - 19, next.end)),
              toHex(messages[count] as Uint8Array),
            );
            framed += next.end - next.start + 19;
            count++;
          }
          assert.equal(framer.pendingOctets, pushed - framed);
        }
        assert.equal(count, messages.length);
        assert.equal(framer.pendingOctets, left);
      },
    ),
    { numRuns: Math.ceil(runs / 3) },
  );
});

test("time is linear in the octets, however small the chunks", () => {
  // An algorithm that copies what it has at each octet would copy 4 GB here.
  const large = message(2, new Uint8Array(65535 - 19));
  const framer = new Framer(65535);
  let count = 0;
  const started = performance.now();
  for (let round = 0; round < 10; round++) {
    for (let offset = 0; offset < large.length; offset++) {
      framer.push(large.subarray(offset, offset + 1));
      if (framer.next()) count++;
    }
  }
  assert.equal(count, 10);
  assert.ok(performance.now() - started < 3000, "655350 pushes of one octet took too long");
});
