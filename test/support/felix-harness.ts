import assert from "node:assert/strict";
import { Felix } from "../../src/felix/felix.ts";
import type { FelixOptions } from "../../src/felix/options.ts";
import type { FelixEvent, FibEntry } from "../../src/felix/status.ts";
import type { Sysctl } from "../../src/felix/sysctl.ts";
import { parsePrefix, type Prefix } from "../../src/net/prefix.ts";
import { EVERY_LINK, type Netlink } from "../../src/netlink/netlink.ts";
import type { RouteChange } from "../../src/netlink/route-request.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { FakeClock } from "./fake-clock.ts";
import { MemoryKernel } from "./memory-kernel.ts";

export const STATIC = { protocol: 4, table: 254 };
export const OURS = { protocol: 77, table: 254 };
const FORWARDING = /^net\/ipv([46])\/(?:ip_forward|conf\/(.+)\/forwarding)$/;

export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed);
  return parsed;
}

/** Lets events that are on their way arrive. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A Felix over a kernel in memory: a node at 192.168.1.2/24 on eth0. */
export class FelixHarness {
  readonly kernel = new MemoryKernel();
  readonly eth0: number;
  /** Another program's hand on the kernel. */
  readonly other: Netlink;
  readonly clock = new FakeClock();
  readonly settings = new Map([["net/ipv4/ip_forward", "0"]]);
  /** Kernel modules that were asked for. */
  readonly modules: string[] = [];
  events: FelixEvent[] = [];
  readonly #started: Felix[] = [];

  constructor() {
    this.eth0 = this.kernel.addLink("eth0", { up: true }).ifindex;
    this.kernel.addAddress(this.eth0, "192.168.1.2", 24);
    this.other = this.kernel.open();
  }

  /** The last one started. */
  get felix(): Felix {
    const felix = this.#started.at(-1);
    assert.ok(felix);
    return felix;
  }

  get sysctl(): Sysctl {
    return {
      read: (key) => Promise.resolve(this.settings.get(key)),
      write: (key, value) => {
        this.write(key, value);
        return Promise.resolve();
      },
    };
  }

  /** Somebody writes a setting. As Linux does: what changes about forwarding is told, and that of all is that of each. */
  write(key: string, value: string): void {
    const { kernel, settings } = this;
    const isNews = settings.get(key) !== value;
    settings.set(key, value);
    const [, version, device = "all"] = FORWARDING.exec(key) ?? [];
    if (version === undefined || !isNews) return;
    const link = [...kernel.links.values()].find(({ name }) => name === device);
    kernel.tell({
      kind: "setting",
      op: "new",
      version: version === "4" ? 4 : 6,
      ifindex: link?.ifindex ?? EVERY_LINK,
      forwarding: value !== "0",
    });
    if (key !== "net/ipv4/ip_forward") return;
    for (const { name } of kernel.links.values()) {
      const own = `net/ipv4/conf/${name}/forwarding`;
      if (settings.has(own)) this.write(own, value);
    }
  }

  async start(options: Partial<FelixOptions> = {}): Promise<Felix> {
    const felix = new Felix({
      nodeAddress: "192.168.1.2",
      podCidrs: [prefix("10.233.1.0/24")],
      podPools: [prefix("10.233.0.0/16")],
      encapsulation: "cross-subnet",
      protocol: 77,
      table: 254,
      metric: 0,
      netlink: this.kernel.open(),
      sysctl: this.sysctl,
      clock: this.clock,
      logger: silentLogger,
      loadKernelModule: (name) => {
        this.modules.push(name);
        return Promise.resolve(false);
      },
      rtProtosDirectory: "/nonexistent",
      ...options,
    });
    this.#started.push(felix);
    this.events = [];
    felix.onChange((event) => this.events.push(event));
    await felix.start();
    await felix.settled();
    return felix;
  }

  async stop(): Promise<void> {
    for (const one of this.#started) await one.stop({ cleanup: false });
  }

  set(text: string, ...nextHops: string[]): void {
    this.felix.setRoute({ prefix: prefix(text), nextHops });
  }

  async quiet(): Promise<void> {
    await turn();
    await turn();
    await this.felix.settled();
  }

  /** What the kernel holds of pods: prefix, gateway, device, protocol. */
  there(): string[] {
    const { kernel } = this;
    return kernel.routes
      .filter(({ prefix: { text }, table }) => text.startsWith("10.233.") && table === 254)
      .map(({ prefix: { text }, hops, nextHopId, protocol, type }) => {
        const [hop] = nextHopId === undefined ? hops : kernel.hopsOf(nextHopId);
        const device = hop === undefined ? "" : ` ${kernel.links.get(hop.ifindex)?.name}`;
        return `${text} ${hop?.gateway ?? type}${device} ${protocol}`;
      })
      .sort();
  }

  entry(text: string): FibEntry | undefined {
    return [...this.felix.routes()].find((one) => one.prefix.text === text);
  }

  change(op: RouteChange["op"], text: string, gateway: string): RouteChange {
    const hop = { gateway, ifindex: this.eth0, onlink: false, weight: 1 };
    return { op, prefix: prefix(text), metric: 0, path: { type: "unicast", hops: [hop] } };
  }

  /** A default route by 192.168.1.1, or 2001:db8:1::1. */
  async router(version: 4 | 6 = 4): Promise<void> {
    const [text, gateway] =
      version === 4 ? ["0.0.0.0/0", "192.168.1.1"] : ["::/0", "2001:db8:1::1"];
    await this.other.applyRoutes([this.change("create", text, gateway)], STATIC);
  }
}
