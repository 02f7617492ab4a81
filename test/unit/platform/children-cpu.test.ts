import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { childrenCpuMs } from "../../../src/platform/children-cpu.ts";

test("CPU time of children counts once they have ended, and waiting counts for nothing", () => {
  const from = childrenCpuMs();
  execFileSync("sleep", ["0.3"]);
  const slept = childrenCpuMs();
  assert.ok(slept - from < 200, `${slept - from} ms of sleep`);
  execFileSync("sh", ["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done"]);
  const worked = childrenCpuMs();
  assert.ok(worked - slept >= 10, `${worked - slept} ms of work`);
});
