import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressOctets,
  formatIpAddress,
  formatIpv4,
  ipVersionOf,
  parseIpAddress,
  parseIpv4,
  readIpv4,
} from "../../../src/net/ip-address.ts";

const canonical: [text: string, canonicalText: string][] = [
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
  ["192.168.1.2", "192.168.1.2"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"], // RFC 5952 §4.2.3: the first of two runs
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], // §4.2.2: one zero group stays
  ["2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"], // the longer run
  ["2001:0db8::0001", "2001:db8::1"],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.1"], // §5
  ["::ffff:a00:1", "::ffff:10.0.0.1"],
  ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
];

for (const [text, expected] of canonical) {
  test(`${text} is ${expected} in canonical form`, () => {
    const octets = parseIpAddress(text);
    assert.ok(octets);
    assert.equal(formatIpAddress(octets), expected);
  });
}

const notAddresses = [
  ["", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "1.2.3.-4", "0x1.2.3.4"],
  [":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", ":1", "1:"],
  ["fe80::1%eth0", "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "::1.2.3.4:5"],
].flat();

for (const text of notAddresses) {
  test(`"${text}" is no address`, () => {
    assert.equal(parseIpAddress(text), undefined);
    assert.equal(ipVersionOf(text), undefined);
  });
}

test("IPv4 numbers are unsigned", () => {
  assert.equal(parseIpv4("255.255.255.255"), 4_294_967_295);
  assert.equal(formatIpv4(4_294_967_295), "255.255.255.255");
  assert.equal(readIpv4(Uint8Array.of(9, 192, 168, 1, 2), 1), 0xc0a80102);
});

test("the version of an address and the octets of a version", () => {
  assert.equal(ipVersionOf("10.0.0.1"), 4);
  assert.equal(ipVersionOf("::1"), 6);
  assert.equal(addressOctets(4), 4);
  assert.equal(addressOctets(6), 16);
});
