import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import type { OwnLink } from "../../../src/platform/own-links.ts";
import { localEnd } from "../../../src/session/local-end.ts";

function link(device: string, address: string): OwnLink {
  const isLinkLocal = address.startsWith("fe80:");
  return { device, address, cidr: `${address}/${address.includes(":") ? 64 : 24}`, isLinkLocal };
}

function subnet(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

const links = [
  link("eth0", "192.0.2.1"),
  link("eth0", "fe80::1"),
  link("eth0", "2001:db8:1::1"),
  link("eth0", "2001:db8:1::2"),
  link("eth1", "198.51.100.1"),
  link("eth1", "2001:db8:2::1"),
  link("eth1", "fe80::1"),
  link("eth2", "203.0.113.1"),
];
const linkSubnets = ["2001:db8:1::/64", "2001:db8:1::/64"].map(subnet);
const eth0 = { device: "eth0", 4: "192.0.2.1", 6: "2001:db8:1::1" };

describe("our end of a connection", () => {
  const cases = [
    ["192.0.2.1", "192.0.2.9", { ...eth0, version: 4, linkLocal: "fe80::1", linkSubnets }],
    ["192.0.2.1", "198.51.100.9", { ...eth0, version: 4 }],
    [
      "2001:db8:1::2",
      "2001:db8:1::9",
      { ...eth0, version: 6, 6: "2001:db8:1::2", linkLocal: "fe80::1", linkSubnets },
    ],
    ["2001:db8:1::2", "2001:db8:9::9", { ...eth0, version: 6, 6: "2001:db8:1::2" }],
    [
      "fe80::1%eth1",
      "fe80::9%eth1",
      {
        ...{ device: "eth1", version: 6, 4: "198.51.100.1", 6: "2001:db8:2::1" },
        ...{ linkLocal: "fe80::1", linkSubnets: [subnet("2001:db8:2::/64")] },
      },
    ],
    [
      "203.0.113.1",
      "203.0.113.9",
      {
        device: "eth2",
        version: 4,
        4: "203.0.113.1",
        6: undefined,
        linkLocal: undefined,
        linkSubnets: [],
      },
    ],
    // Of the loopback, which no link is of: no other address goes with it.
    ["192.0.2.99", "192.0.2.9", { device: undefined, version: 4, 4: "192.0.2.99", 6: undefined }],
  ] as const;
  for (const [address, peer, expected] of cases) {
    test(`${address} toward ${peer}`, () => {
      assert.deepEqual(localEnd(address, peer, links), expected);
    });
  }
});
