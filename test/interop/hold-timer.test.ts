import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import {
  FOREIGN_ADDRESS,
  FOREIGN_PODS,
  MARGAY_ADDRESS,
  MARGAY_PODS,
  Pair,
} from "./support/pair.ts";
import { DAEMONS, scenario } from "./support/scenario.ts";

/** Without graceful restart FRR and GoBGP send no End-of-RIB: margay shall not wait long for one before it deletes. */
const HOLD = { holdTimeSeconds: 3, timers: { endOfRibWaitSeconds: 0.5 } };

for (const kind of DAEMONS) {
  scenario(
    "Hold timer (RFC 4271 §6.5): a peer that falls silent is dropped with NOTIFICATION 4, its routes with it, and taken back",
    kind,
    async () => {
      await using pair = await Pair.build("hold", kind, HOLD);
      await pair.start();
      await pair.established();
      await until("the kernel to have the route", () =>
        pair.kernelRoute(FOREIGN_PODS).then(Boolean),
      );
      pair.foreign.freeze(true);
      await until(
        "margay's hold timer to expire",
        async () => (await pair.margayState()) !== "Established",
      );
      const down = (await pair.margay.peer(FOREIGN_ADDRESS))?.lastDown;
      assert.equal(down?.event, "HoldTimer_Expires");
      assert.deepEqual([down?.direction, down?.code, down?.subcode], ["sent", 4, 0]);
      await until(
        "the kernel to lose the route",
        async () => (await pair.kernelRoute(FOREIGN_PODS)) === "",
      );
      pair.foreign.freeze(false);
      await pair.established();
      await until("the kernel to have the route", () =>
        pair.kernelRoute(FOREIGN_PODS).then(Boolean),
      );
    },
  );

  scenario(
    "Hold timer (RFC 4271 §6.5): a margay that falls silent is dropped by the peer, and comes back",
    kind,
    async () => {
      await using pair = await Pair.build("hold", kind, HOLD);
      await pair.start();
      await pair.established();
      pair.margay.daemon.signal("SIGSTOP");
      await until(
        `${kind}'s hold timer to expire`,
        async () => (await pair.foreign.peerState(MARGAY_ADDRESS)) !== "Established",
      );
      pair.margay.daemon.signal("SIGCONT");
      await pair.established();
      await until(
        `${kind} to learn ${MARGAY_PODS}`,
        async () => (await pair.foreignPaths(MARGAY_PODS)).length === 1,
      );
    },
  );

  scenario(
    "Hold timer (RFC 4271 §6.5): a cable that is cut silently ends the session at both ends, and it heals",
    kind,
    async () => {
      await using pair = await Pair.build("hold", kind, HOLD);
      await pair.start();
      await pair.established();
      await pair.network.setPlugged(pair.foreignNamespace, pair.segment, false);
      await until(
        "margay's hold timer to expire",
        async () => (await pair.margayState()) !== "Established",
      );
      await until(
        `${kind}'s hold timer to expire`,
        async () => (await pair.foreign.peerState(MARGAY_ADDRESS)) !== "Established",
      );
      await pair.network.setPlugged(pair.foreignNamespace, pair.segment, true);
      await until(
        "the session to come back",
        async () => (await pair.margayState()) === "Established",
        { timeoutSeconds: 45 },
      );
      await until("the kernel to have the route", () =>
        pair.kernelRoute(FOREIGN_PODS).then(Boolean),
      );
    },
  );
}
