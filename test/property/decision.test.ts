import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast } from "../../src/bgp/family/index.ts";
import { PathSource, type RibPeer } from "../../src/bgp/rib/source.ts";
import { expectedWinner } from "../support/expected-decision.ts";
import { ownAsn, RibHarness, ribPeer } from "../support/rib-harness.ts";

const prefix = "10.9.0.0/24";

interface Candidate {
  readonly peer: RibPeer;
  readonly attributes: PathAttributes;
}

const source = fc.constantFrom(PathSource.external, PathSource.client, PathSource.nonClient);

/** Few values for each criterion, so that ties go on to the next. */
const candidates: fc.Arbitrary<Candidate[]> = fc
  .array(
    fc.record({
      source,
      identifier: fc.integer({ min: 1, max: 3 }),
      attributes: fc.record(
        {
          origin: fc.constantFrom(0 as const, 2 as const),
          asPath: fc.constantFrom<NonNullable<PathAttributes["asPath"]>[]>(
            [],
            [{ type: 2, asns: [65001] }],
            [{ type: 2, asns: [65002] }],
            [{ type: 2, asns: [65002, 65001] }],
            [{ type: 2, asns: [ownAsn] }],
          ),
          localPref: fc.constantFrom(100, 200),
          communities: fc.constantFrom([7], [0xffff0006], [7, 0xffff0006]),
          multiExitDisc: fc.nat(3),
          originatorId: fc.integer({ min: 1, max: 3 }),
          clusterList: fc.constantFrom([1], [1, 2]),
        },
        { requiredKeys: ["origin", "asPath"] },
      ),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) =>
    list.map(({ source: from, identifier, attributes }, index) => ({
      peer: ribPeer(index + 1, { source: from, identifier }),
      attributes: { ...attributes, nextHop: `192.0.2.${index}` } as PathAttributes,
    })),
  );

/** Announces in an order, with whatever detours, and says whose path is best. */
function winner(
  list: readonly Candidate[],
  order: readonly number[],
  detours: readonly number[] = [],
): number | undefined {
  const harness = new RibHarness(
    ipv4Unicast,
    list.map(({ peer }) => peer),
  );
  const announce = (index: number): void => {
    const candidate = list[index] as Candidate;
    harness.announce(candidate.peer.index, [prefix], candidate.attributes);
    harness.settle();
  };
  for (const index of order) announce(index);
  for (const index of detours) {
    harness.withdraw(index + 1, [prefix]);
    harness.settle();
    announce(index);
  }
  return harness.best().get(prefix)?.peer;
}

describe("the best path", () => {
  test("is the one that the RFC's elimination leaves", () => {
    const property = fc.property(candidates, (list) => {
      assert.equal(winner(list, [...list.keys()]), expectedWinner(list)?.peer.index);
    });
    fc.assert(property, { numRuns: 200 });
  });

  test("depends neither on the order of arrival nor on who went and came back", () => {
    const property = fc.property(
      candidates.chain((list) =>
        fc.tuple(
          fc.constant(list),
          fc.shuffledSubarray([...list.keys()], { minLength: list.length }),
          fc.array(fc.nat(list.length - 1), { maxLength: 4 }),
        ),
      ),
      ([list, order, detours]) => {
        assert.equal(winner(list, order, detours), winner(list, [...list.keys()]));
      },
    );
    fc.assert(property, { numRuns: 100 });
  });
});
