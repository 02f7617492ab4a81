import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Hopeless } from "./until.ts";
import type { Namespace } from "./netns.ts";

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface Reply {
  /** Of the request, from 1. */
  readonly sequence: number;
  /** Milliseconds since the epoch, when it arrived. */
  readonly at: number;
  readonly roundTripMilliseconds: number;
}

/** A ping that goes on until it is stopped, from one namespace to one address. */
export class Pinger {
  readonly destination: string;
  /** The first answer, and that to the last request that has one so far. */
  first: Reply | undefined;
  last: Reply | undefined;
  replies = 0;
  /**
   * Requests that have no answer, though a later one has: lost, unless the answer was overtaken on its way and still comes.
   * Those after the last answer are not among them: they are under way, more of them where the machine is busy.
   */
  readonly overtaken = new Set<number>();
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

  /** Ends it. */
  async stop(): Promise<void> {
    this.#child.kill("SIGINT");
    await this.#closed;
  }

  #read(line: string): void {
    const reply = /^\[(\d+\.\d+)\].*icmp_seq=(\d+) ttl=\d+ time=([\d.]+) ms/.exec(line);
    if (reply !== null) {
      const [, at = 0, bits = 0, roundTripMilliseconds = 0] = reply.map(Number);
      const sequence = this.#sequenceOf(bits);
      this.#answered(sequence);
      const answer = { sequence, at: at * 1000, roundTripMilliseconds };
      this.first ??= answer;
      if (sequence > (this.last?.sequence ?? 0)) this.last = answer;
      this.replies += 1;
      return;
    }
    const said = line.replace(/^\[[\d.]+\] /, "");
    if (this.#trouble.test(said)) this.trouble = said;
  }

  /** The whole number of which ping shows 16 bits: the one next to the last. */
  #sequenceOf(bits: number): number {
    const last = this.last?.sequence ?? 0;
    // Of the difference 16 bits, with their sign.
    return last + (((bits - last) << 16) >> 16);
  }

  #answered(sequence: number): void {
    this.overtaken.delete(sequence);
    const last = this.last?.sequence ?? 0;
    for (let missed = last + 1; missed < sequence; missed++) this.overtaken.add(missed);
  }
}
