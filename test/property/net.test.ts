import assert from "node:assert/strict";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { cidrRange, readCidr } from "../../src/net/cidr.ts";
import { formatIpAddress, parseIpAddress } from "../../src/net/ip-address.ts";
import {
  parsePrefix,
  type Prefix,
  prefixContains,
  prefixContainsAddress,
  prefixesOverlap,
  prefixFromOctets,
} from "../../src/net/prefix.ts";
import { comparePrefixes, findOverlaps } from "../../src/net/prefix-order.ts";

const octets = fc.constantFrom(4, 16).chain((size) =>
  // Zeros often, so that runs of them appear in IPv6 addresses.
  fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })), {
    minLength: size,
    maxLength: size,
  }),
);
const address = octets.map((list) => Uint8Array.from(list));
const prefix = address.chain((bytes) =>
  fc.integer({ min: 0, max: bytes.length * 8 }).map((length) => prefixFromOctets(bytes, length)),
);
/** Prefixes that often contain each other. */
const nearbyPrefix = fc
  .tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 6, max: 32 }),
  )
  .map(([third, fourth, length]) => prefixFromOctets(Uint8Array.of(10, 0, third, fourth), length));

function family(bytes: Uint8Array): "ipv4" | "ipv6" {
  return bytes.length === 4 ? "ipv4" : "ipv6";
}

test("an address survives the way through its text, which Node reads as well", () => {
  fc.assert(
    fc.property(address, (bytes) => {
      const text = formatIpAddress(bytes);
      assert.deepEqual(parseIpAddress(text), bytes);
      assert.ok(bytes.length === 4 ? isIPv4(text) : isIPv6(text));
    }),
  );
});

test("what is an address is what Node takes for one, zones aside", () => {
  const piece = fc.constantFrom(
    "0",
    "1",
    "00",
    "ff",
    "255",
    "256",
    "1234",
    "12345",
    ":",
    "::",
    ".",
    "g",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
      const text = pieces.join("");
      assert.equal(parseIpAddress(text) !== undefined, isIPv4(text) || isIPv6(text), text);
    }),
    { numRuns: 2000 },
  );
});

test("IPv6 text is what the URL standard's serializer writes, IPv4-mapped aside", () => {
  fc.assert(
    fc.property(address, (bytes) => {
      const text = formatIpAddress(bytes);
      fc.pre(bytes.length === 16 && !text.includes("."));
      assert.equal(new URL(`http://[${text}]`).hostname, `[${text}]`);
    }),
  );
});

test("containment agrees with node:net's BlockList", () => {
  fc.assert(
    fc.property(prefix, address, fc.boolean(), (outer, other, inside) => {
      // Half of the time an address that starts as the prefix does.
      const bytes = inside ? spliced(outer, other) : other;
      const list = new BlockList();
      list.addSubnet(formatIpAddress(outer.octets), outer.length, family(outer.octets));
      const expected =
        family(bytes) === family(outer.octets) && list.check(formatIpAddress(bytes), family(bytes));
      assert.equal(prefixContainsAddress(outer, bytes), expected);
    }),
    { numRuns: 1000 },
  );
});

function spliced(outer: Prefix, other: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(outer.octets);
  for (let bit = outer.length; bit < bytes.length * 8; bit++) {
    const mask = 0x80 >> (bit & 7);
    bytes[bit >>> 3]! |= other[(bit >>> 3) % other.length]! & mask;
  }
  return bytes;
}

test("ip-cidr's range ends where BlockList's subnet does", () => {
  fc.assert(
    fc.property(prefix, (subnet) => {
      fc.pre(!subnet.text.startsWith("::ffff:"));
      const { first, last, size } = cidrRange(subnet.text);
      const list = new BlockList();
      list.addSubnet(formatIpAddress(subnet.octets), subnet.length, family(subnet.octets));
      assert.ok(list.check(first, family(subnet.octets)));
      assert.ok(list.check(last, family(subnet.octets)));
      assert.equal(asNumber(last) - asNumber(first) + 1n, size);
      assert.equal(size, 2n ** BigInt(subnet.octets.length * 8 - subnet.length));
    }),
  );
});

function asNumber(text: string): bigint {
  const bytes = parseIpAddress(text);
  assert.ok(bytes);
  return bytes.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
}

test("readCidr takes exactly what parsePrefix takes, and its suggestion for host bits is the network", () => {
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 140 }), (bytes, length) => {
      const text = `${formatIpAddress(bytes)}/${length}`;
      fc.pre(!text.startsWith("::ffff:"));
      const reading = readCidr(text);
      assert.equal("prefix" in reading ? reading.prefix.text : undefined, parsePrefix(text)?.text);
      if ("problem" in reading && length <= bytes.length * 8) {
        assert.equal(reading.suggestion, prefixFromOctets(bytes, length).text);
      }
    }),
  );
});

test("readCidr never throws, and only ever suggests what it would take", () => {
  const piece = fc.constantFrom(
    "10",
    "0",
    "1",
    "255",
    "256",
    "08",
    ".",
    "..",
    "/",
    ":",
    "::",
    "ffff",
    "%",
    " ",
    "x",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((list) => list.join("")),
      ),
      (text) => {
        const reading = readCidr(text);
        if ("prefix" in reading || reading.suggestion === undefined) return;
        assert.ok("prefix" in readCidr(reading.suggestion), reading.suggestion);
      },
    ),
    { numRuns: 2000 },
  );
});

test("overlaps are those that comparing every pair finds", () => {
  fc.assert(
    fc.property(fc.array(nearbyPrefix, { maxLength: 12 }), (prefixes) => {
      const entries = prefixes.map((each, index) => ({ prefix: each, index }));
      const found = new Set(findOverlaps(entries).map(({ inner }) => inner.index));
      for (const { outer, inner } of findOverlaps(entries)) {
        assert.ok(prefixContains(outer.prefix, inner.prefix));
      }
      const overlapping = entries.some((a) =>
        entries.some((b) => a !== b && prefixesOverlap(a.prefix, b.prefix)),
      );
      assert.equal(found.size > 0, overlapping);
      // All that strictly lie inside another one are found; of equals, all but one.
      for (const a of entries) {
        const inside = entries.some(
          (b) => b.prefix.length < a.prefix.length && prefixContains(b.prefix, a.prefix),
        );
        if (inside) assert.ok(found.has(a.index));
      }
    }),
  );
});

test("the order is total, and equal means the same text", () => {
  fc.assert(
    fc.property(prefix, prefix, (a, b) => {
      assert.equal(comparePrefixes(a, b) === 0, a.text === b.text);
      assert.equal(Math.sign(comparePrefixes(a, b)), -Math.sign(comparePrefixes(b, a)) + 0);
    }),
  );
});
