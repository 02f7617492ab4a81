import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { usageOf } from "../tester/process-usage.ts";
import type { Outcome } from "./outcome.ts";
import { GATEWAY_A, GATEWAY_B, type Place, prefixText } from "./place.ts";

const PATIENCE_MS = 60_000;
const LOOK_MS = 5;

/** BIRD's kernel protocol, fed by enabling and disabling a static protocol; seen to be done by the kernel's route count. */
export class Bird {
  readonly #place: Place;
  readonly #socket: string;
  readonly #file: string;

  constructor(place: Place) {
    this.#place = place;
    this.#socket = join(place.scratch, "bird.ctl");
    this.#file = join(place.scratch, "bird.conf");
  }

  async measure(): Promise<Outcome> {
    const { namespace, count } = this.#place;
    this.#configure(GATEWAY_A, "disabled;");
    const argv = ["netns", "exec", namespace, "bird", "-f", "-c", this.#file, "-s", this.#socket];
    const child = spawn("ip", argv, { stdio: "ignore" });
    try {
      await until(() => this.#birdc("show status").includes("up and running"));
      const empty = this.#kernelPrefixes();
      const inKernel = (): number => this.#kernelPrefixes() - empty;
      const add = await this.#timed("enable pods", () => inKernel() >= count);
      this.#configure(GATEWAY_B, "");
      const replace = await this.#timed("configure", () => this.#lastGateway() === GATEWAY_B);
      const remove = await this.#timed("disable pods", () => inKernel() === 0);
      const rssMib = usageOf(child.pid ?? 0).peakRssOctets / 2 ** 20;
      return { phases: { add, replace, delete: remove }, rssMib };
    } finally {
      child.kill("SIGKILL");
    }
  }

  #configure(gateway: string, state: string): void {
    const routes = Array.from({ length: this.#place.count }, (_, index) => {
      return `  route ${prefixText(index)} via ${gateway};`;
    });
    writeFileSync(
      this.#file,
      `router id 10.9.0.1;
protocol device { scan time 60; }
protocol kernel { scan time 600; ipv4 { import none; export all; }; }
protocol static pods { ${state} ipv4;
${routes.join("\n")}
}
`,
    );
  }

  #birdc(command: string): string {
    const argv = ["-s", this.#socket, ...command.split(" ")];
    return spawnSync("birdc", argv, { encoding: "utf8" }).stdout;
  }

  async #timed(command: string, done: () => boolean): Promise<number> {
    const fromMs = performance.now();
    this.#birdc(command);
    await until(done);
    return (performance.now() - fromMs) / 1000;
  }

  /** Prefixes in the namespace's tries, without listing them. */
  #kernelPrefixes(): number {
    const stat = this.#inside("cat", "/proc/net/fib_triestat");
    let prefixes = 0;
    for (const match of stat.matchAll(/Prefixes:\s+(\d+)/g)) prefixes += Number(match[1]);
    return prefixes;
  }

  #lastGateway(): string | undefined {
    const address = prefixText(this.#place.count - 1).replace("0/24", "1");
    return / via (\S+)/.exec(this.#inside("ip", "route", "get", address))?.[1];
  }

  #inside(...command: string[]): string {
    const argv = ["netns", "exec", this.#place.namespace, ...command];
    return spawnSync("ip", argv, { encoding: "utf8" }).stdout;
  }
}

async function until(done: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!done()) {
    if (performance.now() > deadlineMs) throw new Error("BIRD does not get there");
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
