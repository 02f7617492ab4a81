import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import {
  FOREIGN_ADDRESS,
  FOREIGN_PODS,
  MARGAY_ADDRESS,
  MARGAY_PODS,
  Pair,
} from "./support/pair.ts";
import { scenarios } from "./support/scenario.ts";

async function order(pair: Pair, ...words: readonly string[]): Promise<void> {
  const { code, stderr } = await pair.margay.cli("peer", FOREIGN_ADDRESS, ...words);
  assert.equal(code, 0, stderr);
}

/** OpenBGPD would wait for half a minute after an error. */
async function comesBack(pair: Pair): Promise<void> {
  if (pair.foreign.kind === "openbgpd") await pair.foreign.enable(MARGAY_ADDRESS);
  await pair.exchanged();
}

/** By what it shows of the session; or by its log, where a refusal has come since. */
async function isTold(pair: Pair, message: string): Promise<void> {
  await until(
    `${pair.foreign.kind} to be told why`,
    async () =>
      pair.foreign.log().includes(message) ||
      (await pair.foreign.lastDown(MARGAY_ADDRESS)).includes(message),
  );
}

scenarios(
  "Administrative Shutdown and Reset with a message, sent (RFC 4486, 9003)",
  async (kind) => {
    // While it is turned away the peer shall not forget, over the refusals, what it was told first.
    const session = { connectRetrySeconds: 30 };
    // Time to read why it ended, before the next connection comes, on a machine however busy.
    const timers = { idleHoldSeconds: 2 };
    await using pair = await Pair.build("shut", kind, { session, timers });
    await pair.start();
    await pair.exchanged();
    await order(pair, "disable", "--message", "back at noon");
    await isTold(pair, "back at noon");
    await until(
      `${kind} to drop margay's routes`,
      async () => (await pair.foreignPaths(MARGAY_PODS)).length === 0,
    );
    assert.equal(await pair.margay.route(FOREIGN_PODS), undefined);
    const disabled = await pair.margay.peer(FOREIGN_ADDRESS);
    assert.equal(disabled?.state, "Idle");
    assert.equal(disabled?.held, 'disabled by the operator: "back at noon"');
    await order(pair, "enable");
    await comesBack(pair);
    await order(pair, "reset", "--message", "second breakfast");
    await isTold(pair, "second breakfast");
    await comesBack(pair);
  },
  { exabgp: "ExaBGP 4.2 fails to decode a NOTIFICATION in Established" },
);

scenarios(
  "Administrative Shutdown with a message, received (RFC 9003)",
  async (kind) => {
    await using pair = await Pair.build("shot", kind);
    await pair.start();
    await pair.exchanged();
    const { flaps = 0 } = (await pair.margay.peer(FOREIGN_ADDRESS)) ?? {};
    await pair.foreign.disable(MARGAY_ADDRESS, "gone fishing");
    const down = await until("margay to be told why", async () => {
      const peer = await pair.margay.peer(FOREIGN_ADDRESS);
      return peer?.state !== "Established" && peer?.flaps === flaps + 1 && peer.lastDown;
    });
    if (down.subcode === 2) assert.match(down.notification, /Shutdown: "gone fishing"/);
    assert.match(pair.margay.log(), /gone fishing/);
    await until("margay to drop the routes", async () => !(await pair.margay.route(FOREIGN_PODS)));
    await pair.foreign.enable(MARGAY_ADDRESS);
    await pair.exchanged();
  },
  { exabgp: "ExaBGP sends no text with its Cease" },
);
