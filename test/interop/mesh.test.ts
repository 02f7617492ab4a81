import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { until } from "../support/until.ts";
import {
  FOREIGN_ADDRESS,
  FOREIGN_PODS,
  MARGAY_ADDRESS,
  MARGAY_PODS,
  Pair,
} from "./support/pair.ts";
import { DAEMONS, scenario } from "./support/scenario.ts";

for (const kind of DAEMONS) {
  describe(`mesh with ${kind}`, () => {
    let pair: Pair;
    before(async () => {
      pair = await Pair.build("mesh", kind, { gracefulRestartSeconds: 3 });
      await pair.start();
      await pair.established();
    });
    after(() => pair?.[Symbol.asyncDispose]());

    const learned = (prefix: string): Promise<unknown> =>
      until(
        `margay to learn ${prefix}`,
        async () => (await pair.margay.route(prefix))?.candidates[0]?.best,
      );
    const forgotten = (prefix: string): Promise<unknown> =>
      until(
        `margay to forget ${prefix}`,
        async () => (await pair.margay.route(prefix)) === undefined,
      );

    scenario(
      "iBGP mesh (RFC 4271): learns the peer's pods, as the peer sent them, and routes to them",
      kind,
      async () => {
        await learned(FOREIGN_PODS);
        const [path] = (await pair.margay.route(FOREIGN_PODS))?.candidates ?? [];
        assert.equal(path?.peer, FOREIGN_ADDRESS);
        assert.equal(path?.nextHop, FOREIGN_ADDRESS);
        assert.equal(path?.asPath, "");
        assert.equal(path?.localPref, 100);
        assert.equal(path?.status, "best");
        await until("the kernel to have the route", () =>
          pair.kernelRoute(FOREIGN_PODS).then(Boolean),
        );
        assert.match(
          await pair.kernelRoute(FOREIGN_PODS),
          /^10\.233\.2\.0\/24 via 192\.0\.2\.2 dev eth0 proto (margay|77)\s*$/,
        );
      },
    );

    scenario(
      "iBGP mesh (RFC 4271): announces its own pods with itself as next hop",
      kind,
      async () => {
        await until(
          `${kind} to learn ${MARGAY_PODS}`,
          async () => (await pair.foreignPaths(MARGAY_PODS)).length > 0,
        );
        const paths = await pair.foreignPaths(MARGAY_PODS);
        assert.equal(paths.length, 1);
        assert.equal(paths[0]?.nextHop, MARGAY_ADDRESS);
        assert.deepEqual(paths[0]?.asPath, []);
        assert.equal(paths[0]?.localPreference, 100);
      },
    );

    scenario("iBGP mesh (RFC 4271): sends End-of-RIB", kind, async () => {
      await until(`${kind} to receive End-of-RIB`, () =>
        pair.foreign.endOfRibReceived(MARGAY_ADDRESS),
      );
    });

    scenario(
      "iBGP mesh (RFC 4271): follows announcement and withdrawal, down to the kernel",
      kind,
      async () => {
        await pair.foreign.announce("10.233.77.0/24");
        await learned("10.233.77.0/24");
        await until("the kernel to have it", () =>
          pair.kernelRoute("10.233.77.0/24").then(Boolean),
        );
        await pair.foreign.withdraw("10.233.77.0/24");
        await forgotten("10.233.77.0/24");
        await until(
          "the kernel to lose it",
          async () => (await pair.kernelRoute("10.233.77.0/24")) === "",
        );
        assert.match(await pair.kernelRoute(FOREIGN_PODS), /via 192\.0\.2\.2/);
      },
    );

    scenario(
      "iBGP mesh (RFC 4271): takes nothing outside the pod pools from a mesh peer, and says so",
      kind,
      async () => {
        await pair.foreign.announce("198.51.100.0/24");
        const path = await until("margay to see the foreign prefix", async () => {
          return (await pair.margay.route("198.51.100.0/24"))?.candidates[0];
        });
        assert.equal(path.best, false);
        assert.equal(path.status, "filtered");
        assert.equal(await pair.kernelRoute("198.51.100.0/24"), "");
        await pair.foreign.withdraw("198.51.100.0/24");
      },
    );

    scenario(
      "iBGP mesh (RFC 4271): when the peer goes with a Cease its routes go, and come back with it",
      kind,
      async () => {
        await pair.foreign.stop();
        await until(
          "margay to leave Established",
          async () => (await pair.margayState()) !== "Established",
        );
        const down = (await pair.margay.peer(FOREIGN_ADDRESS))?.lastDown;
        assert.ok(down !== undefined && down.text !== "", "the reason is kept");
        if (down.direction === "received") await forgotten(FOREIGN_PODS);
        await pair.startForeign();
        await pair.established();
        await learned(FOREIGN_PODS);
        await until("the kernel to have the route", () =>
          pair.kernelRoute(FOREIGN_PODS).then(Boolean),
        );
      },
    );

    scenario(
      "iBGP mesh (RFC 4271): a margay that stops is forgotten, and learned again when it starts",
      kind,
      async () => {
        await pair.margay.stop();
        await until(
          `${kind} to leave Established`,
          async () => (await pair.foreign.peerState(MARGAY_ADDRESS)) !== "Established",
        );
        assert.match(
          await pair.kernelRoute(FOREIGN_PODS),
          /via 192\.0\.2\.2/,
          "the kernel keeps the routes",
        );
        await until(
          `${kind} to forget ${MARGAY_PODS}`,
          async () => (await pair.foreignPaths(MARGAY_PODS)).length === 0,
          {
            timeoutSeconds: 30,
          },
        );
        await pair.margay.startNode();
        await pair.established();
        await until(
          `${kind} to learn ${MARGAY_PODS}`,
          async () => (await pair.foreignPaths(MARGAY_PODS)).length === 1,
        );
      },
    );
  });
}
