import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DownReason } from "../../src/gen/margay/v1/peer_pb.ts";
import type { DaemonKind } from "../support/foreign/index.ts";
import { until } from "../support/until.ts";
import {
  FOREIGN_ADDRESS,
  FOREIGN_PODS,
  MARGAY_ADDRESS,
  MARGAY_PODS,
  Pair,
  type PairOptions,
} from "./support/pair.ts";
import { RouteMonitor } from "./support/route-monitor.ts";
import { scenarios } from "./support/scenario.ts";

/** Announced by hand: the next life of the daemon does not have it any more. */
const PASSING = "10.233.7.0/24";

const exabgp = "ExaBGP keeps no routes, and no forwarding";
const openbgpd = "OpenBGPD helps others to restart, and does not itself";

/** A pair with graceful restart on both sides, which knows each other's pods. */
async function pairOf(prefix: string, kind: DaemonKind, options: PairOptions = {}): Promise<Pair> {
  const pair = await Pair.build(prefix, kind, {
    gracefulRestartSeconds: 30,
    session: { gracefulRestartSeconds: 30 },
    timers: { endOfRibWaitSeconds: 10 },
    ...options,
  });
  await pair.start();
  await pair.established();
  await learned(pair, FOREIGN_PODS);
  await until(`${kind} to learn ${MARGAY_PODS}`, () => knows(pair));
  return pair;
}

async function learned(pair: Pair, prefix: string): Promise<void> {
  await until(`the kernel to route ${prefix}`, () => pair.kernelRoute(prefix).then(Boolean));
}

async function knows(pair: Pair): Promise<boolean> {
  return (await pair.foreignPaths(MARGAY_PODS)).length > 0;
}

/** Is margay's path to a prefix kept over the restart of the peer? */
async function isStale(pair: Pair, prefix: string): Promise<boolean | undefined> {
  return (await pair.margay.route(prefix))?.candidates[0]?.stale;
}

/** Waits until margay misses the peer, and tells how the session ended. */
function lost(pair: Pair): Promise<DownReason> {
  return until("margay to miss the peer", async () => {
    const peer = await pair.margay.peer(FOREIGN_ADDRESS);
    return peer?.state !== "Established" && peer?.lastDown;
  });
}

/** Watches kernel routes of margay's or the other's side while `act` does. */
async function watched(
  pair: Pair,
  side: "margay" | "foreign",
  act: (monitor: RouteMonitor) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "mgg-"));
  const namespace = side === "margay" ? pair.margay.namespace : pair.foreignNamespace;
  const monitor = await RouteMonitor.start(namespace, join(directory, "routes"));
  try {
    await act(monitor);
  } finally {
    await monitor.stop();
    rmSync(directory, { recursive: true });
  }
}

scenarios(
  "peer that is killed and comes back (RFC 4724)",
  async (daemon) => {
    await using pair = await pairOf("gr1", daemon);
    await pair.foreign.announce(PASSING);
    await learned(pair, PASSING);
    await watched(pair, "margay", async (monitor) => {
      await pair.foreign.kill();
      await lost(pair);
      assert.equal(await isStale(pair, FOREIGN_PODS), true);
      assert.equal(await isStale(pair, PASSING), true);
      // Its cable is in when it has all it has to say: GoBGP is told its routes after its start.
      await pair.network.setPlugged(pair.foreignNamespace, pair.segment, false);
      await pair.startForeign({ restarted: true });
      await pair.network.setPlugged(pair.foreignNamespace, pair.segment, true);
      await pair.established({ timeoutSeconds: 30 });
      await until(
        `${PASSING} to go, which is not announced again`,
        async () => (await pair.kernelRoute(PASSING)) === "",
        { timeoutSeconds: 30 },
      );
      assert.equal(await isStale(pair, FOREIGN_PODS), false);
      assert.deepEqual(monitor.deleted(FOREIGN_PODS), []);
    });
  },
  { exabgp, openbgpd },
);

scenarios(
  "peer that comes back before it is missed (RFC 4724 §5): its new connection takes the place of the old",
  async (daemon) => {
    await using pair = await pairOf("gr4", daemon, { holdTimeSeconds: 90 });
    await watched(pair, "margay", async (monitor) => {
      // It dies, and nothing that its kernel says of that arrives.
      await pair.foreignNamespace.run(
        ["nft", "-f", "-"],
        `table ip silence { chain output {
        type filter hook output priority 0
        tcp flags fin drop
        tcp flags rst drop
      }
}\n`,
      );
      await pair.foreign.kill();
      assert.equal(await pair.margayState(), "Established");
      await pair.network.setPlugged(pair.foreignNamespace, pair.segment, false);
      await pair.startForeign({ restarted: true });
      await pair.network.setPlugged(pair.foreignNamespace, pair.segment, true);
      const down = await until(
        "the old connection to end",
        async () => {
          const peer = await pair.margay.peer(FOREIGN_ADDRESS);
          return peer?.flaps === 1 && peer.lastDown;
        },
        { timeoutSeconds: 60 },
      );
      assert.equal(down.event, "OpenCollisionDump");
      assert.equal(down.direction, "");
      assert.match(down.text, /opened a new connection/);
      await pair.established({ timeoutSeconds: 60 });
      await until("the routes to be confirmed", async () => {
        return (await isStale(pair, FOREIGN_PODS)) === false;
      });
      assert.equal((await pair.margay.peer(FOREIGN_ADDRESS))?.flaps, 1);
      assert.deepEqual(monitor.deleted(FOREIGN_PODS), []);
    });
  },
  { exabgp, openbgpd },
);

scenarios(
  "peer of a margay node that is killed and comes back (RFC 4724)",
  async (daemon) => {
    const programKernel = daemon === "bird" || daemon === "frr";
    await using pair = await pairOf("gr2", daemon, { programKernel });
    await watched(pair, "foreign", async (monitor) => {
      let misses = 0;
      let isOver = false;
      // Those that write no kernel routes are asked all the time.
      const asking = (async () => {
        while (!isOver) if (!(await knows(pair))) misses++;
      })();
      await pair.margay.kill();
      await until(`${daemon} to miss margay`, async () => {
        return (await pair.foreign.peerState(MARGAY_ADDRESS)) !== "Established";
      });
      await pair.startMargay();
      await pair.established({ timeoutSeconds: 30 });
      await until("margay to have the peer's routes again", async () => {
        return (await pair.kernelRoute(FOREIGN_PODS)) !== "" && knows(pair);
      });
      const [restart] = ((await pair.margay.peer(FOREIGN_ADDRESS))?.localCapabilities ?? []).filter(
        ({ name }) => name === "graceful-restart",
      );
      assert.match(restart?.text ?? "", /restarted.*ipv4-unicast \(forwarding kept\)/);
      isOver = true;
      await asking;
      assert.equal(misses, 0, "it had no path to our pods for a while");
      assert.deepEqual(monitor.deleted(MARGAY_PODS), []);
    });
  },
  { exabgp },
);

scenarios(
  "graceful restart after a NOTIFICATION (RFC 8538)",
  async (daemon) => {
    await using pair = await pairOf("gr3", daemon, { holdTimeSeconds: 3 });
    const { negotiated } = (await pair.margay.peer(FOREIGN_ADDRESS)) ?? {};
    assert.equal(negotiated?.gracefulRestart?.notification, true);
    await watched(pair, "margay", async (monitor) => {
      pair.foreign.freeze(true);
      assert.equal((await lost(pair)).code, 4);
      assert.equal(await isStale(pair, FOREIGN_PODS), true);
      assert.deepEqual(monitor.deleted(FOREIGN_PODS), []);
      pair.foreign.freeze(false);
      await pair.established({ timeoutSeconds: 30 });
      await until("the route to be confirmed", async () => {
        return (await isStale(pair, FOREIGN_PODS)) === false;
      });
      // GoBGP says that it has kept forwarding (the F bit) after a restart with -r alone: else its stale routes go at once.
      if (daemon !== "gobgp") assert.deepEqual(monitor.deleted(FOREIGN_PODS), []);
    });
    // A Hard Reset ends it all, on either side.
    await pair.margay.cli("peer", FOREIGN_ADDRESS, "disable", "--message", "for good");
    await until(`${daemon} to forget our pods`, async () => !(await knows(pair)));
    await until("margay to forget its", async () => {
      return (await pair.margay.route(FOREIGN_PODS)) === undefined;
    });
    const { lastDown } = (await pair.margay.peer(FOREIGN_ADDRESS)) ?? {};
    assert.deepEqual([lastDown?.code, lastDown?.subcode], [6, 9]);
    await pair.margay.cli("peer", FOREIGN_ADDRESS, "enable");
    await pair.established({ timeoutSeconds: 30 });
    await learned(pair, FOREIGN_PODS);
    await pair.foreign.disable(MARGAY_ADDRESS, "for good");
    const { direction, code, subcode } = await lost(pair);
    assert.equal(direction, "received");
    if (daemon === "gobgp") {
      // It does not wrap its Cease, and so asks us to keep its routes.
      assert.deepEqual([code, subcode], [6, 2]);
      assert.equal(await isStale(pair, FOREIGN_PODS), true);
    } else {
      assert.deepEqual([code, subcode], [6, 9]);
      assert.equal(await pair.margay.route(FOREIGN_PODS), undefined);
    }
  },
  {
    bird: "BIRD 2.0 does not know it",
    openbgpd: "OpenBGPD does not know it",
    exabgp,
  },
);
