import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OwnLink } from "../../../src/platform/own-links.ts";
import { localEnd } from "../../../src/session/local-end.ts";

function link(device: string, address: string): OwnLink {
  const isLinkLocal = address.startsWith("fe80:");
  return { device, address, cidr: `${address}/${address.includes(":") ? 64 : 24}`, isLinkLocal };
}

const links = [
  link("eth0", "192.0.2.1"),
  link("eth0", "fe80::1"),
  link("eth0", "2001:db8:1::1"),
  link("eth0", "2001:db8:1::2"),
  link("eth1", "198.51.100.1"),
  link("eth1", "2001:db8:2::1"),
  link("eth2", "203.0.113.1"),
];

describe("our end of a connection", () => {
  const cases = [
    ["192.0.2.1", { version: 4, 4: "192.0.2.1", 6: "2001:db8:1::1" }],
    ["2001:db8:1::2", { version: 6, 4: "192.0.2.1", 6: "2001:db8:1::2" }],
    ["2001:db8:2::1", { version: 6, 4: "198.51.100.1", 6: "2001:db8:2::1" }],
    ["203.0.113.1", { version: 4, 4: "203.0.113.1", 6: undefined }],
    // Of the loopback, which no link is of: no other address goes with it.
    ["192.0.2.99", { version: 4, 4: "192.0.2.99", 6: undefined }],
  ] as const;
  for (const [address, expected] of cases) {
    test(`at ${address}`, () => assert.deepEqual(localEnd(address, links), expected));
  }
});
