import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { TimerQueue } from "../../../src/session/timer-queue.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A queue that notes what expired, and when. */
function queue(): { clock: FakeClock; timers: TimerQueue<string>; expired: string[] } {
  const clock = new FakeClock();
  const expired: string[] = [];
  const timers = new TimerQueue<string>(clock, (name) =>
    expired.push(`${name} at ${clock.nowMs()}`),
  );
  return { clock, timers, expired };
}

describe("a queue of timers", () => {
  test("lets each expire once, in the order in which they are due", () => {
    const { clock, timers, expired } = queue();
    for (const delayMs of [700, 30, 500, 2]) timers.start(`${delayMs}`, `${delayMs}`, delayMs);
    assert.equal(clock.pending, 1);
    clock.advance(5000);
    assert.deepEqual(expired, ["2 at 2", "30 at 30", "500 at 500", "700 at 700"]);
    assert.equal(clock.pending, 0);
  });

  test("has delays of a second and more end at whole tenths of a second, never early", () => {
    const { clock, timers, expired } = queue();
    clock.advance(33);
    timers.start("a", "a", 1001);
    timers.start("b", "b", 1067);
    timers.start("c", "c", 1068);
    timers.start("d", "d", 999);
    clock.advance(2000);
    assert.deepEqual(expired.toSorted(), ["a at 1100", "b at 1100", "c at 1200", "d at 1032"]);
  });

  test("waits for months, in steps that a timer of Node's can be told", () => {
    const { clock, timers, expired } = queue();
    const delays: number[] = [];
    const after = clock.after.bind(clock);
    clock.after = (delayMs, fn) => {
      delays.push(delayMs);
      return after(delayMs, fn);
    };
    const longest = 16_777_215 * 1000;
    timers.start("a", "a", longest);
    clock.advance(longest - 1);
    assert.deepEqual(expired, []);
    clock.advance(1);
    assert.deepEqual(expired, [`a at ${longest}`]);
    assert.equal(delays.length, Math.ceil(longest / (2 ** 31 - 1)));
    assert.equal(Math.max(...delays), 2 ** 31 - 1);
  });

  test("starts a timer anew, and stops it", () => {
    const { clock, timers, expired } = queue();
    timers.start("a", "first", 100);
    clock.advance(90);
    timers.start("a", "second", 100);
    timers.start("b", "b", 50);
    clock.advance(49);
    timers.stop("b");
    timers.stop("nobody");
    clock.advance(1000);
    assert.deepEqual(expired, ["second at 190"]);
  });

  test("takes what is started and stopped when one expires", () => {
    const clock = new FakeClock();
    const expired: string[] = [];
    const timers: TimerQueue<string> = new TimerQueue(clock, (name) => {
      expired.push(`${name} at ${clock.nowMs()}`);
      if (name === "a" && expired.length < 4) timers.start("a", "a", 10);
      timers.stop("doomed");
    });
    timers.start("a", "a", 10);
    timers.start("doomed", "doomed", 10);
    clock.advance(1000);
    assert.deepEqual(expired, ["a at 10", "a at 20", "a at 30", "a at 40"]);
    timers.start("b", "b", 10);
    timers.clear();
    clock.advance(1000);
    assert.deepEqual([expired.length, clock.pending], [4, 0]);
  });

  test("does what a timer of the clock for each would do", () => {
    const step = fc.oneof(
      fc.record({ key: fc.nat(5), delayMs: fc.nat(900) }),
      fc.record({ stop: fc.nat(5) }),
      fc.record({ advanceMs: fc.nat(400) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const { clock, timers, expired } = queue();
        const due = new Map<string, number>();
        for (const action of steps) {
          if ("key" in action) {
            timers.start(`${action.key}`, `${action.key}`, action.delayMs);
            due.set(`${action.key}`, clock.nowMs() + action.delayMs);
          } else if ("stop" in action) {
            timers.stop(`${action.stop}`);
            due.delete(`${action.stop}`);
          } else {
            clock.advance(action.advanceMs);
            const over = [...due].filter(([, atMs]) => atMs <= clock.nowMs());
            for (const [key] of over) due.delete(key);
            const expected = over.map(([key, atMs]) => `${key} at ${atMs}`);
            assert.deepEqual(expired.splice(0).toSorted(), expected.toSorted());
          }
          assert.equal(clock.pending, due.size === 0 ? 0 : 1);
        }
      }),
    );
  });
});
