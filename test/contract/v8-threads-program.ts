// Tells how its threads are scheduled, once V8's have been told to give way.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { haveV8ThreadsGiveWay } from "../../src/platform/v8-threads.ts";

haveV8ThreadsGiveWay();
const threads = readdirSync("/proc/self/task").map((id) => {
  const stat = readFileSync(`/proc/self/task/${id}/stat`, "utf8");
  const end = stat.lastIndexOf(")");
  // proc_pid_stat(5): `policy` is the 41st field, the state behind the name the third.
  const policy = Number(stat.slice(end + 2).split(" ")[41 - 3]);
  const name = stat.slice(stat.indexOf("(") + 1, end);
  return { name, policy, nice: getPriority(Number(id)), sliceNs: sliceOf(id) };
});

/** Where this kernel tells. */
function sliceOf(id: string): number | undefined {
  const file = `/proc/self/task/${id}/sched`;
  const [, slice] =
    (existsSync(file) && /^se\.slice +: +(\d+)$/m.exec(readFileSync(file, "utf8"))) || [];
  return slice === undefined ? undefined : Number(slice);
}

process.stdout.write(JSON.stringify(threads));
