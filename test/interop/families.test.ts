import assert from "node:assert/strict";
import { describe } from "node:test";
import type { DaemonKind } from "../support/foreign/index.ts";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";
import { FOREIGN_ROUTE, MARGAY_ROUTE, SpeakerLab } from "./support/speaker-lab.ts";

const VERSIONS = [4, 6] as const;

/** A session over one IP version that carries the routes of both, in both directions, each with a next hop of its own version. */
async function bothFamilies(kind: DaemonKind, version: 4 | 6): Promise<void> {
  await using lab = await SpeakerLab.build("fam", kind, { version });
  const { addresses } = lab;
  // Of the IP version that the session is not of, the speaker has no address but its device's.
  await lab.startMargay(lab.withPeer({}, { listen: { address: lab.margayAddress } }));
  await lab.startForeign({ families: VERSIONS });
  for (const each of VERSIONS) {
    await lab.routesCross(each);
    const [path] = (await lab.margay.route(FOREIGN_ROUTE[each]))?.candidates ?? [];
    assert.equal(path?.nextHop, addresses.foreign[each]);
    const theirs = await lab.foreign.routes();
    const told = theirs.find(({ prefix }) => prefix === MARGAY_ROUTE[each]);
    assert.equal(told?.nextHop, addresses.margay[each]);
  }
  const peer = await lab.peer();
  assert.deepEqual(peer?.negotiated?.families, ["ipv4-unicast", "ipv6-unicast"]);
  const own = peer.families.map(({ nextHopSelf }) => nextHopSelf);
  assert.deepEqual(own, [addresses.margay[4], addresses.margay[6]]);
}

describe("both families on one session", () => {
  scenarios("IPv4 and IPv6 routes over an IPv4 session (RFC 4760, RFC 2545)", (kind) =>
    bothFamilies(kind, 4),
  );
  scenarios("IPv4 and IPv6 routes over an IPv6 session (RFC 4760, RFC 2545)", (kind) =>
    bothFamilies(kind, 6),
  );

  scenarios(
    "IPv4 and IPv6 routes over an IPv4 session (RFC 4760, RFC 2545): next hops of one's own, changed under the session",
    async (kind) => {
      await using lab = await SpeakerLab.build("fam", kind);
      const [first, second] = ["2001:db8:1::11", "2001:db8:1::12"] as const;
      await lab.margay.namespace.ip(
        `address add ${first}/64 dev eth0 nodad`,
        `address add ${second}/64 dev eth0 nodad`,
      );
      const file = (nextHopIpv6: string) => lab.withPeer({ nextHopIpv6 });
      const isTold = (nextHop: string) =>
        until(`${kind} to be told ${nextHop}`, async () => {
          const routes = await lab.foreign.routes();
          return routes.find(({ prefix }) => prefix === MARGAY_ROUTE[6])?.nextHop === nextHop;
        });
      await lab.startMargay(file(first));
      await lab.startForeign({ families: VERSIONS });
      await isTold(first);
      lab.margay.configureSpeaker(file(second));
      lab.margay.daemon.signal("SIGHUP");
      await isTold(second);
      assert.equal((await lab.peer())?.flaps, 0);
    },
  );

  scenarios(
    "IPv4 and IPv6 routes over an IPv4 session (RFC 4760, RFC 2545): a family that one side has not",
    async (kind) => {
      await using lab = await SpeakerLab.build("fam", kind);
      await lab.startMargay(lab.withPeer({ families: ["ipv4-unicast"] }));
      await lab.startForeign({ families: VERSIONS });
      await lab.routesCross(4);
      assert.deepEqual((await lab.peer())?.negotiated?.families, ["ipv4-unicast"]);
      assert.equal(await lab.margay.route(FOREIGN_ROUTE[6]), undefined);
      assert.ok(!(await lab.foreign.routes()).some(({ prefix }) => prefix === MARGAY_ROUTE[6]));
    },
  );
});
