import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const entry = fileURLToPath(new URL("./margay.ts", import.meta.url));

/** What a run of the program left behind. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `margay ARGS` with an environment that names no daemon and no colours. */
export function startMargay(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  const { PATH = "", HOME = "" } = process.env;
  // The sources are compiled once, not in each of dozens of runs.
  const NODE_COMPILE_CACHE = join(tmpdir(), "margay-test-compile-cache");
  const fixed = { PATH, HOME, NODE_COMPILE_CACHE, NO_COLOR: "1", TZ: "UTC" };
  const env = { ...fixed, ...environment };
  return spawn(process.execPath, [entry, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs `margay ARGS` to its end. */
export async function margay(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const child = startMargay(args, environment);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return {
    code,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  };
}
