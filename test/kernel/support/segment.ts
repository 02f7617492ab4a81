import { FelixProcess, type FelixProcessOptions } from "./felix-process.ts";
import { Network } from "./network.ts";
import { RouteMonitor } from "./route-monitor.ts";

/**
 * One segment, 192.168.1.0/24: a node at .2, with the Felix under test, and a neighbour that is .3 and .4. Everything
 * is gone after `close`.
 */
export class Segment {
  readonly network: Network;
  readonly node: string;
  readonly neighbour: string;
  readonly #processes: FelixProcess[] = [];
  readonly #monitors: RouteMonitor[] = [];

  private constructor(network: Network, node: string, neighbour: string) {
    this.network = network;
    this.node = node;
    this.neighbour = neighbour;
  }

  static async build(name: string): Promise<Segment> {
    const network = new Network(name);
    try {
      const node = await network.namespace("a");
      const neighbour = await network.namespace("b");
      await network.wire(
        { namespace: node, device: "eth0", address: "192.168.1.2/24" },
        { namespace: neighbour, device: "eth0", address: "192.168.1.3/24" },
      );
      await network.ip(neighbour, "addr add 192.168.1.4/24 dev eth0");
      return new Segment(network, node, neighbour);
    } catch (error) {
      network.close();
      throw error;
    }
  }

  /** A Felix on the node, started and settled. */
  async felix(options: Partial<FelixProcessOptions> = {}): Promise<FelixProcess> {
    const felix = new FelixProcess(this.node, {
      nodeAddress: "192.168.1.2",
      podCidrs: ["10.233.1.0/24"],
      ...options,
    });
    this.#processes.push(felix);
    await felix.call("start");
    await felix.call("settled");
    return felix;
  }

  ip(words: string): Promise<string> {
    return this.network.ip(this.node, words);
  }

  /** Many commands of `ip` on the node. */
  batch(commands: readonly string[]): Promise<void> {
    return this.network.batch(this.node, commands);
  }

  /** The lines of `ip route show WORDS` on the node. */
  routes(words: string): Promise<string[]> {
    return this.network.routes(this.node, words);
  }

  /** Our routes on the node, of every table. (`ip route show proto 77` would leave the protocol out of its lines.) */
  async ownRoutes(): Promise<string[]> {
    return (await this.routes("table all")).filter((line) => line.includes("proto margay"));
  }

  /** Hears every change of the node's routes, or next-hop objects, from now on. */
  async monitor(what: "route" | "nexthop" = "route"): Promise<RouteMonitor> {
    const monitor = await RouteMonitor.start(this.node, (words) => this.ip(words), what);
    this.#monitors.push(monitor);
    return monitor;
  }

  async close(): Promise<void> {
    for (const monitor of this.#monitors) monitor.kill();
    for (const felix of this.#processes) await felix.kill();
    this.network.close();
  }
}
