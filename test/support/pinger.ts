import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Hopeless } from "./until.ts";
import type { Namespace } from "./netns.ts";

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface Reply {
  readonly sequence: number;
  /** Milliseconds since the epoch, when it arrived. */
  readonly at: number;
  readonly roundTripMilliseconds: number;
}

/** A ping that goes on until it is stopped, from one namespace to one address. */
export class Pinger {
  readonly destination: string;
  /** The first, and the last so far. */
  first: Reply | undefined;
  last: Reply | undefined;
  replies = 0;
  /**
   * What came instead of a reply, last: "Destination Host Unreachable". With pings close together "no answer yet" is none: it
   * says that an answer took longer than the next ping, and what never came counts as lost.
   */
  trouble = "";
  readonly #trouble: RegExp;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;

  constructor(from: Namespace, destination: string, intervalMilliseconds: number) {
    this.destination = destination;
    this.#trouble = intervalMilliseconds < 100 ? /^From/ : /^From|no answer yet/;
    const interval = String(intervalMilliseconds / 1000);
    const argv = from.inside(["ping", "-D", "-n", "-O", "-i", interval, destination]);
    this.#child = spawn(argv[0] ?? "", argv.slice(1), {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, LC_ALL: "C" },
    });
    running.add(this.#child);
    this.#closed = new Promise((resolve) => {
      const ended = (): void => {
        running.delete(this.#child);
        resolve();
      };
      this.#child.once("close", ended).once("error", ended);
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("ping has no output");
    createInterface(stdout).on("line", (line) => this.#read(line));
  }

  /** @throws Hopeless when ping itself has ended */
  assertAlive(): void {
    if (!running.has(this.#child))
      throw new Hopeless(`ping ${this.destination} has ended: ${this.trouble}`);
  }

  /** Ends it; resolves to how many requests were sent and answered, as ping itself counted them. */
  async stop(): Promise<{ readonly sent: number; readonly received: number }> {
    this.#child.kill("SIGINT");
    await this.#closed;
    return this.#summary;
  }

  #summary = { sent: 0, received: 0 };

  #read(line: string): void {
    const reply = /^\[(\d+\.\d+)\].*icmp_seq=(\d+) ttl=\d+ time=([\d.]+) ms/.exec(line);
    if (reply !== null) {
      const [, at, sequence, time] = reply.map(Number);
      this.last = {
        sequence: sequence ?? 0,
        at: (at ?? 0) * 1000,
        roundTripMilliseconds: time ?? 0,
      };
      this.first ??= this.last;
      this.replies += 1;
      return;
    }
    const summary = /^(\d+) packets transmitted, (\d+) received/.exec(line);
    if (summary !== null)
      this.#summary = { sent: Number(summary[1]), received: Number(summary[2]) };
    else {
      const said = line.replace(/^\[[\d.]+\] /, "");
      if (this.#trouble.test(said)) this.trouble = said;
    }
  }
}
