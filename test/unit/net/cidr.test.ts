import assert from "node:assert/strict";
import { test } from "node:test";
import { cidrRange, readCidr } from "../../../src/net/cidr.ts";

for (const [text, canonical] of [
  ["10.233.1.0/24", "10.233.1.0/24"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["10.0.0.1/32", "10.0.0.1/32"],
  ["2001:DB8::/32", "2001:db8::/32"],
  ["::/0", "::/0"],
  ["64:ff9b::1.2.3.4/128", "64:ff9b::102:304/128"],
] as const) {
  test(`${text} is read as ${canonical}`, () => {
    const reading = readCidr(text);
    assert.ok("prefix" in reading);
    assert.equal(reading.prefix.text, canonical);
  });
}

const mistakes: [text: string, problem: string, suggestion?: string][] = [
  ["10.233.1.5/24", "10.233.1.5/24 has host bits set", "10.233.1.0/24"],
  ["64:ff9b::1.2.3.4/96", "64:ff9b::1.2.3.4/96 has host bits set", "64:ff9b::/96"],
  ["10.233.1.0", "10.233.1.0 has no prefix length", "10.233.1.0/24"],
  ["10.0.0.0", "10.0.0.0 has no prefix length", "10.0.0.0/8"],
  ["10.233.1.7", "10.233.1.7 has no prefix length", "10.233.1.7/32"],
  ["fd00::", "fd00:: has no prefix length", "fd00::/16"],
  ["10.233/16", "10.233/16 has fewer than four octets", "10.233.0.0/16"],
  ["010.1.0.0/16", "010.1.0.0/16 has an octet with leading zeros", "10.1.0.0/16"],
  ["10.0.0.0/08", "10.0.0.0/08 has a length with leading zeros", "10.0.0.0/8"],
  [
    "10.1.2.0/255.255.0.0",
    "10.1.2.0/255.255.0.0 has a netmask where a length belongs",
    "10.1.0.0/16",
  ],
  ["10.0.0.0/255.0.255.0", "10.0.0.0/255.0.255.0 has no number from 0 to 32 after the slash"],
  ["10.0.0.0/33", "10.0.0.0/33 has a length above 32"],
  ["fd00::/129", "fd00::/129 has a length above 128"],
  ["10.0.0.0/", "10.0.0.0/ has no number from 0 to 32 after the slash"],
  ["10.0.0.0/-1", "10.0.0.0/-1 has no number from 0 to 32 after the slash"],
  ["10.0.0.0/8/9", "10.0.0.0/8/9 has more than one slash"],
  ["256.0.0.0/8", "256.0.0.0/8 has an octet above 255"],
  [" 10.0.0.0/8", '" 10.0.0.0/8" has white space around it', "10.0.0.0/8"],
  ["::ffff:10.0.0.0/120", "::ffff:10.0.0.0/120 is an IPv4-mapped IPv6 prefix", "10.0.0.0/24"],
  ["::ffff:0:0/90", "::ffff:0:0/90 is an IPv4-mapped IPv6 prefix"],
  ["fe80::1%eth0/64", "fe80::1%eth0/64 has a zone, which a prefix cannot have"],
  ["pods", "pods is not an IP prefix"],
];

for (const [text, problem, suggestion] of mistakes) {
  test(`"${text}": ${problem}`, () => {
    assert.deepEqual(readCidr(text), {
      problem,
      ...(suggestion !== undefined && { suggestion }),
    });
    if (suggestion !== undefined) assert.ok("prefix" in readCidr(suggestion));
  });
}

test("the range of a prefix is canonical and counted", () => {
  assert.deepEqual(cidrRange("10.233.0.0/16"), {
    first: "10.233.0.0",
    last: "10.233.255.255",
    size: 65_536n,
  });
  assert.deepEqual(cidrRange("fd00::/120"), { first: "fd00::", last: "fd00::ff", size: 256n });
  assert.equal(cidrRange("::/0").size, 2n ** 128n);
});
