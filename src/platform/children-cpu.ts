import { readFileSync } from "node:fs";

/** The kernel counts in such ticks for programs (USER_HZ), whatever it counts in for itself. */
const TICK_MS = 10;
/** Where `cutime` and `cstime` of proc_pid_stat(5) are among the fields after the program's name. */
const CHILDREN_FIELDS = [13, 14];

/** CPU time that programs took which this process has run, and which have ended. Node itself tells only of its own. */
export function childrenCpuMs(): number {
  const stat = readFileSync("/proc/self/stat", "latin1");
  // The name is in brackets, and may have any in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return CHILDREN_FIELDS.reduce((sum, index) => sum + TICK_MS * Number(fields[index]), 0);
}
