import assert from "node:assert/strict";
import { test } from "node:test";
import { sayWhetherRestarted } from "../../../src/agent/own-restart.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function said(remembered: number, restartSeconds: number): (seconds: number) => string[] {
  const clock = new FakeClock();
  const calls: string[] = [];
  const speaker = {
    setRestarting: (restarted: boolean, forwarding: unknown) => {
      calls.push(`${restarted} ${String(forwarding)}`);
    },
  };
  sayWhetherRestarted(speaker, { remembered, restartSeconds }, clock);
  return (seconds) => {
    clock.advance(seconds * 1000);
    return calls;
  };
}

test("a reflector that remembers clients says that it has restarted, for as long as they keep its routes", () => {
  const after = said(3, 120);
  assert.deepEqual(after(119), ["true true"]);
  assert.deepEqual(after(1), ["true true", "false true"]);
});

test("one that remembers nobody, or whose routes nobody keeps, does not", () => {
  assert.deepEqual(said(0, 120)(200), ["false true"]);
  assert.deepEqual(said(3, 0)(200), ["false true"]);
});
