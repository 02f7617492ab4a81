/** What OPENs may carry, as others read it. */
import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";
import { MARGAY_ROUTE, SpeakerLab } from "./support/speaker-lab.ts";
import { watchSession } from "./support/unbroken.ts";

/** 4,400 octets. */
const manyCommunities = Array.from({ length: 1100 }, (_, index) => `65000:${index + 1}`);

scenarios(
  "Extended messages (RFC 8654)",
  async (kind) => {
    await using lab = await SpeakerLab.build("xm", kind);
    await lab.startForeign({ extendedMessages: true });
    const file = (more: object) => lab.withPeer({ passive: true, ...more });
    await lab.startMargay(file({ exportCommunities: manyCommunities }));
    await lab.routesCross();
    const unbroken = await watchSession(lab.margay, lab.foreignAddress);
    assert.equal((await lab.peer())?.negotiated?.extendedMessages, true);
    const ours = (await lab.foreign.routes()).find(({ prefix }) => prefix === MARGAY_ROUTE[4]);
    assert.equal(ours?.communities?.length, manyCommunities.length);
    await unbroken();
    // Without them the route does not fit, and is not told.
    lab.margay.configureSpeaker(
      file({ exportCommunities: manyCommunities, extendedMessages: false }),
    );
    lab.margay.daemon.signal("SIGHUP");
    await until("a session without them", async () => {
      const peer = await lab.peer();
      return peer?.state === "Established" && peer.negotiated?.extendedMessages === false;
    });
    await until(`${kind} to miss the route`, async () => {
      return !(await lab.foreign.routes()).some(({ prefix }) => prefix === MARGAY_ROUTE[4]);
    });
  },
  {
    gobgp: "GoBGP 3.10 has no extended messages",
    openbgpd: "OpenBGPD 7.7 has no extended messages",
  },
);

scenarios(
  "Extended optional parameters of OPEN (RFC 9072)",
  async (kind) => {
    await using lab = await SpeakerLab.build("xo", kind);
    await lab.startForeign();
    await lab.startMargay(lab.withPeer({ passive: true, extendedOpenParameters: true }));
    await lab.routesCross();
    const peer = await lab.peer();
    assert.equal(peer?.negotiated?.fourOctetAs, true);
  },
  {
    gobgp: "GoBGP 3.10 reads a length of 255 as one of the old form",
    exabgp: "ExaBGP 4.2 reads a length of 255 as one of the old form",
  },
);

scenarios("AS-wide identifiers (RFC 6286): another AS may have ours", async (kind) => {
  await using lab = await SpeakerLab.build("id", kind);
  await lab.startForeign();
  await lab.startMargay(lab.withPeer({ passive: true }, { routerId: lab.addresses.foreign[4] }));
  await lab.routesCross();
  assert.equal((await lab.peer())?.remoteIdentifier, lab.addresses.foreign[4]);
});
