import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { slowness } from "./network.ts";

const MARK = "203.0.113.0/32";
const MARK_ID = "4000000000";

/** `ip monitor`: every change of a namespace's routes or next-hop objects, by whoever. */
export class RouteMonitor {
  readonly #child: ChildProcess;
  readonly #ip: (words: string) => Promise<string>;
  readonly #lines: string[] = [];
  readonly #about: string;
  readonly #markWords: string;
  #onMark: () => void = () => {};

  private constructor(
    namespace: string,
    ip: (words: string) => Promise<string>,
    what: "route" | "nexthop",
  ) {
    this.#about = what === "route" ? "10.233." : "id ";
    this.#markWords =
      what === "route" ? `route %s blackhole ${MARK}` : `nexthop %s id ${MARK_ID} blackhole`;
    this.#ip = ip;
    this.#child = spawn("ip", ["-n", namespace, "-4", "monitor", what], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("no stdout");
    createInterface({ input: stdout }).on("line", (line) => {
      if (line.includes(MARK.slice(0, -3)) || line.includes(`id ${MARK_ID} `)) this.#onMark();
      else this.#lines.push(line.trim());
    });
  }

  /** Resolves when it hears. */
  static async start(
    namespace: string,
    ip: (words: string) => Promise<string>,
    what: "route" | "nexthop" = "route",
  ): Promise<RouteMonitor> {
    const monitor = new RouteMonitor(namespace, ip, what);
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

  /** The lines that it heard about routes for pods, or about next-hop objects; ends it. */
  async end(): Promise<string[]> {
    const heard = this.#nextMark(10_000 * slowness);
    await this.#mark();
    await heard;
    this.kill();
    return this.#lines.filter((line) => line.includes(this.#about));
  }

  kill(): void {
    this.#child.kill();
  }

  async #mark(): Promise<void> {
    await this.#ip(this.#markWords.replace("%s", "add"));
    await this.#ip(this.#markWords.replace("%s", "del").replace(`${MARK_ID} blackhole`, MARK_ID));
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
