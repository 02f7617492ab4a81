import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import {
  FOREIGN_ADDRESS,
  FOREIGN_PODS,
  MARGAY_ADDRESS,
  MARGAY_PODS,
  Pair,
} from "./support/pair.ts";
import { scenarios } from "./support/scenario.ts";

const OURS = 4_200_000_001;

async function exchange(pair: Pair): Promise<void> {
  await pair.start();
  await pair.established();
  await until("margay to learn the peer's pods", () => pair.margay.route(FOREIGN_PODS));
  await until(
    "the peer to learn margay's pods",
    async () => (await pair.foreignPaths(MARGAY_PODS)).length > 0,
  );
}

scenarios("eBGP between 4-octet AS numbers (RFC 6793)", async (kind) => {
  await using pair = await Pair.build("as4", kind, { asn: OURS, foreignAsn: 4_200_000_002 });
  await exchange(pair);
  const path = (await pair.margay.route(FOREIGN_PODS))?.candidates[0];
  assert.deepEqual([path?.asPath, path?.nextHop], ["4200000002", FOREIGN_ADDRESS]);
  const [theirs] = await pair.foreignPaths(MARGAY_PODS);
  assert.deepEqual([theirs?.asPath, theirs?.nextHop], [[OURS], MARGAY_ADDRESS]);
  assert.equal((await pair.margay.peer(FOREIGN_ADDRESS))?.negotiated?.fourOctetAs, true);
});

scenarios(
  "a peer of 2-octet AS numbers (RFC 6793 §4.2)",
  async (kind) => {
    await using pair = await Pair.build("as2", kind, {
      asn: 64_500,
      foreignAsn: 64_999,
      session: { twoOctetAs: true },
    });
    await exchange(pair);
    assert.equal((await pair.margay.peer(FOREIGN_ADDRESS))?.negotiated?.fourOctetAs, false);
    assert.equal((await pair.margay.route(FOREIGN_PODS))?.candidates[0]?.asPath, "64999");
    assert.deepEqual((await pair.foreignPaths(MARGAY_PODS))[0]?.asPath, [64_500]);
  },
  {
    frr: "FRR always offers the capability",
    gobgp: "GoBGP always offers the capability",
  },
);
