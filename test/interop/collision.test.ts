import assert from "node:assert/strict";
import type { DaemonKind } from "../support/foreign/index.ts";
import { until } from "../support/until.ts";
import { FOREIGN_ADDRESS, MARGAY_ADDRESS, Pair } from "./support/pair.ts";
import { DAEMONS, notSupported, scenario } from "./support/scenario.ts";

const FEATURE = "Connection collision (RFC 4271 §6.8)";

/**
 * These know one connection per peer, whoever has the higher identifier: GoBGP closes whatever comes while its own dial is under way,
 * OpenBGPD drops its dial for whatever comes.
 */
const knowsOneConnection = new Set<DaemonKind>(["gobgp", "openbgpd"]);

/** RFC 4271 §6.8: of two connections the one that the speaker with the higher BGP Identifier dialled stays. */
const ORDERS = [
  {
    name: "margay has the higher identifier",
    routerId: "9.9.9.9",
    foreignRouterId: "1.1.1.1",
    stays: /:\d+ 192\.0\.2\.2:179$/,
  },
  {
    name: "the peer has the higher identifier",
    routerId: "1.1.1.1",
    foreignRouterId: "9.9.9.9",
    stays: /^192\.0\.2\.1:179 /,
  },
] as const;

/**
 * Two ends may resolve the same collision at different moments: where one has a connection Established already, which §6.8 lets
 * stay, the other may be closing just that one by the identifiers. Both connections die then, and the next attempt stands alone.
 */
for (const kind of DAEMONS) {
  if (kind === "exabgp") {
    notSupported(FEATURE, kind, "ExaBGP either dials or listens");
    continue;
  }
  for (const { name, stays, ...identifiers } of ORDERS) {
    scenario(`${FEATURE}: ${name}`, kind, async () => {
      await using pair = await Pair.build("coll", kind, {
        ...identifiers,
        holdTimeSeconds: 30,
        // Nobody gives a dial up while it is frozen.
        timers: { connectRetrySeconds: 60 },
        session: { connectRetrySeconds: 60 },
      });
      await collide(pair);
      await pair.established();
      const connections = await until("one connection to remain", async () => {
        const now = await pair.connections();
        return now.length === 1 && now;
      });
      const flaps = (await pair.margay.peer(FOREIGN_ADDRESS))?.flaps ?? 0;
      if (flaps === 0 && !knowsOneConnection.has(kind)) assert.match(connections[0] ?? "", stays);
      assert.ok(flaps <= 1, "at most one race of that kind, then the session stays");
    });
  }
}

/**
 * Makes two TCP connections that neither daemon knows of yet: both dial into a cable that leads nowhere, are frozen, and the kernels
 * finish both handshakes when the cable is plugged in again. Thawed, each finds its own dial answered and another connection waiting.
 */
async function collide(pair: Pair): Promise<void> {
  await staticNeighbours(pair);
  await pair.network.setPlugged(pair.foreignNamespace, pair.segment, false);
  await pair.start();
  const dialling = async (namespace: typeof pair.foreignNamespace): Promise<boolean> =>
    (await namespace.run(["ss", "-tnH", "state", "syn-sent"])).includes(":179");
  await until("margay to dial", () => dialling(pair.margay.namespace));
  pair.margay.daemon.signal("SIGSTOP");
  await until(`${pair.foreign.kind} to dial`, () => dialling(pair.foreignNamespace));
  pair.foreign.freeze(true);
  await pair.network.setPlugged(pair.foreignNamespace, pair.segment, true);
  await until("two connections", async () => (await pair.connections()).length === 2, {
    timeoutSeconds: 30,
  });
  pair.foreign.freeze(false);
  pair.margay.daemon.signal("SIGCONT");
}

/** So that SYNs leave although nobody answers ARP. */
async function staticNeighbours(pair: Pair): Promise<void> {
  const ends = [
    [pair.margay.namespace, pair.foreignNamespace, FOREIGN_ADDRESS],
    [pair.foreignNamespace, pair.margay.namespace, MARGAY_ADDRESS],
  ] as const;
  for (const [here, there, address] of ends) {
    const hardware = (await there.run(["cat", "/sys/class/net/eth0/address"])).trim();
    await here.ip(`neighbour replace ${address} lladdr ${hardware} dev eth0 nud permanent`);
  }
}
