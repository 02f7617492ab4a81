import { readdirSync, readFileSync } from "node:fs";

/** What a process and all that descend from it have used. */
export interface ProcessUsage {
  /** User and system time. */
  readonly cpuSeconds: number;
  /** The most physical memory that each had at a time, added up. */
  readonly peakRssOctets: number;
}

/** Linux shows CPU time in hundredths of a second on every architecture that Node.js runs on. */
const ticksPerSecond = 100;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
}

/** Of a process that is gone, undefined. */
function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Its name is in parentheses and may hold anything.
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [user = 0, system = 0] = fields.slice(11, 13);
    return { pid, parent: fields[1] ?? 0, cpuSeconds: (user + system) / ticksPerSecond };
  } catch {
    return undefined;
  }
}

function peakRssOctets(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** What process `root` and its descendants have used so far; nothing if it is gone. */
export function usageOf(root: number): ProcessUsage {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const processes = pids.map((pid) => readProcess(Number(pid))).filter((one) => one !== undefined);
  const family = new Set([root]);
  // Parents may come after their children; each pass finds at least one generation.
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  const members = processes.filter(({ pid }) => family.has(pid));
  return {
    cpuSeconds: members.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    peakRssOctets: members.reduce((sum, { pid }) => sum + peakRssOctets(pid), 0),
  };
}
