import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatExtendedCommunity, isTransitive } from "../../../src/net/extended-community.ts";
import {
  decodeSegmentClaim,
  encodeSegmentClaim,
  maximumUnheard,
  neighbourName,
} from "../../../src/net/segment-claim.ts";

const words = (communities: readonly Uint8Array[]): string[] =>
  communities.map(formatExtendedCommunity);

describe("what a node announces of its segment", () => {
  test("is its mask, and those whom it does not hear, in order, passed on by everybody", () => {
    const communities = encodeSegmentClaim("192.168.1.2", 24, ["192.168.1.9", "192.168.1.3"]);
    assert.deepEqual(words(communities), [
      "0x88041800c0a80102",
      "0x88140000c0a80103",
      "0x88140000c0a80109",
    ]);
    assert.ok(communities.every(isTransitive));
    const claim = decodeSegmentClaim("192.168.1.2", communities);
    assert.deepEqual(claim?.unheard, ["192.168.1.3", "192.168.1.9"]);
    assert.equal(claim.subnet.text, "192.168.1.0/24");
  });

  test("is the same of IPv6, where neighbours go by the ends of their addresses", () => {
    const unheard = ["fd00:1::a:b:c:3", "192.168.1.3"];
    const communities = encodeSegmentClaim("fd00:1::2", 64, unheard);
    assert.deepEqual(words(communities), ["0x8806400000000002", "0x8816000b000c0003"]);
    const claim = decodeSegmentClaim("fd00:1::2", communities);
    assert.equal(claim?.subnet.text, "fd00:1::/64");
    assert.deepEqual(claim.unheard, [neighbourName("fd00:1::a:b:c:3")]);
  });

  test("says nothing of another next hop, nor of another IP version", () => {
    const communities = [
      ...encodeSegmentClaim("192.168.1.2", 24, []),
      ...encodeSegmentClaim("fd00:1::2", 64, ["fd00:1::3"]),
    ];
    assert.equal(decodeSegmentClaim("192.168.1.3", communities), undefined);
    assert.deepEqual(decodeSegmentClaim("192.168.1.2", communities)?.unheard, []);
    assert.equal(decodeSegmentClaim("fd00:1::2", communities)?.subnet.text, "fd00:1::/64");
  });

  test("names so many neighbours and no more", () => {
    const many = Array.from({ length: 200 }, (_, index) => `192.168.1.${index + 3}`).toReversed();
    const claim = decodeSegmentClaim("192.168.1.2", encodeSegmentClaim("192.168.1.2", 24, many));
    assert.equal(claim?.unheard.length, maximumUnheard);
    assert.equal(claim.unheard[0], "192.168.1.3");
  });

  test("is left out where it is absurd, and that is told; of two masks the longer counts", () => {
    const absurd: string[] = [];
    const read = (...lengths: number[]) => {
      const all = lengths.flatMap((length) => encodeSegmentClaim("192.168.1.2", length, []));
      return decodeSegmentClaim("192.168.1.2", all, (text) => absurd.push(text))?.subnet.text;
    };
    assert.equal(read(0, 33, 255), undefined);
    assert.deepEqual(absurd, [
      "192.168.1.2 has a mask of 0 bits",
      "192.168.1.2 has a mask of 33 bits",
      "192.168.1.2 has a mask of 255 bits",
    ]);
    assert.equal(read(33, 24, 25), "192.168.1.0/25");
  });
});
