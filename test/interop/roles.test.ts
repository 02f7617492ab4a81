/** Roles, and what ONLY_TO_CUSTOMER makes of routes (RFC 9234). */
import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";
import {
  FOREIGN_ROUTE,
  MARGAY_AS,
  MARGAY_ROUTE,
  type Options,
  SpeakerLab,
  THIRD,
  THIRD_AS,
} from "./support/speaker-lab.ts";

const without = {
  gobgp: "GoBGP 3.10 knows no roles",
  exabgp: "ExaBGP 4.2 knows no roles",
};

scenarios(
  "Roles (RFC 9234): routes of a provider reach customers alone",
  async (kind) => {
    await using lab = await SpeakerLab.build("role", kind);
    const fileWith = (toForeign: string, toThird: string): Options => {
      const range = { prefix: `${THIRD[4]}/32`, asns: [THIRD_AS], policy: "accept-all" };
      return lab.withPeer(
        { role: toForeign, passive: true },
        { ranges: [{ ...range, role: toThird }] },
      );
    };
    const peer = { address: lab.margayAddress, asn: MARGAY_AS, policy: "accept-all" };
    const thirdFile = (role: string) => ({ asn: THIRD_AS, peers: [{ ...peer, role }] });
    const reload = (toForeign: string, toThird: string): void => {
      lab.margay.configureSpeaker(fileWith(toForeign, toThird));
      lab.margay.daemon.signal("SIGHUP");
    };

    await lab.startForeign({ role: "provider" });
    await lab.startMargay(fileWith("customer", "customer"));
    const third = await lab.startThird(thirdFile("provider"));
    await lab.routesCross();
    const { localRole, peerRole } = (await lab.peer())?.negotiated ?? {};
    assert.deepEqual([localRole, peerRole], ["customer", "provider"]);
    const { stdout } = await lab.margay.cli("peer", lab.foreignAddress);
    assert.match(stdout, /roles: we are customer, the peer is provider/);
    // Between two providers it would be a leak.
    await until("the other provider to have our own route", () => third.route(MARGAY_ROUTE[4]));
    assert.equal(await third.route(FOREIGN_ROUTE[4]), undefined);

    third.configureSpeaker(lab.thirdFile(thirdFile("customer")));
    third.daemon.signal("SIGHUP");
    reload("customer", "provider");
    await until("a customer to have the provider's route", () => third.route(FOREIGN_ROUTE[4]));
    await lab.foreign.stop();
    reload("provider", "provider");
    await lab.startForeign({ role: "customer" });
    await lab.routesCross();
    const ours = (await lab.foreign.routes()).find(({ prefix }) => prefix === MARGAY_ROUTE[4]);
    assert.equal(ours?.onlyToCustomer, MARGAY_AS);
  },
  without,
);

scenarios(
  "Roles (RFC 9234): two that do not go together have no session, Role Mismatch (2/11)",
  async (kind) => {
    await using lab = await SpeakerLab.build("role", kind);
    await lab.startForeign({ role: "provider" });
    await lab.startMargay(lab.withPeer({ role: "peer", passive: true }));
    const down = await until("the session to be refused", async () => {
      const { lastDown } = (await lab.peer()) ?? {};
      return lastDown?.code === 2 && lastDown;
    });
    assert.equal(down.subcode, 11);
    assert.match(down.notification, /Role Mismatch/);
  },
  without,
);

scenarios("Strict role (RFC 9234 §4.2): a peer that names none is refused", async (kind) => {
  await using lab = await SpeakerLab.build("role", kind);
  await lab.startForeign();
  const withRole = (more: Options) => lab.withPeer({ role: "provider", passive: true, ...more });
  await lab.startMargay(withRole({ strictRole: true }));
  await lab.failure(/names no role, and we are provider/);
  const { lastDown } = (await lab.peer()) ?? {};
  assert.deepEqual([lastDown?.direction, lastDown?.code, lastDown?.subcode], ["sent", 2, 11]);
  lab.margay.configureSpeaker(withRole({}));
  lab.margay.daemon.signal("SIGHUP");
  // OpenBGPD would wait for half a minute after an error.
  if (kind === "openbgpd") {
    await lab.foreign.disable(lab.margayAddress, "for now");
    await lab.foreign.enable(lab.margayAddress);
  }
  await lab.routesCross();
  const { localRole, peerRole } = (await lab.peer())?.negotiated ?? {};
  assert.deepEqual([localRole, peerRole], ["provider", ""]);
});
