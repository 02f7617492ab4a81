import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FelixEvent, FelixStatus } from "../../../src/felix/status.ts";
import type { TunnelSettings } from "../../../src/felix/tunnel-kind.ts";
import { until } from "../../support/until.ts";
import { slowness } from "./network.ts";

const RUNNER = fileURLToPath(new URL("../felix-runner.ts", import.meta.url));
const CALL_TIMEOUT_MS = 60_000 * slowness;

/** A value as it comes over JSON: prefixes are text. */
export type Plain = Record<string, unknown>;

export interface FelixProcessOptions {
  readonly nodeAddress: string;
  readonly podCidrs: readonly string[];
  readonly encapsulation?: string;
  readonly tunnel?: string;
  /** The node's address of the other IP version. */
  readonly secondAddress?: string;
  readonly podPools?: readonly string[];
  readonly metric?: number;
  readonly nextHopObjects?: string;
  readonly conflicts?: string;
  readonly tunnelSettings?: TunnelSettings;
  readonly tunnelLingerMs?: number;
  readonly firewall?: PlainFirewall;
  /** Path of nft(8). */
  readonly nft?: string;
  readonly mtu?: { readonly intervalSeconds: number; readonly timeoutMs: number };
}

/** What is to be in the firewall. */
export interface PlainFirewall {
  readonly settings: {
    readonly masquerade: string;
    readonly guard: string;
    readonly forward: string;
  };
  readonly podPools: readonly string[];
  /** The pools, or parts of them, that are masqueraded. */
  readonly natOutgoing: readonly string[];
  readonly nodes: readonly string[];
}

/** A Felix in a process of its own inside a namespace. */
export class FelixProcess {
  readonly #child: ChildProcess;
  readonly #calls = new Map<
    number,
    { resolve(value: unknown): void; reject(error: Error): void }
  >();
  readonly #watchers = new Set<(event: FelixEvent) => void>();
  readonly #exited: Promise<void>;
  #log = "";
  #nextId = 1;

  constructor(namespace: string, options: FelixProcessOptions) {
    this.#child = spawn(
      "ip",
      ["netns", "exec", namespace, process.execPath, RUNNER, JSON.stringify(options)],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text;
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        for (const call of this.#calls.values()) {
          call.reject(new Error(`felix ended (${signal ?? `exit code ${code}`}):\n${this.#log}`));
        }
        this.#calls.clear();
        resolve();
      });
    });
    this.#child.stdin?.on("error", () => {});
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("no stdout");
    createInterface({ input: stdout }).on("line", (line) => this.#onLine(line));
  }

  /** What it logged so far. */
  get log(): string {
    return this.#log;
  }

  call<T = unknown>(method: string, ...values: readonly unknown[]): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${method} took too long:\n${this.#log}`));
      }, CALL_TIMEOUT_MS);
      this.#calls.set(id, {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value as T);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#child.stdin?.write(`${JSON.stringify({ id, method, arguments: values })}\n`);
    });
  }

  /** Wants a route and waits until it is there, or known not to be. */
  async setRoute(prefix: string, ...nextHops: string[]): Promise<void> {
    await this.call("setRoute", prefix, ...nextHops);
    await this.call("settled");
  }

  status(): Promise<FelixStatus> {
    return this.call<FelixStatus>("status");
  }

  /** Asks for the status, over and over, until it is as `wanted` says. */
  async untilStatus(wanted: (status: FelixStatus) => boolean): Promise<void> {
    // Asked without a pause, it would have no processor to get there with on a busy machine.
    const options = { everyMilliseconds: 5 };
    const isReached = async (): Promise<boolean> => wanted(await this.status());
    await until("such a status", isReached, options).catch((error: unknown) => {
      throw new Error(`no such status:\n${this.#log}`, { cause: error });
    });
  }

  async route(prefix: string): Promise<Plain | undefined> {
    const routes = await this.call<Plain[]>("routes");
    return routes.find((route) => route["prefix"] === prefix);
  }

  /** The next event that `wanted` accepts, from now on. */
  nextEvent(wanted: (event: Plain) => boolean): Promise<Plain> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(watch);
        reject(new Error(`no such event:\n${this.#log}`));
      }, CALL_TIMEOUT_MS);
      const watch = (event: FelixEvent): void => {
        const plain = event as unknown as Plain;
        if (!wanted(plain)) return;
        clearTimeout(timer);
        this.#watchers.delete(watch);
        resolve(plain);
      };
      this.#watchers.add(watch);
    });
  }

  /** Ends it in good order. */
  async stop(cleanup = false): Promise<void> {
    await this.call("stop", cleanup);
    await this.#exited;
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  #onLine(line: string): void {
    const message = JSON.parse(line) as Plain & { id?: number; error?: string; event?: FelixEvent };
    if (message.event !== undefined) {
      for (const watch of this.#watchers) watch(message.event);
      return;
    }
    const call = this.#calls.get(message.id ?? 0);
    this.#calls.delete(message.id ?? 0);
    if (message.error === undefined) call?.resolve(message["result"]);
    else call?.reject(new Error(message.error));
  }
}
