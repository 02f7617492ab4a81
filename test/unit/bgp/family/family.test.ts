import assert from "node:assert/strict";
import { test } from "node:test";
import {
  families,
  familyByKey,
  familyByName,
  ipv4Unicast,
  ipv6Unicast,
} from "../../../../src/bgp/family/index.ts";
import { encodeNlri } from "../../../../src/bgp/family/nlri.ts";
import { familyKey } from "../../../../src/bgp/message/codec-context.ts";
import { Writer } from "../../../../src/wire/writer.ts";
import { hex, toHex } from "../../../vectors/hex.ts";

const global = "20010db8000000000000000000000001";
const linkLocal = "fe800000000000000000000000000001";

test("families are found by key and by name", () => {
  assert.equal(familyByKey(familyKey(1, 1)), ipv4Unicast);
  assert.equal(familyByKey(familyKey(2, 1)), ipv6Unicast);
  assert.equal(familyByKey(familyKey(2, 2)), undefined);
  assert.equal(familyByName("ipv6-unicast"), ipv6Unicast);
  assert.equal(familyByName("ipv5-unicast"), undefined);
  for (const row of families) assert.equal(row.key, familyKey(row.afi, row.safi));
});

test("RFC 2545 §3: an IPv6 next hop is one address, or a global and a link-local one", () => {
  assert.deepEqual(ipv6Unicast.decodeNextHop(hex(global)), { nextHop: "2001:db8::1" });
  assert.deepEqual(ipv6Unicast.decodeNextHop(hex(global + linkLocal)), {
    nextHop: "2001:db8::1",
    linkLocalNextHop: "fe80::1",
  });
});

test("a link-local next hop after the unspecified address is the next hop", () => {
  const octets = hex("00".repeat(16) + linkLocal);
  assert.deepEqual(ipv6Unicast.decodeNextHop(octets), { nextHop: "fe80::1" });
  assert.equal(ipv6Unicast.isUsableNextHop(octets), true);
});

test("a second address that is not link-local is passed over", () => {
  const octets = hex(global + global);
  assert.deepEqual(ipv6Unicast.decodeNextHop(octets), { nextHop: "2001:db8::1" });
});

test("RFC 7606 §7.11: next hops of other lengths do not fit", () => {
  for (const length of [0, 1, 4, 12, 15, 17, 24, 31, 33, 48]) {
    assert.equal(ipv6Unicast.decodeNextHop(new Uint8Array(length)), undefined);
    if (length !== 4) assert.equal(ipv4Unicast.decodeNextHop(new Uint8Array(length)), undefined);
    if (length !== 4) {
      assert.equal(ipv4Unicast.decodeNextHop(new Uint8Array(length), true), undefined);
    }
  }
});

test("RFC 8950 §3: an IPv4 route may have the next hops of an IPv6 route, where that is said", () => {
  for (const octets of [global, global + linkLocal]) {
    const read = ipv4Unicast.decodeNextHop(hex(octets), true);
    assert.deepEqual(read, ipv6Unicast.decodeNextHop(hex(octets)));
    assert.equal(ipv4Unicast.decodeNextHop(hex(octets)), undefined);
    assert.equal(ipv4Unicast.isUsableNextHop(hex(octets)), true);
  }
  assert.equal(ipv4Unicast.isUsableNextHop(hex("00".repeat(16))), false);
});

test("no route can use an unspecified, loopback or multicast next hop", () => {
  for (const bad of ["00".repeat(16), `${"00".repeat(15)}01`, `ff02${"00".repeat(13)}01`]) {
    assert.equal(ipv6Unicast.isUsableNextHop(hex(bad)), false);
  }
  for (const good of [global, linkLocal, `${"00".repeat(15)}02`, `${"00".repeat(14)}0101`]) {
    assert.equal(ipv6Unicast.isUsableNextHop(hex(good)), true);
  }
  const mapped = `${"00".repeat(10)}ffff`;
  for (const martian of ["7f000001", "00000000", "e0000001", "ffffffff"]) {
    assert.equal(ipv6Unicast.isUsableNextHop(hex(mapped + martian)), false);
    assert.equal(ipv6Unicast.isUsableNextHop(hex(mapped + martian + linkLocal)), false);
  }
  assert.equal(ipv6Unicast.isUsableNextHop(hex(`${mapped}c0000201`)), true);
  assert.equal(ipv4Unicast.isUsableNextHop(hex("7f000001")), false);
  assert.equal(ipv4Unicast.isUsableNextHop(hex("0a000001")), true);
});

test("a link-local address stands for an unspecified one before it, and for no other that no host has", () => {
  const unspecified = "00".repeat(16);
  for (const family of [ipv4Unicast, ipv6Unicast]) {
    assert.equal(family.isUsableNextHop(hex(unspecified + linkLocal)), true);
    assert.equal(family.isUsableNextHop(hex(global + linkLocal)), true);
    assert.equal(family.isUsableNextHop(hex(unspecified + unspecified)), false);
    for (const bad of [`${"00".repeat(15)}01`, `ff02${"00".repeat(13)}01`]) {
      assert.equal(family.isUsableNextHop(hex(bad + linkLocal)), false);
    }
  }
});

test("next hops are written as they are read", () => {
  for (const [family, octets] of [
    [ipv4Unicast, "c0000201"],
    [ipv4Unicast, global],
    [ipv4Unicast, global + linkLocal],
    [ipv6Unicast, global],
    [ipv6Unicast, global + linkLocal],
  ] as const) {
    const nextHop = family.decodeNextHop(hex(octets), true);
    assert.ok(nextHop);
    const writer = new Writer();
    family.encodeNextHop(nextHop, writer);
    assert.equal(toHex(writer.view()), octets);
  }
});

test("a walk tells where the address octets stand, and how many bits count", () => {
  const visited: number[][] = [];
  const octets = hex("ff 00 18 0ae902 19 0ae90280 20 0ae90201 ff");
  ipv4Unicast.walkNlri(octets, 1, octets.length - 1, false, (pathId, own, offset, lengthBits) => {
    assert.equal(own, octets);
    visited.push([pathId, offset, lengthBits]);
  });
  assert.deepEqual(visited, [
    [0, 2, 0],
    [0, 3, 24],
    [0, 7, 25],
    [0, 12, 32],
  ]);
});

test("a walk with ADD-PATH tells path identifiers as unsigned numbers", () => {
  const visited: number[][] = [];
  const octets = hex("fffffffe 18 0ae902 00000000 00");
  ipv4Unicast.walkNlri(octets, 0, octets.length, true, (pathId, _, offset, lengthBits) => {
    visited.push([pathId, offset, lengthBits]);
  });
  assert.deepEqual(visited, [
    [0xfffffffe, 5, 24],
    [0, 13, 0],
  ]);
});

test("sound prefixes before a broken one are visited", () => {
  let visits = 0;
  const octets = hex("18 0ae902 21 0000000000");
  assert.throws(
    () => {
      ipv4Unicast.walkNlri(octets, 0, octets.length, false, () => visits++);
    },
    { code: 3, subcode: 10, message: "prefix length 33 exceeds 32" },
  );
  assert.equal(visits, 1);
});

test("IPv6 prefixes may have 128 bits and no more", () => {
  const walk = (octets: Uint8Array): void => {
    ipv6Unicast.walkNlri(octets, 0, octets.length, false, () => {});
  };
  walk(hex(`80 ${global}`));
  assert.throws(() => walk(hex(`81 ${global} 00`)), { subcode: 10 });
});

test("encodeNlri writes as many octets as the length asks for", () => {
  const writer = new Writer();
  encodeNlri(writer, hex("0ae90200"), 24);
  encodeNlri(writer, hex("0ae90200"), 17, 0);
  encodeNlri(writer, hex("00000000"), 0, 0xffffffff);
  assert.equal(toHex(writer.view()), "180ae902" + "00000000" + "110ae902" + "ffffffff" + "00");
});
