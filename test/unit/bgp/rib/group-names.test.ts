import assert from "node:assert/strict";
import { test } from "node:test";
import { ipv4Unicast } from "../../../../src/bgp/family/index.ts";
import { plainExportPolicy } from "../../../../src/bgp/rib/export-policy.ts";
import type { ExportProfile } from "../../../../src/bgp/rib/export-profile.ts";
import { groupNames } from "../../../../src/bgp/rib/group-names.ts";
import { PathSource } from "../../../../src/bgp/rib/source.ts";
import { ownAsn, profileOf, ribPeer } from "../../../support/rib-harness.ts";

const plain = profileOf(ribPeer(1, { source: PathSource.external }), ipv4Unicast);
const client = profileOf(ribPeer(2, { source: PathSource.client }), ipv4Unicast);
const policy = plainExportPolicy(ownAsn);
const others: readonly Partial<ExportProfile>[] = [
  { policy: { ...policy, med: 5 } },
  { policy: { ...policy, nextHop: "unchanged" } },
  { policy: { ...policy, prefixes: [] } },
  { nextHopSelf: "192.0.2.77" },
  { linkLocalSelf: "fe80::1" },
];

test("groups that differ only in policy, next hop or link have names of their own", () => {
  const profiles = [plain, ...others.map((change) => ({ ...plain, ...change })), client];
  const names = groupNames(profiles);
  assert.equal(new Set(names).size, profiles.length, names.join("\n"));
  for (const name of names.slice(0, -1)) assert.match(name, /^external, .*, [\da-f]{8}$/);
  assert.doesNotMatch(names.at(-1) ?? "", /[\da-f]{8}$/, "one that no other could be taken for");
});

test("a name stays the same, whoever else is there", () => {
  const changed = { ...plain, ...others[0] };
  const [first] = groupNames([changed, plain]);
  assert.equal(groupNames([client, plain, changed])[2], first);
});
