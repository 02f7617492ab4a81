import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageHeaderError } from "../../../../src/bgp/errors.ts";
import { Framer } from "../../../../src/bgp/message/framer.ts";
import { hex, message, toHex } from "../../../vectors/hex.ts";

const keepalive = message(4, "");
const update = message(2, "00000000");

function drain(framer: Framer): { type: number; body: string }[] {
  const found: { type: number; body: string }[] = [];
  for (let next = framer.next(); next; next = framer.next()) {
    found.push({ type: next.type, body: toHex(next.octets.subarray(next.start, next.end)) });
  }
  return found;
}

function headerError(octets: Uint8Array, maximum?: number): string {
  const framer = new Framer(maximum);
  framer.push(octets);
  try {
    framer.next();
  } catch (error) {
    assert.ok(error instanceof MessageHeaderError);
    return `${error.code}/${error.subcode} ${toHex(error.data)}`.trim();
  }
  return "none";
}

/** A header that says `length`, with that many octets behind it. */
function ofLength(type: number, length: number): Uint8Array {
  const octets = new Uint8Array(Math.max(length, 19));
  octets.fill(0xff, 0, 16);
  octets.set([length >>> 8, length, type], 16);
  return octets;
}

test("cuts several messages out of one chunk, in order", () => {
  const framer = new Framer();
  framer.push(Uint8Array.from([...keepalive, ...update, ...keepalive]));
  assert.deepEqual(drain(framer), [
    { type: 4, body: "" },
    { type: 2, body: "00000000" },
    { type: 4, body: "" },
  ]);
  assert.equal(framer.pendingOctets, 0);
});

test("a message that lies whole in a chunk is not copied", () => {
  const framer = new Framer();
  framer.push(update);
  assert.equal(framer.next()?.octets, update);
});

test("counts the pieces that a message came in, for each anew", () => {
  const framer = new Framer();
  const pieces = (...chunks: readonly Uint8Array[]): number[] => {
    const found: number[] = [];
    for (const chunk of chunks) {
      framer.push(chunk);
      while (framer.next() !== undefined) found.push(framer.pieces);
    }
    return found;
  };
  const octets = Array.from(update, (octet) => Uint8Array.of(octet));
  assert.deepEqual(pieces(update), [1]);
  assert.deepEqual(pieces(...octets, update), [update.length, 1]);
  // What goes on behind a message counts for the next.
  const [end, begin] = [update.subarray(20), update.subarray(0, 20)];
  assert.deepEqual(pieces(begin, Uint8Array.from([...end, ...begin]), end), [1, 2]);
});

test("the view is one object, used again", () => {
  const framer = new Framer();
  framer.push(Uint8Array.from([...keepalive, ...update]));
  const first = framer.next();
  assert.equal(framer.next(), first);
  assert.equal(first?.type, 2);
});

test("a message is found when its last octet comes, however small the chunks", () => {
  const framer = new Framer();
  for (const [index, octet] of update.entries()) {
    assert.equal(framer.next(), undefined);
    assert.equal(framer.pendingOctets, index);
    framer.push(Uint8Array.of(octet));
  }
  assert.deepEqual(drain(framer), [{ type: 2, body: "00000000" }]);
});

test("a chunk's memory is the caller's again once next() has given undefined", () => {
  const framer = new Framer();
  const buffer = new Uint8Array(30);
  buffer.set(keepalive);
  buffer.set(update.subarray(0, 11), 19);
  framer.push(buffer);
  assert.equal(drain(framer).length, 1);
  buffer.fill(0xee);
  framer.push(update.subarray(11));
  assert.deepEqual(drain(framer), [{ type: 2, body: "00000000" }]);
});

test("chunks may be pushed without draining, empty ones too", () => {
  const framer = new Framer();
  for (let count = 0; count < 5; count++) {
    framer.push(update.subarray(0, 7));
    framer.push(new Uint8Array(0));
    framer.push(update.subarray(7));
  }
  assert.equal(framer.pendingOctets, 5 * 23);
  assert.equal(drain(framer).length, 5);
});

test("RFC 4271 §6.1: a marker that is not all ones is 1/1", () => {
  for (let index = 0; index < 16; index++) {
    const octets = Uint8Array.from(keepalive);
    octets[index] = 0xfe;
    assert.equal(headerError(octets), "1/1");
  }
});

test("RFC 4271 §6.1: a length out of 19..4096 is 1/2 with the length as data", () => {
  assert.equal(headerError(ofLength(4, 18)), "1/2 0012");
  assert.equal(headerError(ofLength(2, 0)), "1/2 0000");
  assert.equal(headerError(ofLength(2, 4097)), "1/2 1001");
  assert.equal(headerError(ofLength(2, 65535)), "1/2 ffff");
  assert.equal(headerError(ofLength(2, 4096)), "none");
});

test("RFC 4271 §6.1: a length below the type's minimum is 1/2 with the length as data", () => {
  assert.equal(headerError(ofLength(1, 28)), "1/2 001c");
  assert.equal(headerError(ofLength(1, 29)), "none");
  assert.equal(headerError(ofLength(2, 22)), "1/2 0016");
  assert.equal(headerError(ofLength(2, 23)), "none");
  assert.equal(headerError(ofLength(3, 20)), "1/2 0014");
  assert.equal(headerError(ofLength(3, 21)), "none");
});

test("RFC 4271 §6.1: a KEEPALIVE of another length than 19 is 1/2", () => {
  assert.equal(headerError(ofLength(4, 20)), "1/2 0014");
});

test("RFC 7313 §5: the length of a ROUTE-REFRESH is not the framer's to judge", () => {
  assert.equal(headerError(ofLength(5, 19)), "none");
  assert.equal(headerError(ofLength(5, 24)), "none");
});

test("RFC 4271 §6.1: an unknown type is 1/3 with the type as data", () => {
  assert.equal(headerError(ofLength(0, 19)), "1/3 00");
  assert.equal(headerError(ofLength(6, 19)), "1/3 06");
  assert.equal(headerError(ofLength(128, 23)), "1/3 80");
});

test("RFC 8654 §3: the larger maximum holds for all but OPEN and KEEPALIVE", () => {
  assert.equal(headerError(ofLength(2, 65535), 65535), "none");
  assert.equal(headerError(ofLength(3, 5000), 65535), "none");
  assert.equal(headerError(ofLength(1, 4097), 65535), "1/2 1001");
  assert.equal(headerError(ofLength(1, 4096), 65535), "none");
  assert.equal(headerError(ofLength(4, 4097), 65535), "1/2 1001");
});

test("the maximum can be raised in the middle of a stream", () => {
  const framer = new Framer();
  const large = ofLength(2, 9000);
  framer.push(keepalive);
  assert.equal(drain(framer).length, 1);
  framer.maximumMessageOctets = 65535;
  framer.push(large.subarray(0, 100));
  assert.equal(framer.next(), undefined);
  framer.push(large.subarray(100));
  const found = framer.next();
  assert.equal(found && found.end - found.start, 9000 - 19);
});

test("a bad header is told as soon as its 19 octets are there, and at every call after", () => {
  const framer = new Framer();
  const octets = ofLength(9, 4000);
  framer.push(octets.subarray(0, 18));
  assert.equal(framer.next(), undefined);
  framer.push(octets.subarray(18, 19));
  assert.throws(() => framer.next(), MessageHeaderError);
  framer.push(keepalive);
  assert.throws(() => framer.next(), MessageHeaderError);
});

test("sound messages before a bad header still come out", () => {
  const framer = new Framer();
  framer.push(Uint8Array.from([...keepalive, ...hex("00".repeat(19))]));
  assert.equal(framer.next()?.type, 4);
  assert.throws(() => framer.next(), MessageHeaderError);
});
