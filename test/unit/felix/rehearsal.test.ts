import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { rehearse } from "../../../src/felix/rehearsal/rehearsal.ts";
import { nodeClock } from "../../../src/platform/node-clock.ts";

test("a rehearsal goes on as long as it may, a round at a time, and leaves nothing that would wake up", async () => {
  let rounds = 0;
  await rehearse(nodeClock, () => rounds++ < 2);
  await nextTurn();
  assert.equal(rounds, 3);
  assert.ok(!process.getActiveResourcesInfo().includes("Timeout"));
});
