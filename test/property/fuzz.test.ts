/** The short run of test/fuzz: the same messages each time. `npm run test:fuzz` goes on where this ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "../fuzz/fuzz.ts";

test("ten thousand broken messages lead to BgpErrors or values, in bounded time, and leave nothing behind", () => {
  const { inputs, slowestMs } = fuzz(10_000, 1);
  assert.equal(inputs, 10_000);
  // Far above what any takes, on a machine that does other things, too.
  assert.ok(slowestMs < 1000, `${slowestMs} ms`);
});
