import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { EventLoopTurns } from "../../../src/agent/event-loop-turns.ts";
import { nodeClock } from "../../../src/platform/node-clock.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function workFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

describe("turns of the event loop", () => {
  test("count their work, and not the waiting between them", async (t) => {
    const turns = new EventLoopTurns(nodeClock);
    turns.start();
    t.after(() => turns.stop());
    await delay(500);
    workFor(40);
    await nextTurn();
    await nextTurn();
    const { sinceStart } = turns;
    assert.ok(sinceStart.maximumMs >= 40, `${sinceStart.maximumMs} ms`);
    assert.ok(sinceStart.sumMs < 400, `${sinceStart.sumMs} ms of work, or of waiting?`);
    assert.equal(sinceStart.countUpTo(10_000), sinceStart.count);
  });

  test("neither keep the process alive nor go on after the end", async () => {
    const turns = new EventLoopTurns(nodeClock);
    turns.start();
    const { count } = turns.sinceStart;
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    assert.ok(turns.sinceStart.count >= count + 2);
    turns.stop();
    const last = turns.sinceStart.count;
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    assert.equal(turns.sinceStart.count, last);
    assert.ok(!process.getActiveResourcesInfo().includes("Immediate"));
  });

  test("are forgotten by the last minute after a minute, and never by the whole", () => {
    const clock = new FakeClock();
    const turns = new EventLoopTurns(clock);
    turns.record(40);
    clock.advance(29_000);
    turns.record(2);
    assert.equal(turns.lastMinute().maximumMs, 40);
    clock.advance(30_000);
    turns.record(3);
    assert.deepEqual([turns.lastMinute().count, turns.lastMinute().maximumMs], [3, 40]);
    clock.advance(30_000);
    assert.deepEqual([turns.lastMinute().count, turns.lastMinute().maximumMs], [1, 3]);
    clock.advance(600_000);
    assert.equal(turns.lastMinute().count, 0);
    assert.deepEqual([turns.sinceStart.count, turns.sinceStart.maximumMs], [3, 40]);
  });
});
