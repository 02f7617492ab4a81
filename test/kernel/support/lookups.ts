import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const RUNNER = fileURLToPath(new URL("../lookup-runner.ts", import.meta.url));

/** Somebody who never stops asking the kernel of a namespace where packets to some addresses go. */
export class Lookups {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(namespace: string, addresses: readonly string[]) {
    this.#child = spawn(
      "ip",
      ["netns", "exec", namespace, process.execPath, RUNNER, ...addresses],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const { stdout } = this.#child;
    assert.ok(stdout);
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when it has begun. */
  static async start(namespace: string, ...addresses: string[]): Promise<Lookups> {
    const lookups = new Lookups(namespace, addresses);
    assert.equal((await lookups.#lines.next()).value, "ready");
    return lookups;
  }

  /** Ends it without a word. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Ends it: how many look-ups there were, and which failed. */
  async end(): Promise<{ readonly lookups: number; readonly failures: readonly string[] }> {
    this.#child.stdin?.end();
    const { value } = await this.#lines.next();
    return JSON.parse(String(value)) as { lookups: number; failures: string[] };
  }
}
