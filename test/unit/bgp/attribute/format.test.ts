import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAsPath } from "../../../../src/bgp/attribute/as-path.ts";
import {
  communityNames,
  formatCommunity,
  formatLargeCommunity,
  parseCommunity,
} from "../../../../src/net/community.ts";
import {
  formatExtendedCommunity,
  parseExtendedCommunity,
} from "../../../../src/net/extended-community.ts";
import { attributeByCode, attributeRows } from "../../../../src/bgp/attribute/index.ts";
import { Malformed } from "../../../../src/bgp/attribute/attribute-row.ts";
import { codecContext } from "../../../vectors/context.ts";
import { hex } from "../../../vectors/hex.ts";

/** What a row says of a value on the wire. */
function format(code: number, value: string): string {
  const row = attributeByCode(code);
  assert.ok(row);
  const decoded = row.decode(hex(value), codecContext());
  assert.ok(!(decoded instanceof Malformed));
  return `${row.title} ${row.format(decoded)}`;
}

test("rows stand by ascending code, which the encoder relies on", () => {
  const codes = attributeRows.map(({ code }) => code);
  assert.deepEqual(
    codes,
    [...codes].sort((a, b) => a - b),
  );
  assert.equal(new Set(codes).size, codes.length);
});

test("AS paths read as in other tools", () => {
  assert.equal(formatAsPath([]), "");
  assert.equal(
    formatAsPath([
      { type: 3, asns: [64512] },
      { type: 2, asns: [65001, 4200000000] },
      { type: 1, asns: [65002, 65003] },
      { type: 4, asns: [64513] },
    ]),
    "(64512) 65001 4200000000 {65002 65003} [64513]",
  );
});

test("communities have the names of the registry, or two numbers", () => {
  assert.equal(formatCommunity(0xfde90064), "65001:100");
  assert.equal(formatCommunity(0), "0:0");
  assert.equal(formatCommunity(0xffffff01), "no-export");
  assert.equal(formatCommunity(0xffffff02), "no-advertise");
  assert.equal(formatCommunity(0xffff0000), "graceful-shutdown");
  assert.equal(formatCommunity(0xffff029a), "blackhole");
  assert.equal(formatCommunity(0xffffff04), "no-peer");
  for (const name of communityNames) assert.equal(formatCommunity(parseCommunity(name) ?? 0), name);
  assert.equal(formatLargeCommunity([4200000000, 1, 0]), "4200000000:1:0");
});

test("extended communities that are route targets or origins read well, others as octets", () => {
  assert.equal(formatExtendedCommunity(hex("0002fde900000064")), "rt:65001:100");
  assert.equal(formatExtendedCommunity(hex("0102c00002010005")), "rt:192.0.2.1:5");
  assert.equal(formatExtendedCommunity(hex("0203fa56ea000007")), "ro:4200000000:7");
  assert.equal(formatExtendedCommunity(hex("4002fde900000064")), "rt:65001:100");
  assert.equal(formatExtendedCommunity(hex("030c000000000008")), "0x030c000000000008");
});

test("extended communities are read as they are written, with the shorter of two types", () => {
  for (const octets of [
    "0002fde900000064",
    "0002fde9ffffffff",
    "0102c00002010005",
    "0203fa56ea000007",
    "020200010000ffff",
    "030c000000000008",
  ]) {
    const text = formatExtendedCommunity(hex(octets));
    const read = parseExtendedCommunity(text);
    assert.ok(read);
    assert.deepEqual(read, hex(octets), text);
  }
  for (const text of [
    "",
    "rt:65001",
    "xx:65001:1",
    "rt:65001:4294967296",
    "rt:65536:65536",
    "rt:4294967296:1",
    "rt:192.0.2.256:1",
    "rt:192.0.2.1:65536",
    "0x0002fde9000000",
    "65001:1",
  ]) {
    assert.equal(parseExtendedCommunity(text), undefined, text);
  }
});

test("every attribute has a text", () => {
  assert.equal(format(1, "02"), "ORIGIN incomplete");
  assert.equal(format(2, "0201 0000fde9"), "AS_PATH 65001");
  assert.equal(format(3, "c0000201"), "NEXT_HOP 192.0.2.1");
  assert.equal(format(4, "00000005"), "MULTI_EXIT_DISC 5");
  assert.equal(format(5, "00000064"), "LOCAL_PREF 100");
  assert.equal(format(6, ""), "ATOMIC_AGGREGATE yes");
  assert.equal(format(7, "0000fde9 0a000001"), "AGGREGATOR 65001 10.0.0.1");
  assert.equal(format(8, "fde90064 ffffff01"), "COMMUNITIES 65001:100 no-export");
  assert.equal(format(9, "0a000001"), "ORIGINATOR_ID 10.0.0.1");
  assert.equal(format(10, "0a000001 0a000002"), "CLUSTER_LIST 10.0.0.1 10.0.0.2");
  assert.equal(
    format(14, "0001 01 04 c0000201 00 18 0ae902"),
    "MP_REACH_NLRI ipv4-unicast, next hop 192.0.2.1, 4 octets of NLRI",
  );
  assert.equal(
    format(14, "0001 80 02 abcd 00"),
    "MP_REACH_NLRI 1/128, next hop 0xabcd, 0 octets of NLRI",
  );
  assert.equal(format(15, "0002 01 00"), "MP_UNREACH_NLRI ipv6-unicast, 1 octets of NLRI");
  assert.equal(format(16, "0002fde900000064"), "EXTENDED_COMMUNITIES rt:65001:100");
  assert.equal(format(17, "0201 fa56ea00"), "AS4_PATH 4200000000");
  assert.equal(format(18, "fa56ea00 0a000001"), "AS4_AGGREGATOR 4200000000 10.0.0.1");
  assert.equal(format(32, "00000001 00000002 00000003"), "LARGE_COMMUNITY 1:2:3");
});
