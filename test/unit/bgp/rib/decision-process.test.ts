import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type {
  AsPathSegment,
  PathAttributes,
} from "../../../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast } from "../../../../src/bgp/family/index.ts";
import { ImportPolicy } from "../../../../src/bgp/rib/import-policy.ts";
import { describePathReason } from "../../../../src/bgp/rib/path-reason.ts";
import { PathSource, type RibPeer } from "../../../../src/bgp/rib/source.ts";
import {
  ownAddress,
  ownAsn,
  ownClusterId,
  ownIdentifier,
  RibHarness,
  ribPeer,
} from "../../../support/rib-harness.ts";

const prefix = "10.9.0.0/24";

function path(...asns: number[]): readonly AsPathSegment[] {
  return asns.length === 0 ? [] : [{ type: 2, asns }];
}

interface Offer {
  /** Changes to the peer; its index is its place in the list, from 1. */
  readonly peer?: Partial<RibPeer>;
  readonly attributes?: Partial<PathAttributes>;
  readonly filtered?: boolean;
}

/** What the Decision Process says of each offer, in their order. */
function reasons(offers: readonly Offer[]): string[] {
  const peers = offers.map(({ peer }, index) => ribPeer(index + 1, peer));
  const harness = new RibHarness(ipv4Unicast, peers);
  const nothing = new ImportPolicy([]);
  for (const [index, { attributes, filtered }] of offers.entries()) {
    const whole = { origin: 0, asPath: [], nextHop: `192.0.2.${index}`, ...attributes } as const;
    const nlri = [{ prefix }];
    const policy = filtered === true ? nothing : undefined;
    harness.receive(index + 1, { announced: nlri, attributes: whole }, policy);
  }
  harness.settle();
  const found: string[] = offers.map(() => "none");
  const { paths } = harness.rib;
  for (let row = paths.first(0); row >= 0; row = paths.next(row)) {
    found[paths.peer(row) - 1] = describePathReason(paths.reason(row)).name;
  }
  return found;
}

describe("the Decision Process prefers", () => {
  const external = { source: PathSource.external } as const;

  /** The first of two wins by this reason, in both orders of arrival. */
  function prefers(reason: string, winner: Offer, loser: Offer): void {
    assert.deepEqual(reasons([winner, loser]), ["best", reason]);
    // Whoever comes later has the higher address, so that nothing but this step may have decided.
    assert.deepEqual(reasons([loser, winner]), [reason, "best"]);
  }

  test("the higher LOCAL_PREF, 100 where it is absent", () => {
    prefers("lower-local-pref", { attributes: { localPref: 101 } }, {});
    prefers("lower-local-pref", {}, { attributes: { localPref: 99 } });
    const far = { localPref: 200, asPath: path(1, 2, 3), origin: 2 } as const;
    prefers("lower-local-pref", { attributes: far }, {});
  });

  test("the shorter AS_PATH, in which a set counts once", () => {
    const long = { asPath: path(65001, 65002, 65003), origin: 0 } as const;
    const short = { asPath: path(65001, 65002), origin: 2 } as const;
    prefers("longer-as-path", { attributes: short }, { attributes: long });
    const set = { asPath: [...path(65001), { type: 1, asns: [1, 2, 3, 4] }] } as const;
    prefers("longer-as-path", { attributes: set }, { attributes: long });
  });

  test("the lower ORIGIN", () => {
    prefers("higher-origin", { attributes: { multiExitDisc: 9 } }, { attributes: { origin: 1 } });
    prefers("higher-origin", { attributes: { origin: 1 } }, { attributes: { origin: 2 } });
  });

  test("the lower MULTI_EXIT_DISC of one neighbouring AS, 0 where it is absent", () => {
    const from = (asn: number, multiExitDisc?: number): Offer => ({
      peer: external,
      attributes: { asPath: path(asn), ...(multiExitDisc !== undefined && { multiExitDisc }) },
    });
    prefers("higher-med", from(65001, 1), from(65001, 2));
    prefers("higher-med", from(65001), from(65001, 1));
    prefers(
      "higher-med",
      { attributes: { multiExitDisc: 1 } },
      { attributes: { multiExitDisc: 2 } },
    );
    assert.deepEqual(reasons([from(65001, 2), from(65002, 1)]), ["best", "higher-identifier"]);
  });

  test("eBGP to iBGP", () => {
    const asPath = path(65001);
    prefers(
      "internal-path",
      { peer: { ...external, identifier: 0xff000000 }, attributes: { asPath } },
      { attributes: { asPath } },
    );
  });

  test("the lower BGP identifier, for which ORIGINATOR_ID stands", () => {
    const high = { identifier: 0xc0000009 };
    prefers("higher-identifier", { peer: { identifier: 9 } }, { peer: high });
    prefers("higher-identifier", { peer: high, attributes: { originatorId: 8 } }, {});
    const far = { originatorId: 0xff000001 };
    prefers("higher-identifier", { peer: high }, { attributes: far });
  });

  test("the shorter CLUSTER_LIST", () => {
    const originatorId = 5;
    prefers(
      "longer-cluster-list",
      { attributes: { originatorId, clusterList: [1] } },
      { attributes: { originatorId, clusterList: [1, 2] } },
    );
    prefers(
      "longer-cluster-list",
      { peer: { identifier: 5 } },
      { attributes: { originatorId, clusterList: [1] } },
    );
  });

  test("the lower peer address, as a number", () => {
    const same = { attributes: { originatorId: 5 } };
    assert.deepEqual(reasons([same, same]), ["best", "higher-peer-address"]);
    const at = (addressOrder: string): Offer => ({ ...same, peer: { addressOrder } });
    const low = at("00000000000000000000ffff0a000009");
    const high = at("00000000000000000000ffff0a00000a");
    prefers("higher-peer-address", low, high);
    prefers("higher-peer-address", high, at("20010db8000000000000000000000001"));
  });

  test("what is originated here to everything else", () => {
    const harness = new RibHarness(ipv4Unicast, [ribPeer(1)]);
    const attributes = {
      origin: 0,
      asPath: [],
      nextHop: "192.0.2.1",
      localPref: 4_000_000_000,
    } as const;
    harness.announce(1, [prefix], attributes);
    harness.announce(0, [prefix], { ...attributes, nextHop: ownAddress[4], localPref: 1 });
    harness.settle();
    assert.equal(harness.best().get(prefix)?.peer, 0);
    const { paths } = harness.rib;
    const reasonOf = (peer: number): string => {
      for (let row = paths.first(0); row >= 0; row = paths.next(row)) {
        if (paths.peer(row) === peer) return describePathReason(paths.reason(row)).name;
      }
      return "none";
    };
    assert.deepEqual([reasonOf(0), reasonOf(1)], ["best", "not-local"]);
  });
});

describe("the Decision Process never uses", () => {
  const loops: readonly [string, Offer][] = [
    ["filtered", { filtered: true }],
    ["as-loop", { attributes: { asPath: [{ type: 1, asns: [65001, ownAsn] }] } }],
    ["own-originator-id", { attributes: { originatorId: ownIdentifier } }],
    ["own-cluster-id", { attributes: { clusterList: [1, ownClusterId] } }],
    ["own-next-hop", { attributes: { nextHop: ownAddress[4] } }],
  ];
  for (const [reason, offer] of loops) {
    test(`a path that is ${reason}, not even as the only one`, () => {
      assert.deepEqual(reasons([offer]), [reason]);
      const better = { ...offer, attributes: { ...offer.attributes, localPref: 1000 } };
      assert.deepEqual(reasons([better, {}]), [reason, "best"]);
    });
  }
});

describe("MULTI_EXIT_DISC, by which preference between two is not transitive", () => {
  // RFC 3345's and RFC 4271's trap: 1 beats 2 by MED, 2 beats 3, and 3 beats 1, by identifier.
  const external = (identifier: number, asn: number, multiExitDisc: number): Offer => ({
    peer: { source: PathSource.external, identifier },
    attributes: { asPath: path(asn), multiExitDisc },
  });
  const first = external(3, 65001, 1);
  const second = external(1, 65001, 2);
  const third = external(2, 65002, 9);

  test("eliminates from the whole set first: a path is out by one that loses later itself", () => {
    const orders: readonly (readonly Offer[])[] = [
      [first, second, third],
      [first, third, second],
      [second, first, third],
      [second, third, first],
      [third, first, second],
      [third, second, first],
    ];
    for (const order of orders) {
      const found = reasons(order);
      assert.equal(found[order.indexOf(third)], "best");
      assert.equal(found[order.indexOf(first)], "higher-identifier");
      assert.equal(found[order.indexOf(second)], "higher-med");
    }
  });

  test("changes the winner when a loser goes", () => {
    assert.deepEqual(reasons([second, third]), ["best", "higher-identifier"]);
    assert.deepEqual(reasons([first, third]), ["higher-identifier", "best"]);
    assert.deepEqual(reasons([first, second]), ["best", "higher-med"]);
  });
});
