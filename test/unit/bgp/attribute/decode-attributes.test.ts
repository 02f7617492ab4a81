import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DecodedAttributes,
  decodePathAttributes,
} from "../../../../src/bgp/attribute/decode-attributes.ts";
import { sessionResetError } from "../../../../src/bgp/attribute/session-reset-error.ts";
import type { CodecContext } from "../../../../src/bgp/message/codec-context.ts";
import { codecContext } from "../../../vectors/context.ts";
import { hex, toHex } from "../../../vectors/hex.ts";

const internal = codecContext();
const external = codecContext({ external: true });
const origin = "40 01 01 00";
const asPath = "40 02 06 02 01 0000fde9";
const nextHop = "40 03 04 c0000201";
const mandatory = origin + asPath + nextHop;
const mpReach = "80 0e 0e 0001 01 04 c0000201 00 18 0ae902 00";

/** The block of an UPDATE that announces prefixes in its own NLRI field, unless told otherwise. */
function decode(block: string, context = internal, announces = true): DecodedAttributes {
  return decodePathAttributes(hex(block), 0, hex(block).length, context, { announces });
}

function outcomes(decoded: DecodedAttributes): string[] {
  return decoded.errors.map(({ attribute, subcode, outcome }) => {
    return `${attribute} 3/${subcode} ${outcome}`;
  });
}

/** One malformed attribute beside sound mandatory ones, and the errors it leads to. */
function expectErrors(block: string, expected: string[], context: CodecContext = internal): void {
  assert.deepEqual(outcomes(decode(block, context)), expected);
}

test("a sound block has no errors", () => {
  const decoded = decode(mandatory);
  assert.equal(decoded.outcome, "ok");
  assert.deepEqual(decoded.attributes, {
    origin: 0,
    asPath: [{ type: 2, asns: [65001] }],
    nextHop: "192.0.2.1",
  });
});

test("RFC 7606 §7.1: an ORIGIN of another length than 1 is treated as withdraw", () => {
  expectErrors(`40 01 02 0000 ${asPath}${nextHop}`, ["1 3/5 treat-as-withdraw"]);
  expectErrors(`40 01 00 ${asPath}${nextHop}`, ["1 3/5 treat-as-withdraw"]);
});

test("RFC 7606 §7.1: an undefined ORIGIN is treated as withdraw", () => {
  expectErrors(`40 01 01 03 ${asPath}${nextHop}`, ["1 3/6 treat-as-withdraw"]);
});

test("RFC 7606 §7.2: AS_PATH with an unknown segment type is treated as withdraw", () => {
  for (const type of ["00", "05", "ff"]) {
    const path = `40 02 06 ${type} 01 0000fde9`;
    expectErrors(origin + path + nextHop, ["2 3/11 treat-as-withdraw"]);
  }
});

test("RFC 7606 §7.2: AS_PATH whose segment overruns is treated as withdraw", () => {
  expectErrors(`${origin} 40 02 06 02 02 0000fde9 ${nextHop}`, ["2 3/11 treat-as-withdraw"]);
});

test("RFC 7606 §7.2: AS_PATH that leaves one octet after its last segment is treated as withdraw", () => {
  expectErrors(`${origin} 40 02 07 02 01 0000fde9 02 ${nextHop}`, ["2 3/11 treat-as-withdraw"]);
});

test("RFC 7606 §7.2: AS_PATH with a segment of no AS numbers is treated as withdraw", () => {
  expectErrors(`${origin} 40 02 02 02 00 ${nextHop}`, ["2 3/11 treat-as-withdraw"]);
});

test("RFC 7607: AS 0 in AS_PATH is treated as withdraw", () => {
  expectErrors(`${origin} 40 02 06 02 01 00000000 ${nextHop}`, ["2 3/11 treat-as-withdraw"]);
});

test("RFC 5065 §4: confederation segments from outside of a confederation are treated as withdraw", () => {
  for (const type of ["03", "04"]) {
    const path = `40 02 06 ${type} 01 0000fde9`;
    expectErrors(origin + path + nextHop, ["2 3/11 treat-as-withdraw"], external);
  }
});

test("an AS_PATH of 2-octet AS numbers on a 4-octet session is treated as withdraw", () => {
  expectErrors(`${origin} 40 02 04 02 01 fde9 ${nextHop}`, ["2 3/11 treat-as-withdraw"]);
});

test("RFC 7606 §7.3: a NEXT_HOP of another length than 4 is treated as withdraw", () => {
  for (const bad of ["00", "03 c00002", "05 c000020100", `10 ${"20".repeat(16)}`]) {
    expectErrors(`${origin}${asPath} 40 03 ${bad}`, ["3 3/5 treat-as-withdraw"]);
  }
});

test("RFC 4271 §6.3: a NEXT_HOP that no host can have is treated as withdraw", () => {
  for (const bad of ["00000000", "00000001", "7f000001", "e0000005", "f0000001", "ffffffff"]) {
    expectErrors(`${origin}${asPath} 40 03 04 ${bad}`, ["3 3/8 treat-as-withdraw"]);
  }
});

test("RFC 4760 §3: NEXT_HOP is ignored, broken or not, where MP_REACH_NLRI alone announces", () => {
  for (const ignored of ["40 03 04 00000000", "40 03 03 000000", "40 03 04 c0000209"]) {
    const decoded = decode(mpReach + origin + asPath + ignored, internal, false);
    assert.notEqual(decoded.outcome, "treat-as-withdraw");
    assert.equal(decoded.attributes.nextHop, "192.0.2.1");
  }
});

test("RFC 7606 §7.4: a MULTI_EXIT_DISC of another length than 4 is treated as withdraw", () => {
  expectErrors(`${mandatory} 80 04 03 000000`, ["4 3/5 treat-as-withdraw"]);
  expectErrors(`${mandatory} 80 04 00`, ["4 3/5 treat-as-withdraw"]);
});

test("RFC 7606 §7.5: a malformed LOCAL_PREF is treated as withdraw from an internal peer", () => {
  expectErrors(`${mandatory} 40 05 05 0000000064`, ["5 3/5 treat-as-withdraw"]);
});

test("RFC 7606 §7.5: LOCAL_PREF from an external peer is discarded, malformed or not", () => {
  for (const value of ["40 05 04 00000064", "40 05 01 00", "c0 05 04 00000064"]) {
    const decoded = decode(`${mandatory} ${value}`, external);
    assert.deepEqual(outcomes(decoded), ["5 3/1 attribute-discard"]);
    assert.equal("localPref" in decoded.attributes, false);
  }
});

test("RFC 7606 §7.6: an ATOMIC_AGGREGATE that is not empty is discarded", () => {
  expectErrors(`${mandatory} 40 06 01 00`, ["6 3/5 attribute-discard"]);
});

test("RFC 7606 §7.7: an AGGREGATOR of the wrong length is discarded", () => {
  const six = "c0 07 06 fde9 0a000001";
  const eight = "c0 07 08 0000fde9 0a000001";
  const twoOctets = codecContext({ fourOctetAs: false });
  const path = "40 02 04 02 01 fde9";
  expectErrors(mandatory + six, ["7 3/5 attribute-discard"]);
  expectErrors(mandatory + eight, []);
  expectErrors(origin + path + nextHop + eight, ["7 3/5 attribute-discard"], twoOctets);
  expectErrors(origin + path + nextHop + six, [], twoOctets);
});

test("RFC 7607: an AGGREGATOR with AS 0 is discarded", () => {
  expectErrors(`${mandatory} c0 07 08 00000000 0a000001`, ["7 3/9 attribute-discard"]);
});

test("RFC 7606 §7.8: COMMUNITIES that are no whole list, or empty, are treated as withdraw", () => {
  expectErrors(`${mandatory} c0 08 05 fde9006400`, ["8 3/5 treat-as-withdraw"]);
  expectErrors(`${mandatory} c0 08 00`, ["8 3/5 treat-as-withdraw"]);
});

test("RFC 7606 §7.9: a malformed ORIGINATOR_ID is treated as withdraw from an internal peer", () => {
  expectErrors(`${mandatory} 80 09 03 0a0000`, ["9 3/5 treat-as-withdraw"]);
});

test("RFC 7606 §7.10: a malformed CLUSTER_LIST is treated as withdraw from an internal peer", () => {
  expectErrors(`${mandatory} 80 0a 06 0a0000010a00`, ["10 3/5 treat-as-withdraw"]);
  expectErrors(`${mandatory} 80 0a 00`, ["10 3/5 treat-as-withdraw"]);
});

test("RFC 7606 §7.9, §7.10: ORIGINATOR_ID and CLUSTER_LIST from an external peer are discarded", () => {
  const decoded = decode(`${mandatory} 80 09 04 0a000001 80 0a 01 00`, external);
  assert.deepEqual(outcomes(decoded), ["9 3/1 attribute-discard", "10 3/1 attribute-discard"]);
  assert.deepEqual(Object.keys(decoded.attributes).sort(), ["asPath", "nextHop", "origin"]);
});

test("RFC 7606 §7.11: an MP_REACH_NLRI whose next hop does not fit resets the session", () => {
  for (const bad of [
    "80 0e 04 0001 01 00", // no reserved octet
    "80 0e 05 0001 01 01 c0", // no reserved octet after the next hop
    "80 0e 05 0001 01 00 00", // no next hop
    "80 0e 08 0001 01 03 c00002 00", // 3 octets of IPv4
    "80 0e 09 0002 01 04 c0000201 00", // IPv4 for IPv6
  ]) {
    const decoded = decode(mandatory + bad);
    assert.deepEqual(outcomes(decoded), ["14 3/9 session-reset"], bad);
    assert.equal(decoded.outcome, "session-reset");
  }
});

test("an MP_REACH_NLRI whose next hop no host can have is treated as withdraw, its prefixes known", () => {
  for (const address of ["0".repeat(32), `${"0".repeat(31)}1`, `ff02${"0".repeat(27)}1`]) {
    const block = `80 0e 1b 0002 01 10 ${address} 00 20 20010db8 00 ${origin} ${asPath}`;
    const decoded = decode(block, internal, false);
    assert.deepEqual(outcomes(decoded), ["14 3/8 treat-as-withdraw"]);
    assert.deepEqual([decoded.mpReach?.nlriStart, decoded.mpReach?.nlriEnd], [24, 30]);
  }
});

test("RFC 7606 §7.12: an MP_UNREACH_NLRI shorter than 3 octets resets the session", () => {
  const decoded = decode("80 0f 02 0001", internal, false);
  assert.deepEqual(outcomes(decoded), ["15 3/9 session-reset"]);
});

test("RFC 7606 §7.14: EXTENDED COMMUNITIES that are no whole list, or empty, are treated as withdraw", () => {
  expectErrors(`${mandatory} c0 10 07 00020000000000`, ["16 3/5 treat-as-withdraw"]);
  expectErrors(`${mandatory} c0 10 00`, ["16 3/5 treat-as-withdraw"]);
});

test("RFC 8092 §6: LARGE_COMMUNITY that is no whole list, or empty, is treated as withdraw", () => {
  expectErrors(`${mandatory} c0 20 0b ${"00".repeat(11)}`, ["32 3/5 treat-as-withdraw"]);
  expectErrors(`${mandatory} c0 20 00`, ["32 3/5 treat-as-withdraw"]);
});

test("RFC 7606 §3 c: Optional and Transitive bits that disagree are treated as withdraw", () => {
  expectErrors(`c0 01 01 00 ${asPath}${nextHop}`, ["1 3/4 treat-as-withdraw"]);
  expectErrors(`00 01 01 00 ${asPath}${nextHop}`, ["1 3/4 treat-as-withdraw"]);
  expectErrors(`${mandatory} c0 04 04 00000000`, ["4 3/4 treat-as-withdraw"]);
  expectErrors(`${mandatory} 80 08 04 fde90064`, ["8 3/4 treat-as-withdraw"]);
  expectErrors(`${mandatory} 40 20 0c ${"00".repeat(12)}`, ["32 3/4 treat-as-withdraw"]);
});

test("RFC 7606 §5.3: MP_REACH_NLRI and MP_UNREACH_NLRI with the wrong flags reset the session", () => {
  const reach = decode(mpReach.replace("80", "c0") + origin + asPath, internal, false);
  assert.deepEqual(outcomes(reach), ["14 3/4 session-reset"]);
  const unreach = decode(`40 0f 07 0002 01 18 200100`, internal, false);
  assert.deepEqual(outcomes(unreach), ["15 3/4 session-reset"]);
});

test("RFC 4271 §4.3: the Partial bit and the four low flag bits make no error", () => {
  expectErrors(`6f 01 01 00 ${asPath}${nextHop}`, []);
  expectErrors(`${mandatory} af 04 04 00000000`, []);
});

test("the Partial bit of a known optional transitive attribute is kept", () => {
  const decoded = decode(`${mandatory} e0 08 04 fde90064 c0 20 0c ${"00".repeat(12)}`);
  assert.deepEqual(decoded.attributes.partial, [8]);
});

test("RFC 7606 §3 d: a missing mandatory attribute is treated as withdraw", () => {
  expectErrors(asPath + nextHop, ["1 3/3 treat-as-withdraw"]);
  expectErrors(origin + nextHop, ["2 3/3 treat-as-withdraw"]);
  expectErrors(origin + asPath, ["3 3/3 treat-as-withdraw"]);
  expectErrors("", [
    "1 3/3 treat-as-withdraw",
    "2 3/3 treat-as-withdraw",
    "3 3/3 treat-as-withdraw",
  ]);
});

test("NEXT_HOP is not missed where MP_REACH_NLRI alone announces, ORIGIN and AS_PATH are", () => {
  assert.deepEqual(outcomes(decode(mpReach + origin + asPath, internal, false)), []);
  assert.deepEqual(outcomes(decode(mpReach, internal, false)), [
    "1 3/3 treat-as-withdraw",
    "2 3/3 treat-as-withdraw",
  ]);
});

test("nothing is missed in an UPDATE that announces nothing", () => {
  assert.equal(decode("", internal, false).outcome, "ok");
  assert.equal(decode("80 0f 03 0002 01", internal, false).outcome, "ok");
  assert.equal(decode("80 0f 07 0002 01 18 200100", internal, false).outcome, "ok");
});

test("RFC 7606 §3 g: of a repeated attribute the first is kept, known or unknown", () => {
  const decoded = decode(`${mandatory} 40 01 01 02 c0 63 01 aa c0 63 01 bb`);
  assert.deepEqual(outcomes(decoded), ["1 3/1 attribute-discard", "99 3/1 attribute-discard"]);
  assert.equal(decoded.attributes.origin, 0);
  assert.deepEqual(
    decoded.attributes.unknown?.map(({ value }) => toHex(value)),
    ["aa"],
  );
});

test("RFC 7606 §3 g: a repeated attribute is not judged, however malformed", () => {
  expectErrors(`${mandatory} 40 01 09 000000000000000000`, ["1 3/1 attribute-discard"]);
});

test("RFC 7606 §3 g: a repeated MP_REACH_NLRI or MP_UNREACH_NLRI resets the session", () => {
  const unreach = "80 0f 03 0002 01";
  expectErrors(mandatory + mpReach + mpReach, ["14 3/1 session-reset"]);
  expectErrors(mandatory + unreach + unreach, ["15 3/1 session-reset"]);
});

test("RFC 7606 §3 h: of several errors the strongest wins, and all are told", () => {
  const discard = "40 06 01 00";
  const withdraw = "80 04 00";
  const reset = "40 63 00";
  assert.equal(decode(mandatory + discard).outcome, "attribute-discard");
  assert.equal(decode(mandatory + discard + withdraw).outcome, "treat-as-withdraw");
  assert.equal(decode(mandatory + withdraw + discard).outcome, "treat-as-withdraw");
  const all = decode(mandatory + withdraw + reset + discard);
  assert.equal(all.outcome, "session-reset");
  assert.equal(all.errors.length, 3);
});

test("RFC 7606 §2: a discarded attribute takes no other with it", () => {
  const decoded = decode(`${mandatory} 40 06 01 00 c0 08 04 fde90064`);
  assert.deepEqual(decoded.attributes.communities, [0xfde90064]);
  assert.equal(decoded.attributes.nextHop, "192.0.2.1");
});

test("RFC 7606 §4: an attribute that overruns the list is treated as withdraw", () => {
  expectErrors(`${mandatory} 80 04 05 00000000`, ["4 3/1 treat-as-withdraw"]);
  expectErrors(`${mandatory} 90 04 ffff 00000000`, ["4 3/1 treat-as-withdraw"]);
});

test("RFC 7606 §4: a list that ends inside an attribute's header is treated as withdraw", () => {
  expectErrors(`${mandatory} 80`, ["0 3/1 treat-as-withdraw"]);
  expectErrors(`${mandatory} 80 04`, ["4 3/1 treat-as-withdraw"]);
  expectErrors(`${mandatory} 90 04 00`, ["4 3/1 treat-as-withdraw"]);
});

test("RFC 7606 §3 j: an MP_REACH_NLRI or MP_UNREACH_NLRI that overruns the list resets the session", () => {
  expectErrors(`${mandatory} 80 0e 20 0001 01 04`, ["14 3/1 session-reset"]);
  expectErrors(`${mandatory} 80 0f 05 0001 01 00`, ["15 3/1 session-reset"]);
});

test("RFC 7606 §5.2: an error without a prefix to withdraw for it resets the session", () => {
  const decoded = decode(`80 04 00`, internal, false);
  assert.deepEqual(outcomes(decoded), ["4 3/5 treat-as-withdraw", "4 3/5 session-reset"]);
  assert.equal(decoded.outcome, "session-reset");
  assert.equal(toHex(sessionResetError(decoded.errors)?.data ?? hex("")), "800400");
});

test("RFC 7606 §5.2: an empty MP_REACH_NLRI holds no prefix to withdraw either", () => {
  const decoded = decode(`80 0e 09 0001 01 04 c0000201 00 80 04 00`, internal, false);
  assert.equal(decoded.outcome, "session-reset");
});

test("RFC 7606 §5.2: so does a list that breaks after an MP_UNREACH_NLRI", () => {
  const decoded = decode(`80 0f 07 0002 01 18 200100 80 04`, internal, false);
  assert.equal(decoded.outcome, "session-reset");
});

test("RFC 7606 §5.2: an attribute to discard leaves the session alone even then", () => {
  assert.equal(decode(`40 06 01 00`, internal, false).outcome, "attribute-discard");
});

test("RFC 4271 §6.3: an unrecognized well-known attribute resets the session, with the attribute as data", () => {
  const decoded = decode(`${mandatory} 40 63 02 abcd`);
  assert.deepEqual(outcomes(decoded), ["99 3/2 session-reset"]);
  const error = sessionResetError(decoded.errors);
  assert.deepEqual([error?.code, error?.subcode], [3, 2]);
  assert.equal(toHex(error?.data ?? new Uint8Array()), "406302abcd");
});

test("RFC 4271 §9: an unrecognized optional attribute is kept if transitive and dropped if not", () => {
  const decoded = decode(`${mandatory} c0 63 01 aa 80 64 01 bb`);
  assert.equal(decoded.outcome, "ok");
  const unknown = decoded.attributes.unknown ?? [];
  assert.deepEqual(unknown, [{ code: 99, flags: 0xc0, value: hex("aa") }]);
});

test("RFC 4271 §6.3: a malformed attribute list and AS_PATH carry no data", () => {
  const decoded = decode(mandatory + mpReach + mpReach);
  assert.equal(sessionResetError(decoded.errors)?.data.length, 0);
  assert.equal(sessionResetError(decode(mandatory).errors), undefined);
});

test("AttributeError.data is the attribute as received, in memory of its own", () => {
  const octets = hex(`${mandatory} 80 04 03 000001`);
  const decoded = decodePathAttributes(octets, 0, octets.length, internal, { announces: true });
  octets.fill(0xee);
  assert.equal(toHex(decoded.errors[0]?.data ?? octets), "800403000001");
});

test("decoded attributes keep no view on the octets", () => {
  const octets = hex(`${mandatory} c0 10 08 0002fde900000064 c0 63 02 abcd`);
  const { attributes } = decodePathAttributes(octets, 0, octets.length, internal);
  octets.fill(0xee);
  assert.equal(toHex(attributes.extendedCommunities?.[0] ?? octets), "0002fde900000064");
  assert.equal(toHex(attributes.unknown?.[0]?.value ?? octets), "abcd");
});

test("offsets are those of the octets given, wherever the block starts", () => {
  const block = hex(mpReach + origin + asPath);
  const octets = new Uint8Array(block.length + 40).subarray(8); // a view with an offset of its own
  octets.set(block, 20);
  const decoded = decodePathAttributes(octets, 20, 20 + block.length, internal);
  assert.equal(decoded.outcome, "ok");
  assert.deepEqual([decoded.mpReach?.nlriStart, decoded.mpReach?.nlriEnd], [32, 37]);
});

test("prefixes in both fields have their own next hops", () => {
  const reach = "80 0e 1b 0002 01 10 20010db8000000000000000000000001 00 20 20010db8 00";
  const decoded = decode(mandatory + reach);
  assert.equal(decoded.outcome, "ok");
  assert.equal(decoded.attributes.nextHop, "192.0.2.1");
  assert.equal(decoded.mpReach?.attributes.nextHop, "2001:db8::1");
  assert.deepEqual(decoded.mpReach?.attributes.asPath, decoded.attributes.asPath);
});

test("a family without a row is passed by, its prefixes located", () => {
  const decoded = decode(`80 0e 09 4004 47 01 aa 00 0102 03 ${origin}${asPath}`, internal, false);
  assert.equal(decoded.outcome, "ok");
  assert.deepEqual(
    [decoded.mpReach?.afi, decoded.mpReach?.safi, decoded.mpReach?.nlriStart],
    [0x4004, 0x47, 9],
  );
});
