import assert from "node:assert/strict";
import { test } from "node:test";
import { asPathLength, prependAsPath } from "../../../../src/bgp/attribute/as-path.ts";
import { mergeAs4Path } from "../../../../src/bgp/attribute/as4-path.ts";
import { decodePathAttributes } from "../../../../src/bgp/attribute/decode-attributes.ts";
import { encodePathAttributes } from "../../../../src/bgp/attribute/encode-attributes.ts";
import type {
  AsPathSegment,
  PathAttributes,
} from "../../../../src/bgp/attribute/path-attributes.ts";
import { Writer } from "../../../../src/wire/writer.ts";
import { codecContext } from "../../../vectors/context.ts";
import { hex, toHex } from "../../../vectors/hex.ts";

const newSpeaker = codecContext();
const oldSpeaker = codecContext({ fourOctetAs: false, external: true });

function encode(attributes: PathAttributes, context = newSpeaker, nextHop = true): string {
  const writer = new Writer();
  encodePathAttributes(attributes, context, writer, { nextHop });
  return toHex(writer.view());
}

function decode(block: string, context = newSpeaker): PathAttributes {
  const octets = hex(block);
  return decodePathAttributes(octets, 0, octets.length, context, { announces: true }).attributes;
}

function sequence(...asns: number[]): AsPathSegment {
  return { type: 2, asns };
}

function set(...asns: number[]): AsPathSegment {
  return { type: 1, asns };
}

test("attributes go out by ascending code, unknown ones among them", () => {
  const attributes: PathAttributes = {
    largeCommunities: [[1, 2, 3]],
    unknown: [
      { code: 255, flags: 0xc0, value: hex("02") },
      { code: 20, flags: 0xc0, value: hex("01") },
    ],
    localPref: 100,
    origin: 2,
  };
  assert.equal(
    encode(attributes),
    "40010102" + "40050400000064" + "e0140101" + "c0200c000000010000000200000003" + "e0ff0102",
  );
});

test("RFC 4271 §5: what is unknown is passed on with the Partial bit, a Partial bit that came is kept", () => {
  const unknown = [{ code: 99, flags: 0xc0, value: hex("aa") }];
  assert.equal(encode({ unknown }), "e06301aa");
  assert.equal(encode({ communities: [1], partial: [8] }), "e0080400000001");
  assert.equal(encode({ communities: [1] }), "c0080400000001");
});

test("a length above 255 takes two octets", () => {
  const communities = Array.from({ length: 64 }, () => 0);
  assert.equal(encode({ communities }), `d0080100${"00000000".repeat(64)}`);
});

test("RFC 4271 §5.1.5, RFC 4456 §8: internal attributes do not go to an external peer", () => {
  const attributes = { localPref: 100, originatorId: 1, clusterList: [2], multiExitDisc: 3 };
  assert.equal(encode(attributes, codecContext({ external: true })), "80040400000003");
});

test("NEXT_HOP is left out where the family has its own place for it", () => {
  const attributes = { origin: 0, nextHop: "2001:db8::1", linkLocalNextHop: "fe80::1" } as const;
  assert.equal(encode(attributes, newSpeaker, false), "40010100");
  assert.throws(() => encode(attributes), RangeError);
});

test("RFC 4271 §5.1.2: a segment of more than 255 AS numbers goes out in pieces", () => {
  const asns = Array.from({ length: 300 }, (_, index) => 65000 + index);
  const { asPath } = decode(`40010100 400304c0000201 ${encode({ asPath: [sequence(...asns)] })}`);
  assert.deepEqual(asPath, [sequence(...asns.slice(0, 255)), sequence(...asns.slice(255))]);
});

test("RFC 6793 §4.2.2: toward an OLD speaker AS_TRANS stands in, and AS4_PATH says the truth", () => {
  const asPath = [sequence(65001, 4200000000), set(4200000001)];
  assert.equal(
    encode({ asPath }, oldSpeaker),
    "40020a" + "0202fde95ba0" + "01015ba0" + "c01110" + "02020000fde9fa56ea00" + "0101fa56ea01",
  );
  assert.deepEqual(decode(encode({ asPath }, oldSpeaker), oldSpeaker).asPath, asPath);
});

test("RFC 6793 §4.2.2: AS4_PATH is not sent where two octets say all", () => {
  assert.equal(encode({ asPath: [sequence(65001)] }, oldSpeaker), "4002040201fde9");
});

test("RFC 6793 §4.2.2: AGGREGATOR toward an OLD speaker", () => {
  const aggregator = { asn: 4200000000, identifier: 0x0a000001 };
  assert.equal(encode({ aggregator }, oldSpeaker), "c007065ba00a000001" + "c01208fa56ea000a000001");
  assert.deepEqual(decode(encode({ aggregator }, oldSpeaker), oldSpeaker).aggregator, aggregator);
  const short = { asn: 65001, identifier: 1 };
  assert.equal(encode({ aggregator: short }, oldSpeaker), "c00706fde900000001");
});

test("RFC 6793 §4.2.3: the front of AS_PATH that AS4_PATH does not have is kept", () => {
  const path = [sequence(65001, 65002, 23456, 23456)];
  const as4 = [sequence(4200000000, 4200000001)];
  assert.deepEqual(mergeAs4Path(path, as4), [sequence(65001, 65002, 4200000000, 4200000001)]);
});

test("RFC 6793 §4.2.3: an AS4_PATH longer than AS_PATH is ignored", () => {
  const path = [sequence(65001)];
  assert.equal(mergeAs4Path(path, [sequence(1, 2)]), path);
});

test("RFC 6793 §4.2.3: an AS_SET counts as one when the two are laid side by side", () => {
  const path = [sequence(65001), set(65002, 65003), sequence(23456)];
  assert.deepEqual(mergeAs4Path(path, [sequence(4200000000)]), [
    sequence(65001),
    set(65002, 65003),
    sequence(4200000000),
  ]);
});

test("RFC 6793 §4.2.3: AS4_PATH and AS4_AGGREGATOR are ignored where AGGREGATOR is not AS_TRANS", () => {
  const block =
    "40010100" +
    "4002040201" +
    "5ba0" +
    "400304c0000201" +
    "c00706fde90a000001" +
    "c011060201fa56ea00" +
    "c01208fa56ea000a000001";
  const attributes = decode(block, oldSpeaker);
  assert.deepEqual(attributes.asPath, [sequence(23456)]);
  assert.deepEqual(attributes.aggregator, { asn: 65001, identifier: 0x0a000001 });
});

test("RFC 6793 §4.1: AS4_PATH and AS4_AGGREGATOR from a NEW speaker are discarded", () => {
  const block =
    "40010100" +
    "4002060201" +
    "00005ba0" +
    "400304c0000201" +
    "c007080000" +
    "5ba00a000001" +
    "c011060201fa56ea00" +
    "c01208fa56ea000a000001";
  const octets = hex(block);
  const decoded = decodePathAttributes(octets, 0, octets.length, newSpeaker, { announces: true });
  assert.deepEqual(decoded.attributes.asPath, [sequence(23456)]);
  assert.deepEqual(decoded.attributes.aggregator, { asn: 23456, identifier: 0x0a000001 });
  assert.deepEqual(
    decoded.errors.map(({ attribute, outcome }) => [attribute, outcome]),
    [
      [17, "attribute-discard"],
      [18, "attribute-discard"],
    ],
  );
});

test("a value of more than 65535 octets cannot be said, one of 65535 can", () => {
  const says = (attributes: PathAttributes, context = newSpeaker): boolean =>
    encodePathAttributes(attributes, context, new Writer());
  const communities = Array.from({ length: 16_384 }, (_, index) => index);
  assert.equal(says({ origin: 0, communities: communities.slice(1) }), true);
  assert.equal(says({ origin: 0, communities }), false);
  const unknown = (octets: number): PathAttributes => ({
    unknown: [{ code: 99, flags: 0xc0, value: new Uint8Array(octets) }],
  });
  assert.equal(says(unknown(65_535)), true);
  assert.equal(says(unknown(65_536)), false);
  const path = { asPath: [sequence(...Array.from({ length: 32_000 }, () => 65_001))] };
  assert.equal(says(path), false);
  assert.equal(says(path, oldSpeaker), true);
});

test("RFC 6793 §6: a malformed AS4_PATH or AS4_AGGREGATOR is discarded", () => {
  const rest = "40010100" + "4002040201" + "fde9" + "400304c0000201";
  for (const bad of [
    "c011050201fa56ea",
    "c011020200",
    "c011060201" + "00000000",
    "c01206fde90a000001",
  ]) {
    const octets = hex(rest + bad);
    const decoded = decodePathAttributes(octets, 0, octets.length, oldSpeaker, { announces: true });
    assert.equal(decoded.outcome, "attribute-discard", bad);
    assert.deepEqual(decoded.attributes.asPath, [sequence(65001)]);
  }
});

test("RFC 6793 §6: confederation segments in AS4_PATH are dropped, the rest kept", () => {
  const block =
    "40010100" +
    "4002040201" +
    "5ba0" +
    "400304c0000201" +
    "c0110c" +
    "03010000fde9" +
    "0201fa56ea00";
  assert.deepEqual(decode(block, oldSpeaker).asPath, [sequence(4200000000)]);
});

test("RFC 4271 §5.1.2: prepending extends the first sequence or starts one", () => {
  assert.deepEqual(prependAsPath([], 1), [sequence(1)]);
  assert.deepEqual(prependAsPath([sequence(2, 3)], 1, 2), [sequence(1, 1, 2, 3)]);
  assert.deepEqual(prependAsPath([set(2)], 1), [sequence(1), set(2)]);
});

test("RFC 4271 §9.1.2.2: an AS_SET counts as one, confederation segments not at all", () => {
  assert.equal(asPathLength([sequence(1, 2), set(3, 4, 5), { type: 3, asns: [6] }]), 3);
  assert.equal(asPathLength([]), 0);
});
