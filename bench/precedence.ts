import { writeFileSync } from "node:fs";

/** What is measured goes before everything else on the machine, daemon and tester alike. */
const niceness = -10;

/** argv that runs `argv` with precedence, in a process of the same pid. */
export function withPrecedence(argv: readonly string[]): readonly string[] {
  return ["nice", "-n", String(niceness), ...argv];
}

/**
 * Gives precedence to the session that a process leads. With `sched_autogroup`, which Linux has on unless told otherwise,
 * sessions share the processors, and a niceness counts only inside of one.
 */
export function preferSession(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
  } catch {
    // A kernel without it weighs processes.
  }
}
