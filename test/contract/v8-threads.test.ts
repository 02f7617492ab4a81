import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { release } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./v8-threads-program.ts", import.meta.url));
const NICE = 3;
const SCHED_OTHER = 0;
const SCHED_BATCH = 3;
const LONGEST_SLICE_NS = 100_000_000;

interface Thread {
  readonly name: string;
  readonly policy: number;
  readonly nice: number;
  readonly sliceNs?: number;
}

test("V8's threads, and no others, give way, and keep their share of a processor", () => {
  const argv = ["-n", String(NICE), process.execPath, PROGRAM];
  const threads = JSON.parse(execFileSync("nice", argv, { encoding: "utf8" })) as readonly Thread[];
  assert.ok(threads.some(({ name }) => name === "V8Worker"));
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const hasSlices = major > 6 || (major === 6 && minor >= 12);
  for (const { name, policy, nice, sliceNs } of threads) {
    const isV8 = name === "V8Worker";
    assert.equal(policy, isV8 ? SCHED_BATCH : SCHED_OTHER, name);
    assert.equal(nice, NICE, name);
    if (hasSlices && sliceNs !== undefined) assert.equal(sliceNs === LONGEST_SLICE_NS, isV8, name);
  }
});
