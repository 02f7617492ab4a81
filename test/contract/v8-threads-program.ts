// Tells its threads' names and scheduling policies, once it has had the main thread go on.
import { readdirSync, readFileSync } from "node:fs";
import { letMainThreadGoOn } from "../../src/platform/v8-threads.ts";

letMainThreadGoOn();
const threads = readdirSync("/proc/self/task").map((id) => {
  const stat = readFileSync(`/proc/self/task/${id}/stat`, "utf8");
  const end = stat.lastIndexOf(")");
  // proc_pid_stat(5): `policy` is the 41st field, the state behind the name the third.
  const policy = Number(stat.slice(end + 2).split(" ")[41 - 3]);
  return { name: stat.slice(stat.indexOf("(") + 1, end), policy };
});
process.stdout.write(JSON.stringify(threads));
