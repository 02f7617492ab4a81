import assert from "node:assert/strict";
import type { Peer } from "../../src/gen/margay/v1/peer_pb.ts";
import { until } from "../support/until.ts";
import {
  FOREIGN_ADDRESS,
  FOREIGN_PODS,
  MARGAY_ADDRESS,
  MARGAY_PODS,
  Pair,
} from "./support/pair.ts";
import { scenarios } from "./support/scenario.ts";

interface Counts {
  readonly updatesIn: bigint;
  readonly updatesOut: bigint;
  readonly refreshesIn: bigint;
  readonly refreshesOut: bigint;
}

async function peerOf(pair: Pair): Promise<Peer> {
  const peer = await pair.margay.peer(FOREIGN_ADDRESS);
  assert.ok(peer !== undefined);
  return peer;
}

/** Messages that margay has had and sent. */
async function counts(pair: Pair): Promise<Counts> {
  const { messagesIn, messagesOut } = await peerOf(pair);
  return {
    updatesIn: messagesIn?.update ?? 0n,
    updatesOut: messagesOut?.update ?? 0n,
    refreshesIn: messagesIn?.routeRefresh ?? 0n,
    refreshesOut: messagesOut?.routeRefresh ?? 0n,
  };
}

async function softIn(pair: Pair): Promise<void> {
  const { code, stderr } = await pair.margay.cli("peer", FOREIGN_ADDRESS, "soft-in");
  assert.equal(code, 0, stderr);
}

/** Nothing has become of routes and session, at either end. */
async function undisturbed(pair: Pair): Promise<void> {
  const peer = await peerOf(pair);
  assert.deepEqual([peer.state, peer.flaps], ["Established", 0]);
  assert.equal(await pair.foreign.peerState(MARGAY_ADDRESS), "Established");
  assert.equal((await pair.margay.route(FOREIGN_PODS))?.candidates[0]?.best, true);
  assert.equal((await pair.foreignPaths(MARGAY_PODS)).length, 1);
}

const answersNothing = {
  openbgpd: "OpenBGPD 7.7 takes IPv4 unicast in a ROUTE-REFRESH for a family not negotiated",
  exabgp: "ExaBGP 4.2 closes the connection when asked",
};
const gobgp = "GoBGP does not know RFC 7313";

scenarios(
  "Route refresh asked for (RFC 2918)",
  async (kind) => {
    await using pair = await Pair.build("rrin", kind);
    await pair.start();
    await pair.exchanged();
    assert.equal((await peerOf(pair)).negotiated?.routeRefresh, true);
    const before = await counts(pair);
    await softIn(pair);
    await until(
      `${kind} to send its routes again`,
      async () => (await counts(pair)).updatesIn > before.updatesIn,
    );
    assert.equal((await counts(pair)).refreshesOut, before.refreshesOut + 1n);
    await undisturbed(pair);
  },
  answersNothing,
);

scenarios(
  "Route refresh answered (RFC 2918)",
  async (kind) => {
    await using pair = await Pair.build("rrout", kind);
    await pair.start();
    await pair.exchanged();
    const before = await counts(pair);
    await pair.foreign.refresh(MARGAY_ADDRESS);
    await until(`${kind} to be sent the routes again`, async () => {
      const { refreshesIn, updatesOut } = await counts(pair);
      return refreshesIn > before.refreshesIn && updatesOut > before.updatesOut;
    });
    await undisturbed(pair);
  },
  { gobgp: "GoBGP never asks: it keeps what it was sent" },
);

scenarios(
  "Enhanced route refresh asked for (RFC 7313)",
  async (kind) => {
    await using pair = await Pair.build("errin", kind);
    await pair.start();
    await pair.exchanged();
    assert.equal((await peerOf(pair)).negotiated?.enhancedRouteRefresh, true);
    const before = await counts(pair);
    await softIn(pair);
    await until(
      "BoRR and EoRR to come",
      async () => (await counts(pair)).refreshesIn === before.refreshesIn + 2n,
    );
    await undisturbed(pair);
  },
  { ...answersNothing, gobgp },
);

scenarios(
  "Enhanced route refresh answered (RFC 7313)",
  async (kind) => {
    await using pair = await Pair.build("errout", kind, { session: { enhancedRefresh: true } });
    await pair.start();
    await pair.exchanged();
    assert.equal((await peerOf(pair)).negotiated?.enhancedRouteRefresh, true);
    const before = await counts(pair);
    await pair.foreign.refresh(MARGAY_ADDRESS);
    await until(
      "BoRR and EoRR to be sent",
      async () => (await counts(pair)).refreshesOut === before.refreshesOut + 2n,
    );
    await undisturbed(pair);
  },
  { gobgp },
);
