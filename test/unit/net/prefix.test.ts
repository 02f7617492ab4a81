import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIpAddress } from "../../../src/net/ip-address.ts";
import { martianAddressUse, martianUse } from "../../../src/net/martians.ts";
import {
  hostPrefix,
  parsePrefix,
  type Prefix,
  prefixContains,
  prefixContainsAddress,
  prefixesOverlap,
  prefixFromOctets,
} from "../../../src/net/prefix.ts";
import { comparePrefixes, findOverlaps } from "../../../src/net/prefix-order.ts";

function prefix(text: string): Prefix {
  const read = parsePrefix(text);
  assert.ok(read, text);
  return read;
}

function octets(text: string): Uint8Array {
  const read = parseIpAddress(text);
  assert.ok(read, text);
  return read;
}

test("host bits are cleared in a copy", () => {
  const given = octets("10.233.1.255");
  const made = prefixFromOctets(given, 25);
  assert.equal(made.text, "10.233.1.128/25");
  assert.deepEqual([...given], [10, 233, 1, 255]);
  assert.equal(prefixFromOctets(octets("255.255.255.255"), 0).text, "0.0.0.0/0");
  assert.equal(prefixFromOctets(octets("fdff::1"), 7).text, "fc00::/7");
});

for (const text of [
  "10.0.0.1/24",
  "10.0.0.0",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "10.0.0.0/",
  "/8",
  "::/129",
]) {
  test(`${text} is no prefix`, () => assert.equal(parsePrefix(text), undefined));
}

test("containment goes by bits and never across versions", () => {
  assert.ok(prefixContainsAddress(prefix("10.233.0.0/16"), octets("10.233.255.255")));
  assert.ok(!prefixContainsAddress(prefix("10.233.0.0/16"), octets("10.234.0.0")));
  assert.ok(prefixContainsAddress(prefix("10.233.1.128/25"), octets("10.233.1.129")));
  assert.ok(!prefixContainsAddress(prefix("10.233.1.128/25"), octets("10.233.1.127")));
  assert.ok(!prefixContainsAddress(prefix("0.0.0.0/0"), octets("::1")));
  assert.ok(!prefixContainsAddress(prefix("::/0"), octets("10.0.0.1")));
  assert.ok(prefixContainsAddress(prefix("10.0.0.1/32"), octets("10.0.0.1")));
  assert.ok(prefixContains(prefix("10.0.0.0/8"), prefix("10.0.0.0/8")));
  assert.ok(!prefixContains(prefix("10.0.0.0/9"), prefix("10.0.0.0/8")));
  assert.ok(!prefixContains(prefix("::/0"), prefix("0.0.0.0/0")));
  assert.ok(prefixesOverlap(prefix("10.0.0.0/9"), prefix("10.0.0.0/8")));
  assert.ok(!prefixesOverlap(prefix("10.0.0.0/9"), prefix("10.128.0.0/9")));
  assert.equal(hostPrefix(octets("10.0.0.1")).text, "10.0.0.1/32");
});

test("prefixes are ordered by version, address and length", () => {
  const texts = ["10.0.0.0/8", "10.0.0.0/16", "10.0.128.0/17", "10.1.0.0/16", "::/0", "fd00::/8"];
  const shuffled = [5, 2, 0, 4, 3, 1].map((index) => prefix(texts[index] as string));
  assert.deepEqual(
    shuffled.toSorted(comparePrefixes).map(({ text }) => text),
    texts,
  );
});

test("overlaps name the smallest prefix around", () => {
  const entries = [
    "10.0.0.0/8",
    "10.1.2.0/24",
    "11.0.0.0/8",
    "10.1.0.0/16",
    "10.2.0.0/16",
    "10.1.2.0/24",
  ];
  const found = findOverlaps(entries.map((text, index) => ({ prefix: prefix(text), index })));
  assert.deepEqual(
    found.map(({ outer, inner }) => [outer.index, inner.index]),
    [
      [0, 3],
      [3, 1],
      [1, 5],
      [0, 4],
    ],
  );
});

test("martians are found by overlap, addresses by containment", () => {
  assert.equal(martianUse(prefix("10.0.0.0/8")), undefined);
  assert.equal(martianUse(prefix("0.0.0.0/0")), undefined);
  assert.match(martianUse(prefix("127.1.0.0/16")) ?? "", /loopback/);
  assert.match(martianUse(prefix("126.0.0.0/7")) ?? "", /loopback/);
  assert.match(martianUse(prefix("192.0.0.0/2")) ?? "", /multicast/);
  assert.match(martianAddressUse(prefix("224.0.0.5/32")) ?? "", /multicast/);
  assert.match(martianAddressUse(prefix("fe80::1/128")) ?? "", /link local/);
  assert.equal(martianAddressUse(prefix("192.168.1.2/32")), undefined);
});
