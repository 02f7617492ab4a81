import assert from "node:assert/strict";
import { formatHex } from "../../src/wire/hex.ts";
import type { DaemonKind } from "../support/foreign/index.ts";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";
import { FOREIGN_ROUTE, SpeakerLab } from "./support/speaker-lab.ts";
import { watchSession } from "./support/unbroken.ts";

const SECOND = "10.233.22.0/24";
const THIRD = "10.233.33.0/24";
/** These do not show what a NOTIFICATION said. */
const speechless = new Set(["gobgp", "exabgp"]);

scenarios(
  "Maximum number of prefixes: Cease 6/1 (RFC 4486), back when enabled; or the surplus refused",
  async (kind) => {
    await using lab = await SpeakerLab.build("max", kind);
    // FRR tells margay its own route, too.
    const limit = kind === "frr" ? 2 : 1;
    // FRR waits twice as long after each refusal, up to two minutes: it is dialled.
    const isDialled = kind === "frr";
    const fileWith = (action: string) =>
      lab.withPeer({ passive: !isDialled, maximumPrefixes: { limit, action } });
    await lab.startForeign({ connectRetrySeconds: 2, passive: isDialled });
    await lab.startMargay(fileWith("stop"));
    await lab.routesCross();
    await lab.foreign.announce(SECOND);
    const down = await until("the session to end", async () => {
      const peer = await lab.peer();
      return peer?.state === "Idle" && peer.flaps === 1 && peer.lastDown;
    });
    assert.deepEqual([down.direction, down.code, down.subcode], ["sent", 6, 1]);
    assert.match(
      (await lab.peer())?.held ?? "",
      new RegExp(`more than ${limit} prefixes .* until enabled`),
    );
    if (!speechless.has(kind)) {
      await until(`${kind} to be told why`, async () =>
        /prefix/i.test(await lab.foreign.lastDown(lab.margayAddress)),
      );
    }
    assert.equal(await lab.margay.route(FOREIGN_ROUTE[4]), undefined);
    await lab.foreign.withdraw(SECOND);
    await lab.margay.cli("peer", lab.foreignAddress, "enable");
    // OpenBGPD would wait for half a minute after an error.
    if (kind === "openbgpd") await lab.foreign.enable(lab.margayAddress);
    await lab.routesCross();

    lab.margay.configureSpeaker(fileWith("discard"));
    lab.margay.daemon.signal("SIGHUP");
    const unbroken = await watchSession(lab.margay, lab.foreignAddress);
    await until("the reload", () => lab.margay.log().includes("configuration changed"));
    await lab.foreign.announce(SECOND);
    await until("margay to refuse the second", async () => {
      const [counts] = (await lab.peer())?.families ?? [];
      return counts?.discarded === 1;
    });
    assert.equal(await lab.margay.route(SECOND), undefined);
    assert.ok(await lab.margay.route(FOREIGN_ROUTE[4]));
    await unbroken();
  },
);

/** The data of the NOTIFICATION, AFI, SAFI and the limit, as its log shows them; the others show nothing of them. */
const dataShown: Readonly<Partial<Record<DaemonKind, (octets: readonly number[]) => string>>> = {
  bird: (octets) => formatHex(Uint8Array.from(octets)),
  gobgp: (octets) => `Data="[${octets.join(" ")}]"`,
};

scenarios(
  "Maximum number of prefixes: warned of, 6/1 with family and limit, back after the time set",
  async (kind) => {
    await using lab = await SpeakerLab.build("maxr", kind);
    // FRR tells margay its own route, too.
    const limit = kind === "frr" ? 3 : 2;
    const isDialled = kind === "frr";
    const maximumPrefixes = { limit, warningPercent: 100, action: "stop", restartSeconds: 3 };
    await lab.startForeign({ connectRetrySeconds: 2, passive: isDialled });
    await lab.startMargay(lab.withPeer({ passive: !isDialled, maximumPrefixes }));
    await lab.routesCross();
    const isWarned = () => lab.margay.log().includes("comes near its limit on prefixes");
    assert.equal(isWarned(), false);
    await lab.foreign.announce(SECOND);
    await until("margay to warn", isWarned);
    assert.equal((await lab.peer())?.state, "Established");
    await lab.foreign.announce(THIRD);
    const held = await until("the session to end", async () => {
      const peer = await lab.peer();
      return peer?.flaps === 1 && peer.held;
    });
    assert.match(held, /no session until 3 s have passed/);
    await lab.foreign.withdraw(THIRD);
    const shown = dataShown[kind]?.([0, 1, 1, 0, 0, 0, limit]);
    if (shown !== undefined) {
      await until(`${kind} to log ${shown}`, () => lab.foreign.log().includes(shown));
    }
    await until("the time to pass", async () => (await lab.peer())?.held === "");
    // OpenBGPD would wait for half a minute after an error.
    if (kind === "openbgpd") await lab.foreign.enable(lab.margayAddress);
    await lab.routesCross();
  },
);
