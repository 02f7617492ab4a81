import assert from "node:assert/strict";
import { describe } from "node:test";
import type { DaemonKind } from "../support/foreign/index.ts";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";
import { FOREIGN_AS, FOREIGN_ROUTE, MARGAY_ROUTE, SpeakerLab } from "./support/speaker-lab.ts";

const feature = "IPv4 routes with IPv6 next hops (RFC 8950)";
const route = { ours: MARGAY_ROUTE[4], theirs: FOREIGN_ROUTE[4] };
const except = { openbgpd: "OpenBGPD 7 has no extended next hop encoding" };

/** The foreign side offers RFC 8950 and announces its IPv4 route with its IPv6 address. */
function startForeign(lab: SpeakerLab): Promise<void> {
  const own = lab.addresses.foreign[6];
  return lab.startForeign(
    { families: [4, 6], extendedNextHop: true },
    { nextHops: { 4: own, 6: own } },
  );
}

async function isTold(lab: SpeakerLab, kind: DaemonKind): Promise<string> {
  const told = await until(`${kind} to be told ${route.ours}`, async () =>
    (await lab.foreign.routes()).find(({ prefix }) => prefix === route.ours),
  );
  return told.nextHop;
}

describe("RFC 8950", () => {
  scenarios(
    feature,
    async (kind) => {
      await using lab = await SpeakerLab.build("v4v6", kind, { version: 6 });
      const { margay, foreign } = lab.addresses;
      await lab.startMargay(lab.withPeer({ extendedNextHop: true }));
      await startForeign(lab);
      await lab.routesCross(4);
      const [path] = (await lab.margay.route(route.theirs))?.candidates ?? [];
      assert.equal(path?.nextHop, foreign[6]);
      assert.equal(await isTold(lab, kind), margay[6]);
      const peer = await lab.peer();
      assert.equal(peer?.negotiated?.extendedNextHop, true);
      for (const offered of [peer.localCapabilities, peer.remoteCapabilities]) {
        const capability = offered.find(({ code }) => code === 5);
        assert.match(capability?.text ?? "", /ipv4-unicast over IPv6/);
      }
      await lab.foreign.withdraw(route.theirs);
      await until("the route to go", async () => {
        return (await lab.margay.route(route.theirs)) === undefined;
      });
      assert.equal((await lab.peer())?.state, "Established");
    },
    except,
  );

  scenarios(
    `${feature}: a node programs them`,
    async (kind) => {
      await using lab = await SpeakerLab.build("v4v6", kind, { version: 6 });
      const { margay, foreign } = lab.addresses;
      lab.margay.configure(
        {
          node: { name: "node" },
          listen: { address: Object.values(margay) },
          timers: { connectRetrySeconds: 1, idleHoldSeconds: 0.2 },
          peers: [{ address: foreign[6], asn: FOREIGN_AS, extendedNextHop: true }],
        },
        {
          asn: 65_000,
          podPools: ["10.233.0.0/16"],
          members: [{ name: "node", address: margay[4], podCidrs: [route.ours] }],
        },
      );
      await lab.margay.startNode();
      await startForeign(lab);
      const { namespace } = lab.margay;
      await until("the kernel to have the route", async () => {
        const shown = await namespace.run(["ip", "-4", "route", "show", route.theirs]);
        return shown.includes(`via inet6 ${foreign[6]} dev eth0 proto`);
      });
      assert.equal(await isTold(lab, kind), margay[6]);
      const { stdout } = await lab.margay.cli("explain", "10.233.2.7");
      assert.match(stdout, /the kernel uses 10\.233\.2\.0\/24 via inet6 2001:db8:1::2 dev eth0/);
    },
    except,
  );
});
