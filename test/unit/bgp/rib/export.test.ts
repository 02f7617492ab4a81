import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PathAttributes } from "../../../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast, ipv6Unicast } from "../../../../src/bgp/family/index.ts";
import type { ExportProfile } from "../../../../src/bgp/rib/export-profile.ts";
import { parsePrefix } from "../../../../src/net/prefix.ts";
import { PathSource } from "../../../../src/bgp/rib/source.ts";
import {
  ownAddress,
  ownAsn,
  ownClusterId,
  RibHarness,
  ribPeer,
} from "../../../support/rib-harness.ts";

const prefix = "10.9.0.0/24";
const usual: PathAttributes = { origin: 0, asPath: [], nextHop: "192.0.2.1", localPref: 100 };

const kinds = { local: 0, client: 1, nonClient: 2, external: 3 } as const;
type Kind = keyof typeof kinds;
/** A second peer of each kind, to send to. */
const receivers = { client: 4, nonClient: 5, external: 6 } as const;

function harnessOfAll(): RibHarness {
  const { client, nonClient, external } = PathSource;
  const sources = [client, nonClient, external, client, nonClient, external];
  return new RibHarness(
    ipv4Unicast,
    sources.map((source, index) => ribPeer(index + 1, { source })),
  );
}

/** What a peer of one kind is sent of a path from one of another; `undefined` for nothing. */
function exported(
  from: Kind,
  to: keyof typeof receivers,
  attributes: PathAttributes = usual,
  profile: Partial<ExportProfile> = {},
): PathAttributes | undefined {
  const harness = harnessOfAll();
  harness.announce(kinds[from], [prefix], attributes);
  const member = harness.join(receivers[to], profile);
  harness.settle();
  return member.view.routes.get(prefix);
}

describe("a selected path goes", () => {
  const passes: Record<Kind, readonly string[]> = {
    local: ["client", "nonClient", "external"],
    external: ["client", "nonClient", "external"],
    client: ["client", "nonClient", "external"],
    nonClient: ["client", "external"],
  };
  for (const [from, expected] of Object.entries(passes)) {
    test(`from ${from} to ${expected.join(", ")}`, () => {
      const to = Object.keys(receivers) as (keyof typeof receivers)[];
      const reached = to.filter((kind) => exported(from as Kind, kind) !== undefined);
      assert.deepEqual(reached, expected);
    });
  }

  test("to nobody with NO_ADVERTISE, not to other ASes with NO_EXPORT or NO_EXPORT_SUBCONFED", () => {
    const marked = (community: number): PathAttributes => ({
      ...usual,
      communities: [7, community],
    });
    for (const from of ["client", "local"] as const) {
      assert.equal(exported(from, "client", marked(0xffffff02)), undefined);
      assert.equal(exported(from, "external", marked(0xffffff02)), undefined);
      for (const community of [0xffffff01, 0xffffff03]) {
        assert.equal(exported(from, "external", marked(community)), undefined);
        assert.notEqual(exported(from, "client", marked(community)), undefined);
      }
    }
  });

  test("where it would go without NOPEER or BLACKHOLE, which it keeps", () => {
    for (const community of [0xffffff04, 0xffff029a]) {
      const marked: PathAttributes = { ...usual, communities: [community] };
      for (const to of ["client", "external"] as const) {
        assert.deepEqual(exported("client", to, marked)?.communities, [community]);
      }
    }
  });

  test("only from here to peers that are sent nothing else", () => {
    for (const to of ["external", "client"] as const) {
      assert.notEqual(exported("local", to, usual, { advertise: "own" }), undefined);
      assert.equal(exported("client", to, usual, { advertise: "own" }), undefined);
      assert.equal(exported("external", to, usual, { advertise: "own" }), undefined);
    }
  });
});

describe("a path sent within the AS", () => {
  test("keeps its next hop, MED and LOCAL_PREF, and names originator and cluster when reflected", () => {
    const attributes = { ...usual, localPref: 300, multiExitDisc: 5, communities: [1] };
    assert.deepEqual(exported("client", "nonClient", attributes), {
      ...attributes,
      originatorId: 0x0a000001,
      clusterList: [ownClusterId],
    });
    assert.deepEqual(exported("external", "client", { ...usual, multiExitDisc: 5 }), {
      ...usual,
      multiExitDisc: 5,
    });
    assert.deepEqual(exported("local", "client", attributes), attributes);
  });

  test("keeps the originator it has, and every cluster it came through", () => {
    const attributes = { ...usual, originatorId: 77, clusterList: [9, 8] };
    const sent = exported("nonClient", "client", attributes);
    assert.deepEqual(sent, { ...attributes, clusterList: [ownClusterId, 9, 8] });
  });

  test("has a CLUSTER_LIST that outgrows one octet of length", () => {
    const clusterList = Array.from({ length: 63 }, (_, index) => index + 1);
    const sent = exported("client", "client", { ...usual, originatorId: 3, clusterList });
    assert.deepEqual(sent?.clusterList, [ownClusterId, ...clusterList]);
  });

  test("is the same whether its octets are spliced or encoded anew", () => {
    // An unknown attribute takes the way of encoding anew; the Partial bit is all that it adds.
    const unknown = [{ code: 200, flags: 0xe0, value: Uint8Array.of(1) }];
    const blocks: PathAttributes[] = [
      usual,
      { ...usual, multiExitDisc: 1, communities: [1, 2], atomicAggregate: true },
      { ...usual, originatorId: 9 },
      { ...usual, clusterList: [4] },
      { ...usual, originatorId: 9, clusterList: [4, 5], largeCommunities: [[1, 2, 3]] },
      { ...usual, asPath: [{ type: 2, asns: [70000] }], aggregator: { asn: 70000, identifier: 1 } },
      { ...usual, extendedCommunities: [Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 1)] },
    ];
    for (const attributes of blocks) {
      const spliced = exported("client", "client", attributes);
      const encoded = exported("client", "client", { ...attributes, unknown });
      assert.deepEqual({ ...spliced, unknown }, encoded);
    }
  });

  test("announced as IPv4 in MP_REACH_NLRI goes on in the fields of its own", () => {
    const harness = harnessOfAll();
    const mpReach = { afi: 1, safi: 1, nlri: [{ prefix }] };
    harness.receive(1, { mpReach, attributes: usual });
    const member = harness.join(receivers.client);
    harness.settle();
    const sent = member.view.routes.get(prefix);
    assert.deepEqual(sent, { ...usual, originatorId: 0x0a000001, clusterList: [ownClusterId] });
  });

  test("keeps the link-local next hop of IPv6 where the receiver is on its link, spliced or not, and no NEXT_HOP beside it", () => {
    const peers = [1, 2, 3].map((index) => ribPeer(index, { source: PathSource.client }));
    const nlri = [{ prefix: "2001:db8:9::/48" }];
    const mpReach = { afi: 2, safi: 1, nlri };
    const attributes = {
      origin: 0,
      asPath: [],
      localPref: 100,
      nextHop: "2001:db8::1",
      linkLocalNextHop: "fe80::1",
    } as const;
    const unknown = [{ code: 200, flags: 0xe0, value: Uint8Array.of(1) }];
    for (const more of [{}, { unknown }]) {
      const harness = new RibHarness(ipv6Unicast, peers);
      harness.receive(1, { mpReach, attributes: { ...attributes, ...more } });
      const link = parsePrefix("2001:db8::/64");
      assert.ok(link !== undefined);
      const member = harness.join(2, { linkSubnets: [link] });
      const elsewhere = harness.join(3);
      harness.settle();
      const reflected = { originatorId: 0x0a000001, clusterList: [ownClusterId] };
      const expected = { ...attributes, ...more, ...reflected };
      assert.deepEqual(member.view.routes.get("2001:db8:9::/48"), expected);
      const { linkLocalNextHop, ...without } = expected;
      assert.deepEqual(elsewhere.view.routes.get("2001:db8:9::/48"), without);
    }
  });
});

describe("a path sent to another AS", () => {
  test("has our AS in front, ourselves as next hop, and nothing that is the AS's own business", () => {
    const attributes: PathAttributes = {
      ...usual,
      localPref: 300,
      multiExitDisc: 5,
      asPath: [{ type: 2, asns: [65001] }],
      communities: [1],
      originatorId: 9,
      clusterList: [1],
    };
    assert.deepEqual(exported("client", "external", attributes), {
      origin: 0,
      asPath: [{ type: 2, asns: [ownAsn, 65001] }],
      nextHop: ownAddress[4],
      communities: [1],
    });
  });

  test("keeps a MED only where it was set here", () => {
    const attributes = { ...usual, multiExitDisc: 5 };
    assert.equal(exported("local", "external", attributes)?.multiExitDisc, 5);
    assert.equal(exported("external", "external", attributes)?.multiExitDisc, undefined);
    assert.equal(exported("client", "external", attributes)?.multiExitDisc, undefined);
  });

  test("begins a new sequence in front of a set, and has more where one is full", () => {
    const set = [{ type: 1, asns: [65001, 65002] }] as const;
    assert.deepEqual(exported("external", "external", { ...usual, asPath: set })?.asPath, [
      { type: 2, asns: [ownAsn] },
      ...set,
    ]);
    const full = [{ type: 2, asns: Array.from({ length: 255 }, () => 65001) }] as const;
    const sent = exported("external", "external", { ...usual, asPath: full })?.asPath ?? [];
    assert.deepEqual(
      sent.flatMap(({ asns }) => asns),
      [ownAsn, ...full[0].asns],
    );
    assert.ok(sent.length === 2 && sent.every(({ type }) => type === 2));
  });

  test("tells a peer of 2-octet AS numbers the long ones beside", () => {
    const asPath = [{ type: 2, asns: [70000, 65001] }] as const;
    const attributes = { ...usual, asPath, aggregator: { asn: 70000, identifier: 1 } };
    const sent = exported("client", "external", attributes, { fourOctetAs: false });
    assert.deepEqual(sent?.asPath, [{ type: 2, asns: [ownAsn, 70000, 65001] }]);
    assert.deepEqual(sent?.aggregator, { asn: 70000, identifier: 1 });
  });

  test("from a peer of 2-octet AS numbers is whole again", () => {
    const asPath = [{ type: 2, asns: [70000, 65001] }] as const;
    const sent = exported("client", "client", { ...usual, asPath }, { fourOctetAs: false });
    assert.deepEqual(sent?.asPath, asPath);
  });
});

describe("messages of an update group", () => {
  const many = Array.from({ length: 3000 }, (_, at) => `10.${at >>> 8}.${at & 255}.0/24`);

  test("are as full as may be", () => {
    const harness = harnessOfAll();
    const member = harness.join(receivers.client);
    harness.settle();
    for (let at = 0; at < many.length; at += 500)
      harness.announce(1, many.slice(at, at + 500), usual);
    harness.settle();
    assert.equal(member.view.routes.size, many.length);
    // 4 octets a prefix, some 70 of header and attributes, in 4096 a message; one is End-of-RIB.
    assert.equal(member.view.updates, 1 + Math.ceil((many.length * 4) / (4096 - 70)));
    for (let at = 0; at < many.length; at += 500) harness.withdraw(1, many.slice(at, at + 500));
    harness.settle();
    assert.equal(member.view.routes.size, 0);
  });

  test("withdraw what no message can hold with its attributes", () => {
    const harness = harnessOfAll();
    const member = harness.join(receivers.client);
    harness.announce(1, [prefix], usual);
    harness.settle();
    assert.ok(member.view.routes.has(prefix));
    // Fits as it came, but not with ORIGINATOR_ID and CLUSTER_LIST on top.
    const communities = Array.from({ length: 1009 }, (_, index) => index + 1);
    harness.announce(1, [prefix], { ...usual, communities });
    harness.settle();
    assert.ok(!member.view.routes.has(prefix));
  });

  test("hold on to no more memory than their octets", () => {
    const harness = harnessOfAll();
    const member = harness.join(receivers.client);
    const held: Uint8Array[] = [];
    const { send } = member.member;
    Object.assign(member.member, {
      send: (parts: readonly Uint8Array[], messages: number) => {
        held.push(...parts);
        return send(parts, messages);
      },
    });
    harness.settle();
    for (let index = 0; index < 20; index++) {
      harness.announce(1, [many[index] as string], { ...usual, multiExitDisc: index });
      harness.settle();
    }
    assert.equal(held.length, 21);
    for (const { length, buffer } of held) assert.ok(buffer.byteLength <= 2 * length);
  });
});
