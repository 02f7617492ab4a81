import { spawnSync } from "node:child_process";
import { exitOnSignals } from "./exit-on-signal.ts";
import { type Finished, attempt, run } from "./run.ts";

/** The namespaces of this process that still exist; they go with it, however it ends (but by SIGKILL). */
const existing = new Set<string>();
exitOnSignals();
process.once("exit", () => {
  for (const name of existing) spawnSync("ip", ["netns", "del", name]);
});

/** Lets every namespace outlive this process. */
export function releaseNamespaces(): void {
  existing.clear();
}

/** Removes a namespace, ending whatever runs inside. One that does not exist is well. */
export async function removeNamespace(name: string): Promise<void> {
  const { stdout } = await attempt(["ip", "netns", "pids", name]);
  for (const pid of stdout.split("\n").filter(Boolean)) await attempt(["kill", "-KILL", pid]);
  await attempt(["ip", "netns", "del", name]);
  existing.delete(name);
}

/** One network namespace. Commands run inside by `ip netns exec`. */
export class Namespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** argv that runs `argv` inside; the process keeps its pid (ip execs it). */
  inside(argv: readonly string[]): readonly string[] {
    return ["ip", "netns", "exec", this.name, ...argv];
  }

  run(argv: readonly string[], input = ""): Promise<string> {
    return run(this.inside(argv), input);
  }

  attempt(argv: readonly string[]): Promise<Finished> {
    return attempt(this.inside(argv));
  }

  /** ip(8) commands without the leading `ip`, one per element, as one batch. */
  async ip(...commands: readonly string[]): Promise<void> {
    await run(["ip", "-netns", this.name, "-batch", "-"], `${commands.join("\n")}\n`);
  }

  async sysctl(settings: Readonly<Record<string, string | number>>): Promise<void> {
    const assignments = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    await this.run(["sysctl", "-qw", ...assignments]);
  }
}

/** An Ethernet segment: a bridge in a namespace of its own. */
export interface Segment {
  readonly namespace: Namespace;
}

/**
 * Namespaces made for one test or one lab, all named `<prefix>-…`, all removed together (with every link in them).
 * Use with `await using`.
 */
export class Network implements AsyncDisposable {
  readonly #prefix: string;
  readonly #names: string[] = [];

  /** @param prefix lower-case, at most 20 letters; must be this test's alone */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  async namespace(name: string): Promise<Namespace> {
    const namespace = new Namespace(`${this.#prefix}-${name}`);
    const { code } = await attempt(["ip", "netns", "add", namespace.name]);
    if (code !== 0) {
      await removeNamespace(namespace.name); // left by a run that was killed
      await run(["ip", "netns", "add", namespace.name]);
    }
    existing.add(namespace.name);
    this.#names.push(namespace.name);
    await namespace.ip("link set lo up");
    return namespace;
  }

  async segment(name: string): Promise<Segment> {
    const namespace = await this.namespace(name);
    await namespace.ip("link add br0 type bridge", "link set br0 up");
    return { namespace };
  }

  /** Plugs `device`, with `address` (192.0.2.1/24), of a namespace into a segment. The segment's end is named after the namespace. */
  async plug(
    namespace: Namespace,
    device: string,
    segment: Segment,
    address: string,
  ): Promise<void> {
    const far = portOf(namespace);
    await namespace.ip(
      `link add ${device} type veth peer name ${far} netns ${segment.namespace.name}`,
      `address add ${address} dev ${device}`,
      `link set ${device} up`,
    );
    await segment.namespace.ip(`link set ${far} master br0 up`);
  }

  /** Takes the segment's end of the cable down or up: the namespace's own end keeps its address but loses its carrier. */
  async setCable(namespace: Namespace, segment: Segment, state: "up" | "down"): Promise<void> {
    await segment.namespace.ip(`link set ${portOf(namespace)} ${state}`);
  }

  /**
   * A silent cut: the far end leaves the bridge, so that frames vanish while both ends still have a carrier.
   * Undo with `master br0`.
   */
  async setPlugged(namespace: Namespace, segment: Segment, plugged: boolean): Promise<void> {
    await segment.namespace.ip(
      `link set ${portOf(namespace)} ${plugged ? "master br0" : "nomaster"}`,
    );
  }

  async destroy(): Promise<void> {
    for (const name of this.#names.splice(0).toReversed()) await removeNamespace(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

/** Interface names hold 15 letters: the namespace's own part of its name, cut. */
function portOf(namespace: Namespace): string {
  return namespace.name.slice(namespace.name.lastIndexOf("-") + 1).slice(0, 15);
}

/** Can this process make network namespaces (root) and can this kernel make IPIP tunnels? */
export async function kernelHasIpip(): Promise<boolean> {
  await attempt(["modprobe", "ipip"]).catch(() => undefined);
  const probe = await attempt([
    "unshare",
    "--net",
    "ip",
    "link",
    "add",
    "probe0",
    "type",
    "ipip",
    "local",
    "127.0.0.1",
  ]);
  return probe.code === 0;
}
