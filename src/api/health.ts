import type { Status } from "../gen/margay/v1/status_pb.ts";

/** What is wrong with a daemon, one sentence each; none: it is healthy. */
export function healthProblems(status: Status): string[] {
  const problems: string[] = [];
  const down = status.peerStates.filter((entry) => entry.state !== "Established");
  const downCount = down.reduce((sum, entry) => sum + entry.count, 0);
  if (downCount > 0) {
    const states = down.map((entry) => `${entry.count} ${entry.state}`).join(", ");
    problems.push(
      `${downCount} ${downCount === 1 ? "peer is" : "peers are"} not Established (${states})`,
    );
  }
  const { fib, config } = status;
  if (fib !== undefined && fib.conflicts > 0) {
    problems.push(
      `${countOf(fib.conflicts, "prefix", "prefixes")} held by routes of other protocols`,
    );
  }
  if (fib !== undefined && fib.errors > 0) {
    problems.push(`${countOf(fib.errors, "route", "routes")} refused by the kernel`);
  }
  if (config !== undefined && !config.lastReloadOk) {
    problems.push(`${config.file} was refused at the last reload`);
  }
  const grave = status.warnings.filter(({ advisory }) => !advisory);
  return [...problems, ...grave.map((warning) => warning.text)];
}

function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
