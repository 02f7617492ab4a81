import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { exitOnSignals } from "./exit-on-signal.ts";
import { SLOWNESS } from "./run.ts";
import { Hopeless } from "./until.ts";

const running = new Set<ChildProcess>();
exitOnSignals();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Lets every daemon live on when this process ends. */
export function releaseDaemons(): void {
  for (const child of running) child.unref();
  running.clear();
}

export interface DaemonOptions {
  readonly argv: readonly string[];
  /** Where its stdout and stderr go, appended. */
  readonly logFile: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A process that a test or the lab started and must end. It dies with us even if nobody stops it. */
export class Daemon {
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #exited: Promise<void>;

  constructor(options: DaemonOptions) {
    this.logFile = options.logFile;
    this.#name = options.argv.join(" ");
    const log = openSync(options.logFile, "a");
    this.#child = spawn(options.argv[0] ?? "", options.argv.slice(1), {
      stdio: ["ignore", log, log],
      detached: true, // a Ctrl-C is for us; we end our daemons in our own order
      env: { ...process.env, ...options.environment },
    });
    closeSync(log);
    running.add(this.#child);
    this.#exited = new Promise((resolve) => {
      const ended = (): void => {
        running.delete(this.#child);
        resolve();
      };
      this.#child.once("exit", ended).once("error", ended);
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#name} could not be started`);
    return this.#child.pid;
  }

  get alive(): boolean {
    return running.has(this.#child);
  }

  /** The exit code once it has ended by itself; null while it runs and when a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  /** @throws Hopeless with the end of its log when the process has ended */
  assertAlive(): void {
    if (this.alive) return;
    throw new Hopeless(`${this.#name} has ended; its last words:\n${this.log().slice(-2000)}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To the daemon and every process that it started. */
  signalGroup(signal: NodeJS.Signals): void {
    if (this.alive) process.kill(-this.pid, signal);
  }

  exited(): Promise<void> {
    return this.#exited;
  }

  /** SIGTERM, and SIGKILL for one that has not ended 5 s later. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    this.signalGroup("SIGCONT");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000 * SLOWNESS);
    await this.#exited;
    clearTimeout(timer);
  }

  /** SIGKILL to the daemon and every process that it started. */
  async kill(): Promise<void> {
    if (!this.alive) return;
    this.signalGroup("SIGKILL");
    await this.#exited;
  }
}

/** Stops them at the same time. */
export async function stopAll(daemons: Iterable<Daemon>): Promise<void> {
  await Promise.all([...daemons].map((daemon) => daemon.stop()));
}
