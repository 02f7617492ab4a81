import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { slowness } from "./network.ts";

const MARK = "203.0.113.0/32";

/** `ip monitor route`: every change of a namespace's routes, by whoever. */
export class RouteMonitor {
  readonly #child: ChildProcess;
  readonly #ip: (words: string) => Promise<string>;
  readonly #lines: string[] = [];
  #onMark: () => void = () => {};

  private constructor(namespace: string, ip: (words: string) => Promise<string>) {
    this.#ip = ip;
    this.#child = spawn("ip", ["-n", namespace, "-4", "monitor", "route"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("no stdout");
    createInterface({ input: stdout }).on("line", (line) => {
      if (line.includes(MARK.slice(0, -3))) this.#onMark();
      else this.#lines.push(line.trim());
    });
  }

  /** Resolves when it hears. */
  static async start(
    namespace: string,
    ip: (words: string) => Promise<string>,
  ): Promise<RouteMonitor> {
    const monitor = new RouteMonitor(namespace, ip);
    let heard = false;
    const first = monitor.#nextMark(10_000 * slowness).then((marked) => {
      heard = true;
      return marked;
    });
    // Until it listens, a change goes unheard: make one again and again.
    while (!heard) await monitor.#mark();
    if (!(await first)) throw new Error("ip monitor hears nothing");
    return monitor;
  }

  /** The lines that it heard about routes for pods; ends it. */
  async end(): Promise<string[]> {
    const heard = this.#nextMark(10_000 * slowness);
    await this.#mark();
    await heard;
    this.kill();
    return this.#lines.filter((line) => line.includes("10.233."));
  }

  kill(): void {
    this.#child.kill();
  }

  async #mark(): Promise<void> {
    await this.#ip(`route add blackhole ${MARK}`);
    await this.#ip(`route del blackhole ${MARK}`);
  }

  #nextMark(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), withinMs);
      this.#onMark = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
