import assert from "node:assert/strict";
import { describe } from "node:test";
import type { DaemonKind } from "../support/foreign/index.ts";
import type { Namespace } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";
import {
  FOREIGN_AS,
  FOREIGN_ROUTE,
  MARGAY_AS,
  MARGAY_ROUTE,
  SpeakerLab,
} from "./support/speaker-lab.ts";

const OURS = "fe80::1";
const THEIRS = "fe80::2";
const device = "eth0";
const feature = "Sessions between link-local addresses (RFC 2545)";
const except = { exabgp: "ExaBGP 4 takes no address with a zone" };
const dialling = {
  ...except,
  frr: "FRR 8.4 dials no link-local address: it waits for news of it that it never asks zebra for",
};

/** The one link-local address of a namespace's device is this. */
async function isLinkLocal(namespace: Namespace, address: string): Promise<void> {
  await namespace.ip(
    `link set ${device} addrgenmode none`,
    `address flush dev ${device} scope link`,
    `address add ${address}/64 dev ${device} nodad`,
  );
}

async function buildLab(kind: DaemonKind): Promise<SpeakerLab> {
  const lab = await SpeakerLab.build("ll", kind, { version: 6 });
  await isLinkLocal(lab.margay.namespace, OURS);
  await isLinkLocal(lab.foreignNamespace, THEIRS);
  return lab;
}

function startForeign(lab: SpeakerLab, passive: boolean): Promise<void> {
  const families = [6] as const;
  const peer = { address: OURS, asn: MARGAY_AS, device, families, passive };
  return lab.startForeign({}, { address: THEIRS, peers: [peer] });
}

/** The same, which offers RFC 8950 and has only its link-local address as next hop of IPv4 routes. */
function startUnnumbered(lab: SpeakerLab, passive: boolean): Promise<void> {
  const families = [4, 6] as const;
  const peer = { address: OURS, asn: MARGAY_AS, device, families, passive, extendedNextHop: true };
  return lab.startForeign({}, { address: THEIRS, peers: [peer], nextHops: { 4: THEIRS } });
}

async function isEstablished(lab: SpeakerLab): Promise<void> {
  const { foreign, margay } = lab;
  await until(`margay to see ${foreign.kind} Established`, async () => {
    return (await margay.peer(`${THEIRS}%${device}`))?.state === "Established";
  });
  await until(`${foreign.kind} to see margay Established`, async () => {
    return (await foreign.peerState(OURS)) === "Established";
  });
}

const peer = { address: `${THEIRS}%${device}`, asn: FOREIGN_AS };
const open = { importPrefixes: ["0.0.0.0/0", "::/0"], advertise: "all" };

describe("link-local sessions", () => {
  for (const passive of [false, true]) {
    scenarios(
      `${feature}: margay ${passive ? "accepts" : "dials"}, routes cross`,
      async (kind) => {
        await using lab = await buildLab(kind);
        const listen = { address: "::" };
        await lab.startMargay(lab.withPeer({ ...peer, passive }, { listen }));
        await startForeign(lab, !passive);
        await isEstablished(lab);
        await until("margay to have their route", () => lab.margay.route(FOREIGN_ROUTE[6]));
        const told = await until(`${kind} to have ours`, async () =>
          (await lab.foreign.routes()).find(({ prefix }) => prefix === MARGAY_ROUTE[6]),
        );
        // Some show the global next hop, some the link-local one.
        assert.ok([OURS, lab.addresses.margay[6]].includes(told.nextHop), told.nextHop);
        const { localEndpoint, families = [] } = (await lab.margay.peer(peer.address)) ?? {};
        assert.ok(families.some(({ linkLocalSelf }) => linkLocalSelf === OURS));
        assert.ok(localEndpoint?.startsWith(`[${OURS}%${device}]:`), localEndpoint);
      },
      passive ? dialling : except,
    );
  }

  scenarios(
    `${feature}: from a range`,
    async (kind) => {
      await using lab = await buildLab(kind);
      const range = { prefix: "fe80::/10", asns: [FOREIGN_AS], ...open };
      await lab.startMargay(
        lab.withPeer({}, { peers: [], ranges: [range], listen: { address: "::" } }),
      );
      await startForeign(lab, false);
      await isEstablished(lab);
      await until("margay to have their route", () => lab.margay.route(FOREIGN_ROUTE[6]));
    },
    dialling,
  );

  scenarios(
    `${feature}: a node programs what it learns by the link`,
    async (kind) => {
      await using lab = await buildLab(kind);
      const { margay } = lab.addresses;
      lab.margay.configure(
        {
          node: { name: "node" },
          timers: { connectRetrySeconds: 1, idleHoldSeconds: 0.2 },
          peers: [peer],
        },
        {
          asn: MARGAY_AS,
          podPools: ["fd00:233::/32"],
          members: [
            { name: "node", address: margay[4], address6: margay[6], podCidrs: [MARGAY_ROUTE[6]] },
          ],
        },
      );
      await lab.margay.startNode();
      await startForeign(lab, true);
      await isEstablished(lab);
      const { namespace } = lab.margay;
      const shown = await until("the kernel to have the route", async () => {
        const routes = await namespace.run(["ip", "-6", "route", "show", FOREIGN_ROUTE[6]]);
        return routes.includes("proto") && routes;
      });
      // Some give only their global address.
      assert.match(shown, /via (fe80::2|2001:db8:1::2) dev eth0 proto/);
    },
    except,
  );

  scenarios(
    `${feature}: IPv4 routes by link-local next hops (RFC 8950), programmed by a node`,
    async (kind) => {
      await using lab = await buildLab(kind);
      const { margay } = lab.addresses;
      lab.margay.configure(
        {
          node: { name: "node" },
          timers: { connectRetrySeconds: 1, idleHoldSeconds: 0.2 },
          peers: [{ ...peer, extendedNextHop: true }],
        },
        {
          asn: MARGAY_AS,
          podPools: ["10.233.0.0/16"],
          members: [{ name: "node", address: margay[4], podCidrs: [MARGAY_ROUTE[4]] }],
        },
      );
      await lab.margay.startNode();
      await startUnnumbered(lab, true);
      await isEstablished(lab);
      const { namespace } = lab.margay;
      await until("the kernel to have the route", async () => {
        const shown = await namespace.run(["ip", "-4", "route", "show", FOREIGN_ROUTE[4]]);
        return shown.includes(`via inet6 ${THEIRS} dev ${device} proto`);
      });
      const told = await until(`${kind} to have ours`, async () =>
        (await lab.foreign.routes()).find(({ prefix }) => prefix === MARGAY_ROUTE[4]),
      );
      assert.ok([OURS, margay[6]].includes(told.nextHop), told.nextHop);
    },
    { ...except, openbgpd: "OpenBGPD 7 has no extended next hop encoding" },
  );
});
