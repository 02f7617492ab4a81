import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { PathAttributes } from "../../../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast, ipv6Unicast } from "../../../../src/bgp/family/index.ts";
import { summarise } from "../../../../src/bgp/rib/attribute-summary.ts";
import { type DecisionOptions, defaultDecision } from "../../../../src/bgp/rib/decision-process.ts";
import { describePathReason } from "../../../../src/bgp/rib/path-reason.ts";
import { PathSource, type RibPeer } from "../../../../src/bgp/rib/source.ts";
import { RibHarness, ribPeer } from "../../../support/rib-harness.ts";

const prefix = "10.9.0.0/24";

interface Offer {
  readonly peer?: Partial<RibPeer>;
  readonly attributes?: Partial<PathAttributes>;
}

function harnessOf(offers: readonly Offer[], options: Partial<DecisionOptions>): RibHarness {
  const peers = offers.map(({ peer }, index) => ribPeer(index + 1, peer));
  const decision = { ...defaultDecision, ...options };
  const harness = new RibHarness(ipv4Unicast, peers, undefined, decision);
  for (const [index, { attributes }] of offers.entries()) announce(harness, index + 1, attributes);
  harness.settle();
  return harness;
}

function announce(
  harness: RibHarness,
  peer: number,
  attributes: Partial<PathAttributes> = {},
): void {
  const whole = { origin: 0, asPath: [], nextHop: `192.0.2.${peer}`, ...attributes } as const;
  harness.announce(peer, [prefix], whole);
}

function reasonsOf({ rib, peers }: RibHarness): string[] {
  const found: string[] = [...peers.keys()].slice(1).map(() => "none");
  for (let row = rib.paths.first(0); row >= 0; row = rib.paths.next(row)) {
    found[rib.paths.peer(row) - 1] = describePathReason(rib.paths.reason(row)).name;
  }
  return found;
}

function reasons(offers: readonly Offer[], options: Partial<DecisionOptions>): string[] {
  return reasonsOf(harnessOf(offers, options));
}

const external = { source: PathSource.external } as const;
const via = (asn: number, more: Partial<PathAttributes> = {}): Offer => ({
  peer: external,
  attributes: { asPath: [{ type: 2, asns: [asn] }], ...more },
});

/** What becomes of a path of each peer to one IPv6 prefix. */
function reasonsIn6(
  peers: readonly RibPeer[],
  nextHops: readonly string[],
  more: Partial<PathAttributes> = {},
): string[] {
  const decision = { ...defaultDecision, maximumPaths: 8 };
  const harness = new RibHarness(ipv6Unicast, peers, undefined, decision);
  for (const [index, nextHop] of nextHops.entries()) {
    const attributes = { origin: 0, asPath: [], nextHop, ...more } as const;
    harness.announce(index + 1, ["2001:db8:9::/48"], attributes);
  }
  harness.settle();
  return reasonsOf(harness);
}

/** Two addresses that are one to 32 bits of FNV-1a, which is what the store keeps of them. */
const equalHashes = ["2001:db8::bd31:3a3f:4e12:211b", "2001:db8::c38f:e769:eb28:5e22"] as const;

describe("multipath", () => {
  const two = { maximumPaths: 2 };

  test("uses paths that are equal up to step e, of iBGP and of eBGP", () => {
    assert.deepEqual(reasons([{}, {}], two), ["best", "multipath"]);
    assert.deepEqual(reasons([via(65_001), via(65_002)], two), ["best", "multipath"]);
    assert.deepEqual(reasons([{}, {}], {}), ["best", "higher-identifier"]);
  });

  for (const [step, better, worse] of [
    ["lower-local-pref", { attributes: { localPref: 101 } }, {}],
    ["longer-as-path", {}, { attributes: { asPath: [{ type: 2, asns: [65_001] }] } }],
    ["higher-origin", {}, { attributes: { origin: 2 } }],
    ["higher-med", via(65_001, { multiExitDisc: 1 }), via(65_001, { multiExitDisc: 2 })],
    ["internal-path", via(65_001), { attributes: { asPath: [{ type: 2, asns: [65_001] }] } }],
  ] as const satisfies [string, Offer, Offer][]) {
    test(`uses none that ${step} sets apart`, () => {
      assert.deepEqual(reasons([better, worse], two), ["best", step]);
    });
  }

  test("keeps within its limit, and leaves out who is furthest from being best", () => {
    const peers = [{ identifier: 9 }, { identifier: 8 }, { identifier: 7 }, { identifier: 7 }];
    const offers = peers.map((peer) => ({ peer }));
    assert.deepEqual(reasons(offers, { maximumPaths: 3 }), [
      "higher-identifier",
      "multipath",
      "best",
      "multipath",
    ]);
    assert.deepEqual(reasons(offers, { maximumPaths: 64 }), [
      "multipath",
      "multipath",
      "best",
      "multipath",
    ]);
  });

  test("uses a next hop once, whoever names it", () => {
    const same = { attributes: { nextHop: "192.0.2.9" } };
    const found = reasons([same, same, {}], { maximumPaths: 3 });
    assert.deepEqual(found, ["best", "higher-identifier", "multipath"]);
    assert.deepEqual(reasons([same, same], two), ["best", "higher-identifier"]);
  });

  test("tells IPv6 next hops apart, too", () => {
    const peers = [ribPeer(1), ribPeer(2), ribPeer(3)];
    const decision = { ...defaultDecision, maximumPaths: 3 };
    const harness = new RibHarness(ipv6Unicast, peers, undefined, decision);
    for (const [index, host] of ["1", "2", "2"].entries()) {
      const attributes = { origin: 0, asPath: [], nextHop: `2001:db8::${host}` } as const;
      harness.announce(index + 1, ["2001:db8:9::/48"], attributes);
    }
    harness.settle();
    assert.deepEqual(reasonsOf(harness), ["best", "multipath", "higher-identifier"]);
  });

  test("uses a link-local next hop once on each link", () => {
    const peers = ["eth0", "eth1", "eth1"].map((device, index) => ribPeer(index + 1, { device }));
    assert.deepEqual(reasonsIn6(peers, ["fe80::1", "fe80::1", "fe80::1"]), [
      ...["best", "multipath", "higher-identifier"],
    ]);
    const zoned = ["fe80::1%eth0", "fe80::1%eth1"].map((address, index) =>
      ribPeer(index + 1, { address }),
    );
    const beside = { linkLocalNextHop: "fe80::1" };
    const global = ["2001:db8::1", "2001:db8::1"];
    assert.deepEqual(reasonsIn6(zoned, global, beside), ["best", "multipath"]);
    assert.deepEqual(reasonsIn6(peers.slice(0, 2), global, beside), ["best", "higher-identifier"]);
  });

  test("tells IPv6 next hops apart whose hashes are equal", () => {
    const keys = equalHashes.map((nextHop) => summarise({ nextHop }, 0).nextHop);
    assert.equal(keys[0], keys[1]);
    const found = reasonsIn6([ribPeer(1), ribPeer(2)], equalHashes);
    assert.deepEqual(found, ["best", "multipath"]);
  });

  test("tells of each change of the set, and nobody but the programmer hears of those beside the best", () => {
    const harness = new RibHarness(
      ipv4Unicast,
      [ribPeer(1), ribPeer(2), ribPeer(3), ribPeer(4, { source: PathSource.client })],
      undefined,
      { ...defaultDecision, maximumPaths: 2 },
    );
    const member = harness.join(4);
    harness.settle();
    const told: string[] = [];
    harness.changed = (text) => told.push(text);
    const step = (act: () => void): number => {
      told.length = 0;
      const before = member.view.updates;
      act();
      harness.settle();
      assert.deepEqual(told.slice(1), []);
      return told.length === 0 ? -1 : member.view.updates - before;
    };
    assert.equal(
      step(() => announce(harness, 2)),
      1,
      "the first",
    );
    assert.equal(
      step(() => announce(harness, 3)),
      0,
      "another beside it",
    );
    assert.deepEqual(reasonsOf(harness).slice(1, 3), ["best", "multipath"]);
    assert.equal(
      step(() => announce(harness, 3, { nextHop: "192.0.2.77" })),
      0,
      "elsewhere",
    );
    assert.equal(
      step(() => announce(harness, 3, { nextHop: "192.0.2.77", communities: [1] })),
      -1,
    );
    assert.equal(
      step(() => harness.withdraw(3, [prefix])),
      0,
      "gone",
    );
    assert.equal(harness.rib.locRib.isSpread(0), false);
    assert.equal(
      step(() => announce(harness, 1)),
      1,
      "a better one",
    );
    assert.equal(harness.rib.locRib.isSpread(0), true);
  });

  test("is the same whatever the order of arrival", () => {
    const offer = fc.record({ identifier: fc.integer({ min: 1, max: 3 }), hop: fc.nat(3) });
    const list = fc.array(offer, { minLength: 1, maxLength: 6 });
    const shuffled = list.chain((offers) =>
      fc.tuple(
        fc.constant(offers),
        fc.shuffledSubarray([...offers.keys()], { minLength: offers.length }),
      ),
    );
    const property = fc.property(
      shuffled,
      fc.integer({ min: 1, max: 4 }),
      ([offers, order], maximumPaths) => {
        const peers = offers.map(({ identifier }, index) => ribPeer(index + 1, { identifier }));
        const hops = [order, [...offers.keys()]].map((arrival) => {
          const harness = new RibHarness(ipv4Unicast, peers, undefined, {
            ...defaultDecision,
            maximumPaths,
          });
          for (const index of arrival) {
            announce(harness, index + 1, { nextHop: `192.0.2.${offers[index]?.hop}` });
            harness.settle();
          }
          return reasonsOf(harness);
        });
        assert.deepEqual(hops[0], hops[1]);
        const used = (hops[0] ?? []).filter(
          (reason) => reason === "best" || reason === "multipath",
        );
        assert.equal(
          used.length,
          Math.min(maximumPaths, new Set(offers.map(({ hop }) => hop)).size),
        );
      },
    );
    fc.assert(property, { numRuns: 100 });
  });
});

describe("MULTI_EXIT_DISC", () => {
  const low = via(65_001, { multiExitDisc: 1 });
  const high = via(65_002, { multiExitDisc: 2 });

  test("is compared between different neighbours where that is set", () => {
    assert.deepEqual(reasons([high, low], {}), ["best", "higher-identifier"]);
    assert.deepEqual(reasons([high, low], { alwaysCompareMed: true }), ["higher-med", "best"]);
  });

  test("that is missing is the worst where that is set", () => {
    const worst = via(65_001, { multiExitDisc: 0xffff_ffff });
    assert.deepEqual(reasons([low, via(65_001)], {}), ["higher-med", "best"]);
    assert.deepEqual(reasons([via(65_001), low], { missingMedAsWorst: true }), [
      "higher-med",
      "best",
    ]);
    assert.deepEqual(reasons([via(65_001), worst], { missingMedAsWorst: true }), [
      "higher-med",
      "best",
    ]);
  });
});
