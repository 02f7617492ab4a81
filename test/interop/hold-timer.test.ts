import assert from "node:assert/strict";
import { PeerAction } from "../../src/gen/margay/v1/management_pb.ts";
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

  scenario(
    "Send Hold Timer (RFC 9687): a peer that takes nothing any more is given up with 8/0, and taken back",
    kind,
    async () => {
      await using pair = await Pair.build("sendhold", kind, {
        foreignAsn: 65_001,
        holdTimeSeconds: 90,
        peer: { policy: "accept-all", sendHoldTimeSeconds: 2 },
      });
      // Little fits between the two when the one has stopped reading.
      const least = "4096 4096 4096";
      await pair.foreignNamespace.sysctl({ "net.ipv4.tcp_rmem": least });
      await pair.margay.namespace.sysctl({ "net.ipv4.tcp_wmem": least });
      await pair.start();
      await pair.established();
      pair.foreign.freeze(true);
      await until("margay to give up", async () => {
        // Something to be taken, told again as often as asked; FRR has made room for 128 KiB.
        for (let times = 0; times < 50; times++) {
          await pair.margay.control(FOREIGN_ADDRESS, PeerAction.SOFT_OUT);
        }
        return (await pair.margayState()) !== "Established";
      });
      const down = (await pair.margay.peer(FOREIGN_ADDRESS))?.lastDown;
      assert.equal(down?.event, "SendHoldTimer_Expires");
      assert.deepEqual([down?.direction, down?.code, down?.subcode], ["sent", 8, 0]);
      pair.foreign.freeze(false);
      await pair.established();
    },
  );
}
