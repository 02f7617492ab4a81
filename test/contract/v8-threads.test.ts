import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./v8-threads-program.ts", import.meta.url));
const SCHED_OTHER = 0;
const SCHED_BATCH = 3;

test("V8's threads, and no others, wait for a processor that is free", () => {
  const said = execFileSync(process.execPath, [PROGRAM], { encoding: "utf8" });
  const threads = JSON.parse(said) as readonly { name: string; policy: number }[];
  assert.ok(threads.some(({ name }) => name === "V8Worker"));
  for (const { name, policy } of threads) {
    assert.equal(policy, name === "V8Worker" ? SCHED_BATCH : SCHED_OTHER, name);
  }
});
