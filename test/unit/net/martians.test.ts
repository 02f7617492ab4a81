import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseIpAddress } from "../../../src/net/ip-address.ts";
import {
  holdsMartians,
  isInMartianBlock,
  martianAddressUse,
  martianPrefixes,
  martianUse,
} from "../../../src/net/martians.ts";
import { hostPrefix, parsePrefix, type Prefix } from "../../../src/net/prefix.ts";

function prefix(text: string): Prefix {
  const found = parsePrefix(text);
  assert.ok(found !== undefined, text);
  return found;
}

/** Of the IANA special-purpose address registries (RFC 6890 §2.2), those that are not forwarded between hosts, and multicast. */
const blocks: readonly (readonly [block: string, use: RegExp, first: string, last: string])[] = [
  ["0.0.0.0/8", /this network/, "0.0.0.0", "0.255.255.255"],
  ["127.0.0.0/8", /loopback/, "127.0.0.0", "127.255.255.255"],
  ["169.254.0.0/16", /link local/, "169.254.0.0", "169.254.255.255"],
  ["224.0.0.0/4", /multicast/, "224.0.0.0", "239.255.255.255"],
  ["240.0.0.0/4", /reserved/, "240.0.0.0", "255.255.255.255"],
  ["::/127", /unspecified and loopback/, "::", "::1"],
  ["::ffff:0:0/96", /IPv4-mapped/, "::ffff:0:0", "::ffff:ffff:ffff"],
  ["fe80::/10", /link local/, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["ff00::/8", /multicast/, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
];

describe("the martian list", () => {
  test("is just these blocks", () => {
    const keys = (prefixes: readonly Prefix[]): string[] => prefixes.map(({ text }) => text).sort();
    assert.deepEqual(keys(martianPrefixes), keys(blocks.map(([block]) => prefix(block))));
  });

  for (const [block, use, first, last] of blocks) {
    test(`has ${block}, what is inside it, and its first and last address`, () => {
      const whole = prefix(block);
      assert.match(martianUse(whole) ?? "", use);
      for (const text of [first, last]) {
        const host = hostPrefix(parseIpAddress(text) ?? assert.fail(text));
        assert.match(martianUse(host) ?? "", use, text);
        assert.match(martianAddressUse(host) ?? "", use, text);
      }
    });
  }

  // The neighbours of every block, private and shared address space (RFC 1918, RFC 6598), and unique local addresses
  // (RFC 4193): pods and nodes have those.
  const routable = [
    ...["1.0.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0"],
    ...["223.255.255.255", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "192.0.2.1"],
    ...["::2", "::fffe:ffff:ffff:ffff", "::1:0:0:0", "fe7f:ffff::", "fec0::", "fd00::1"],
    ...["feff:ffff::", "2001:db8::1"],
  ];
  for (const text of routable) {
    test(`does not have ${text}`, () => {
      const host = hostPrefix(parseIpAddress(text) ?? assert.fail(text));
      assert.equal(martianUse(host), undefined);
      assert.equal(martianAddressUse(host), undefined);
    });
  }

  test("has a shorter prefix around a block, but not the default route", () => {
    assert.match(martianUse(prefix("126.0.0.0/7")) ?? "", /loopback/);
    assert.match(martianUse(prefix("fe00::/7")) ?? "", /link local/);
    for (const text of ["0.0.0.0/0", "::/0"]) assert.equal(martianUse(prefix(text)), undefined);
  });
});

test("a prefix is inside a block, around one, or neither", () => {
  for (const text of ["169.254.0.0/16", "169.254.1.0/24", "224.0.0.0/4", "ff02::/16", "::1/128"]) {
    assert.equal(isInMartianBlock(prefix(text)), true, text);
    assert.equal(holdsMartians(prefix(text)), false, text);
  }
  for (const text of ["0.0.0.0/0", "128.0.0.0/1", "::/0", "fe00::/8"]) {
    assert.equal(isInMartianBlock(prefix(text)), false, text);
    assert.equal(holdsMartians(prefix(text)), true, text);
  }
  for (const text of ["10.233.0.0/16", "2001:db8::/32"]) {
    assert.equal(isInMartianBlock(prefix(text)), false, text);
    assert.equal(holdsMartians(prefix(text)), false, text);
  }
});
