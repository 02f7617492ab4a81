import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { SLOWNESS } from "../../support/run.ts";

const run = promisify(execFile);

/** Factor on every deadline: ten on the emulated kernel. */
export const slowness = SLOWNESS;

/** Why kernel tests cannot run here, or `undefined`. */
export function whyNoNamespaces(): string | undefined {
  const name = `mgf-probe-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (made.error !== undefined) return `no ip command: ${made.error.message}`;
  if (made.status !== 0) return `no network namespaces: ${made.stderr.trim()}`;
  spawnSync("ip", ["netns", "del", name]);
  return undefined;
}

/** One end of a wire; `address` such as `192.168.1.2/24`. */
export interface WireEnd {
  readonly namespace: string;
  readonly device: string;
  readonly address?: string;
}

/** Network namespaces of one test, with the wires between them; all gone after `close`. */
export class Network {
  readonly #prefix: string;
  readonly #namespaces: string[] = [];

  /** `name` makes it unique within the machine, together with the process's id. */
  constructor(name: string) {
    this.#prefix = `mgf-${process.pid}-${name}`;
  }

  /** Makes a namespace with its loopback up; returns its full name. */
  async namespace(name: string): Promise<string> {
    const full = `${this.#prefix}-${name}`;
    await run("ip", ["netns", "add", full]);
    this.#namespaces.push(full);
    await this.ip(full, "link set lo up");
    return full;
  }

  /** A wire between two namespaces, both ends up. */
  async wire(a: WireEnd, b: WireEnd): Promise<void> {
    const words = `link add ${a.device} netns ${a.namespace} type veth peer name ${b.device} netns ${b.namespace}`;
    await run("ip", words.split(" "));
    for (const { namespace, device, address } of [a, b]) {
      if (address !== undefined) await this.ip(namespace, `addr add ${address} dev ${device}`);
      await this.ip(namespace, `link set ${device} up`);
    }
  }

  /** `ip -n NAMESPACE WORDS`, its output. */
  async ip(namespace: string, words: string): Promise<string> {
    const { stdout } = await run("ip", ["-n", namespace, ...words.split(" ")]);
    return stdout;
  }

  /** Many commands of `ip` inside a namespace, by one process. */
  batch(namespace: string, commands: readonly string[]): Promise<void> {
    const child = spawn("ip", ["-n", namespace, "-batch", "-"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end(`${commands.join("\n")}\n`);
    return new Promise((resolve, reject) => {
      child.once("close", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`ip -batch ended with ${code}`));
      });
    });
  }

  /** Removes one namespace, and with it the ends of wires that are in it. */
  async remove(namespace: string): Promise<void> {
    await run("ip", ["netns", "del", namespace]);
    this.#namespaces.splice(this.#namespaces.indexOf(namespace), 1);
  }

  /** A command inside a namespace, its output. */
  async exec(namespace: string, command: string, ...words: string[]): Promise<string> {
    const { stdout } = await run("ip", ["netns", "exec", namespace, command, ...words]);
    return stdout;
  }

  /** The lines of `ip route show WORDS`, without blanks at their ends. */
  async routes(namespace: string, words: string): Promise<string[]> {
    const lines = (await this.ip(namespace, `-4 route show ${words}`)).split("\n");
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  }

  close(): void {
    for (const namespace of this.#namespaces) {
      try {
        execFileSync("ip", ["netns", "del", namespace], { stdio: "ignore" });
      } catch {
        // It goes with the last process inside it.
      }
    }
  }
}
