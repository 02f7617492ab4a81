import { spawn } from "node:child_process";

/** TCG emulates the processor: everything is about ten times slower there, and every deadline gets that much more room. */
export const SLOWNESS = process.env["MARGAY_IN_QEMU"] === undefined ? 1 : 10;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, whatever its exit code; rejects only if it cannot be started or takes longer than 30 s (× SLOWNESS). */
export function attempt(argv: readonly string[], input = ""): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0] ?? "", argv.slice(1), {
      stdio: "pipe",
      timeout: 120_000 * SLOWNESS,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => {}); // a command that does not read its input may close it first
    child.stdin.end(input);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (signal !== null) reject(new Error(`${argv.join(" ")}: killed by ${signal}`));
      else resolve({ code: code ?? 1, stdout, stderr });
    });
  });
}

/** Runs a command that must succeed; resolves to its stdout and rejects with its stderr. */
export async function run(argv: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await attempt(argv, input);
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit code ${code}\n${stderr || stdout}`);
  return stdout;
}
