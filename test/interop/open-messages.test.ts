/** What OPENs may carry, as others read it. */
import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";
import { MARGAY_ROUTE, SpeakerLab } from "./support/speaker-lab.ts";
import { watchSession } from "./support/unbroken.ts";

function communities(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `65000:${index + 1}`);
}

/** Of 4 octets each; the rest of the UPDATE takes 51, ORIGIN, AS_PATH, NEXT_HOP and the /24 among it. */
const asManyAsFit = communities(1011);
const oneTooMany = communities(1012);

scenarios("UPDATEs of 4,096 octets (RFC 4271 §4): what fits is told, and no more", async (kind) => {
  await using lab = await SpeakerLab.build("xu", kind);
  await lab.startForeign();
  const reload = (exportCommunities: readonly string[]) => {
    lab.margay.configureSpeaker(fileWith(exportCommunities));
    lab.margay.daemon.signal("SIGHUP");
  };
  const fileWith = (exportCommunities: readonly string[]) =>
    lab.withPeer({ passive: true, extendedMessages: false, exportCommunities });
  const told = async () =>
    (await lab.foreign.routes()).find(({ prefix }) => prefix === MARGAY_ROUTE[4]);
  await lab.startMargay(fileWith(asManyAsFit));
  await lab.routesCross();
  const unbroken = await watchSession(lab.margay, lab.foreignAddress);
  if (kind !== "frr") assert.deepEqual((await told())?.communities, asManyAsFit);
  reload(oneTooMany);
  await until(`${kind} to miss the route`, async () => (await told()) === undefined);
  reload([]);
  await until(`${kind} to have it again`, told);
  await unbroken();
});

scenarios(
  "Extended messages (RFC 8654)",
  async (kind) => {
    await using lab = await SpeakerLab.build("xm", kind);
    await lab.startForeign({ extendedMessages: true });
    await lab.startMargay(lab.withPeer({ passive: true, exportCommunities: oneTooMany }));
    await lab.routesCross();
    assert.equal((await lab.peer())?.negotiated?.extendedMessages, true);
    const ours = (await lab.foreign.routes()).find(({ prefix }) => prefix === MARGAY_ROUTE[4]);
    // FRR's own listing ends after some eight hundred.
    const shown = kind === "frr" ? (ours?.communities?.length ?? 0) : oneTooMany.length;
    assert.ok(shown > 800);
    assert.deepEqual(ours?.communities, oneTooMany.slice(0, shown));
    assert.equal((await lab.peer())?.flaps, 0);
  },
  {
    gobgp: "GoBGP 3.10 has no extended messages",
    openbgpd: "OpenBGPD 7.7 has no extended messages",
  },
);

/** With those 51 octets 65,531; one more would leave no room for a /32. */
const asManyAsFitExtended = communities(16_370);

scenarios(
  "Extended messages (RFC 8654): an UPDATE of 65,531 octets",
  async (kind) => {
    await using lab = await SpeakerLab.build("xl", kind);
    await lab.startForeign({ extendedMessages: true });
    const exportCommunities = asManyAsFitExtended;
    await lab.startMargay(lab.withPeer({ passive: true, exportCommunities }));
    await lab.routesCross();
    const ours = (await lab.foreign.routes()).find(({ prefix }) => prefix === MARGAY_ROUTE[4]);
    const shown = kind === "frr" ? (ours?.communities?.length ?? 0) : exportCommunities.length;
    assert.ok(shown > 800);
    assert.deepEqual(ours?.communities, exportCommunities.slice(0, shown));
    assert.equal((await lab.peer())?.flaps, 0);
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
