import { spawn } from "node:child_process";
import { once } from "node:events";
import { FelixProcess, type FelixProcessOptions } from "./felix-process.ts";
import { Network } from "./network.ts";

export interface Node {
  readonly namespace: string;
  readonly address: string;
  readonly podCidr: string;
  /** Namespace of its one pod, which has the CIDR's third address. */
  readonly pod: string;
  readonly podAddress: string;
}

/**
 * Two segments with a router between: `near` (192.168.1.2) and `beside` (192.168.1.3) on one, `far` (192.168.2.2) on
 * the other. Each node has a pod in a namespace of its own behind a veth, as a CNI plugin would make it.
 */
export class TwoSegments {
  readonly network: Network;
  readonly nodes: Node[] = [];
  #router = "";
  readonly #processes: FelixProcess[] = [];

  constructor(name: string) {
    this.network = new Network(name);
  }

  get near(): Node {
    return this.nodes[0] as Node;
  }

  get far(): Node {
    return this.nodes[1] as Node;
  }

  get beside(): Node {
    return this.nodes[2] as Node;
  }

  /** The namespace between the two. */
  get router(): string {
    return this.#router;
  }

  async build(): Promise<void> {
    const { network } = this;
    const router = await network.namespace("r");
    this.#router = router;
    const lan = await network.namespace("lan");
    await network.exec(router, "sysctl", "-qw", "net.ipv4.ip_forward=1");
    await network.ip(lan, "link add br0 type bridge");
    await network.ip(lan, "link set br0 up");
    await this.#node("near", "192.168.1.2", 1);
    await this.#node("far", "192.168.2.2", 2);
    await this.#node("beside", "192.168.1.3", 3);
    await network.wire(
      { namespace: router, device: "lan0", address: "192.168.1.1/24" },
      { namespace: lan, device: "port-r" },
    );
    await network.wire(
      { namespace: this.near.namespace, device: "eth0", address: "192.168.1.2/24" },
      { namespace: lan, device: "port-near" },
    );
    await network.wire(
      { namespace: this.beside.namespace, device: "eth0", address: "192.168.1.3/24" },
      { namespace: lan, device: "port-beside" },
    );
    for (const port of ["port-r", "port-near", "port-beside"]) {
      await network.ip(lan, `link set ${port} master br0`);
    }
    await network.wire(
      { namespace: router, device: "lan1", address: "192.168.2.1/24" },
      { namespace: this.far.namespace, device: "eth0", address: "192.168.2.2/24" },
    );
    await network.ip(this.near.namespace, "route add default via 192.168.1.1");
    await network.ip(this.beside.namespace, "route add default via 192.168.1.1");
    await network.ip(this.far.namespace, "route add default via 192.168.2.1");
  }

  async #node(name: string, address: string, number: number): Promise<void> {
    const { network } = this;
    const namespace = await network.namespace(name);
    const pod = await network.namespace(`${name}-pod`);
    const podAddress = `10.233.${number}.3`;
    await network.wire(
      { namespace, device: "pod0" },
      { namespace: pod, device: "eth0", address: `${podAddress}/32` },
    );
    await network.ip(namespace, "addr add 169.254.1.1/32 dev pod0");
    await network.ip(namespace, `route add ${podAddress} dev pod0`);
    await network.ip(pod, "route add 169.254.1.1 dev eth0");
    await network.ip(pod, "route add default via 169.254.1.1");
    this.nodes.push({ namespace, address, podCidr: `10.233.${number}.0/24`, pod, podAddress });
  }

  /** A Felix on a node, started and settled. */
  async felix(node: Node, options: Partial<FelixProcessOptions> = {}): Promise<FelixProcess> {
    const felix = new FelixProcess(node.namespace, {
      nodeAddress: node.address,
      podCidrs: [node.podCidr],
      ...options,
    });
    this.#processes.push(felix);
    await felix.call("start");
    await felix.call("settled");
    return felix;
  }

  /** One ping from pod to pod; its output, or a rejection when no answer comes. */
  ping(from: Node, to: Node): Promise<string> {
    return this.network.exec(from.pod, "ping", "-c", "1", "-W", "5", to.podAddress);
  }

  /** Gives every node, and the router, IPv6 addresses beside the others: fd00:1::2, fd00:1::3 and fd00:2::2. */
  async addIpv6(): Promise<void> {
    const { network } = this;
    for (const [namespace, device, address] of [
      [this.#router, "lan0", "fd00:1::1"],
      [this.#router, "lan1", "fd00:2::1"],
      [this.near.namespace, "eth0", "fd00:1::2"],
      [this.beside.namespace, "eth0", "fd00:1::3"],
      [this.far.namespace, "eth0", "fd00:2::2"],
    ] as const) {
      await network.ip(namespace, `addr add ${address}/64 dev ${device} nodad`);
    }
    await network.exec(this.#router, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1");
    for (const { namespace } of [this.near, this.beside]) {
      await network.ip(namespace, "-6 route add default via fd00:1::1");
    }
    await network.ip(this.far.namespace, "-6 route add default via fd00:2::1");
  }

  /**
   * `tcpdump`, already listening, on the wire to the far segment or to the node beside; `frames` resolves to what it says of
   * the first `count`, addresses of frames included.
   */
  async sniff(
    filter: string,
    count: number,
    at: "far" | "beside" = "far",
  ): Promise<{ readonly frames: Promise<string> }> {
    const [namespace, device] =
      at === "far" ? [this.#router, "lan1"] : [this.beside.namespace, "eth0"];
    const words = ["-l", "-n", "-e", "-v", "-i", device, "-c", String(count), filter];
    const argv = ["netns", "exec", namespace, "tcpdump", ...words];
    const child = spawn("ip", argv, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const frames = once(child, "close").then(() => said);
    await once(child.stderr, "data");
    return { frames };
  }

  async close(): Promise<void> {
    for (const felix of this.#processes) await felix.kill();
    this.network.close();
  }
}
