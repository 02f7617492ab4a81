import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearse } from "../../../src/bgp/rehearsal.ts";

test("a rehearsal goes on as long as it may, and a round at a time", () => {
  let rounds = 0;
  rehearse(() => rounds++ < 3);
  assert.equal(rounds, 4);
});
