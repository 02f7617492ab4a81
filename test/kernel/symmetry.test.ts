import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";
import { whyNoNamespaces } from "./support/network.ts";

const REFLECTOR = "192.168.1.254";

interface Node {
  readonly name: string;
  readonly address: string;
  readonly length: number;
  readonly podCidr: string;
}

/** Two nodes that hear of each other by a reflector alone: `first` in two processes, `second` in one. Nobody records a subnet. */
class Pair {
  readonly #network: Network;
  readonly #directory = mkdtempSync(join(tmpdir(), "margay-symmetry-"));
  readonly nodes: readonly [Node, Node];
  readonly #daemons: Margay[] = [];
  readonly namespaces: Namespace[] = [];

  constructor(name: string, nodes: readonly [Node, Node]) {
    this.#network = new Network(name);
    this.nodes = nodes;
  }

  async build(): Promise<void> {
    const segment = await this.#network.segment("seg");
    const reflector = await this.#network.namespace("rr");
    await this.#network.plug(reflector, "eth0", segment, `${REFLECTOR}/24`);
    const cluster = {
      ...{ asn: 64_512, podPools: ["10.233.0.0/16"], topology: "reflector" },
      members: this.nodes.map(({ name, address, podCidr }) => ({
        name,
        address,
        podCidrs: [podCidr],
      })),
      reflectors: [{ name: "rr", address: REFLECTOR }],
    };
    for (const { name, address, length } of this.nodes) {
      const namespace = await this.#network.namespace(name);
      await this.#network.plug(namespace, "eth0", segment, `${address}/${length}`);
      await namespace.ip(`route add default via ${REFLECTOR}`);
      // The kernel gives up sooner than after three seconds.
      await namespace.sysctl({
        "net.ipv4.neigh.eth0.retrans_time_ms": 100,
        "net.ipv4.neigh.eth0.mcast_solicit": 1,
        "net.ipv4.neigh.eth0.ucast_solicit": 1,
      });
      this.namespaces.push(namespace);
    }
    const [first, second] = this.namespaces as [Namespace, Namespace];
    const speaker = new Margay(first, join(this.#directory, "first"));
    const felix = new Margay(first, join(this.#directory, "first"), "felix");
    const other = new Margay(second, join(this.#directory, "second"));
    const rr = new Margay(reflector, join(this.#directory, "rr"));
    const common = { tunnel: "vxlan" };
    speaker.configure(
      { ...common, node: { name: "first" }, felix: { socket: felix.socket } },
      cluster,
    );
    other.configure({ ...common, node: { name: "second" } }, cluster);
    this.#daemons.push(felix, other, rr, speaker);
    const words = `--listen ${REFLECTOR}:179 --asn 64512 --router-id ${REFLECTOR} --accept 192.168.1.0/24`;
    await Promise.all([
      rr.startReflector(words.split(" ")),
      felix.start(["felix", "--config", speaker.configFile]),
      speaker.start(["speaker", "--config", speaker.configFile]),
      other.startNode(),
    ]);
  }

  async close(): Promise<void> {
    for (const daemon of this.#daemons) await daemon.kill();
    await this.#network.destroy();
    rmSync(this.#directory, { recursive: true });
  }

  /** Why each end goes the way it goes to the other: `wire same-segment`. */
  async ways(): Promise<string[]> {
    const [one, other] = this.#daemons as [Margay, Margay];
    const way = async (daemon: Margay, cidr: string): Promise<string> => {
      const entry = (await daemon.fib()).find(({ prefix }) => prefix === cidr);
      const { tunnel, reason, dev } = entry?.wanted ?? {};
      return `${tunnel === true ? "tunnel" : "wire"} ${dev} ${reason}`;
    };
    const [first, second] = this.nodes;
    return [await way(one, second.podCidr), await way(other, first.podCidr)];
  }

  async reach(first: string, second: string): Promise<void> {
    let last: string[] = [];
    await until(`${first} and ${second}`, async () => {
      last = await this.ways();
      if (last[0] === first && last[1] === second) return true;
      throw new Error(`so far ${last.join(" and ")}`);
    });
  }

  /** What the warnings say of next hops, at each end. */
  async warnings(): Promise<string[][]> {
    const daemons = this.#daemons.slice(0, 2);
    const all = await Promise.all(daemons.map((daemon) => daemon.status()));
    return all.map(({ warnings }) =>
      warnings.map(({ name }) => name).filter((name) => name.includes("silent")),
    );
  }

  /** One end answers no ARP any more, though it finds all others; or it does again. */
  async mute(index: 0 | 1, isMute: boolean): Promise<void> {
    const muted = this.namespaces[index] as Namespace;
    const heard = this.namespaces[1 - index] as Namespace;
    const { address } = this.nodes[1 - index] as Node;
    if (isMute) {
      // It asks nobody either, lest the others learn its address from that.
      const mac = /ether (\S+)/.exec(await heard.run(["ip", "link", "show", "eth0"]))?.[1];
      await muted.ip(`neigh replace ${address} lladdr ${mac} dev eth0 nud permanent`);
      await muted.sysctl({ "net.ipv4.conf.eth0.arp_ignore": 8 });
      const { address: own } = this.nodes[index];
      await heard.attempt(["ip", "neigh", "del", own, "dev", "eth0"]);
    } else {
      await muted.sysctl({ "net.ipv4.conf.eth0.arp_ignore": 0 });
      await muted.ip(`neigh del ${address} dev eth0`);
    }
  }

  /** The reflector stays within reach of a node that answers no ARP. */
  async keepSessions(): Promise<void> {
    const rr = this.#daemons[2] as Margay;
    const macOf = async (namespace: Namespace): Promise<string | undefined> =>
      /ether (\S+)/.exec(await namespace.run(["ip", "link", "show", "eth0"]))?.[1];
    for (const [index, { address }] of this.nodes.entries()) {
      const namespace = this.namespaces[index] as Namespace;
      const own = await macOf(namespace);
      await rr.namespace.ip(`neigh replace ${address} lladdr ${own} dev eth0 nud permanent`);
      const words = `neigh replace ${REFLECTOR} lladdr ${await macOf(rr.namespace)} dev eth0 nud permanent`;
      await namespace.ip(words);
    }
  }
}

const skip = whyNoNamespaces() ?? false;
const first = { name: "first", address: "192.168.1.2", length: 24, podCidr: "10.233.1.0/24" };
const second = { name: "second", address: "192.168.1.130", length: 24, podCidr: "10.233.2.0/24" };

describe("two nodes of which one does not hear the other", {
  skip,
  timeout: 240_000 * SLOWNESS,
}, () => {
  const pair = new Pair("mgsy", [first, second]);
  before(async () => {
    await pair.build();
    await pair.keepSessions();
  });
  after(() => pair.close());

  const straight = "wire eth0 same-segment";
  const silent = "tunnel vxlan.margay silent-neighbour";
  const told = "tunnel vxlan.margay told-silent";

  for (const [index, muted, ways, warnings] of [
    [1, "the one in one process", [silent, told], [["silent-neighbour"], ["told-silent"]]],
    [0, "the one in two processes", [told, silent], [["told-silent"], ["silent-neighbour"]]],
  ] as const) {
    test(`use the tunnel both ways while ${muted} answers no ARP, and then the wire both ways again`, async () => {
      await pair.reach(straight, straight);
      await pair.mute(index, true);
      await pair.reach(ways[0], ways[1]);
      assert.deepEqual(await pair.warnings(), warnings);
      await pair.mute(index, false);
      await pair.reach(straight, straight);
      assert.deepEqual(await pair.warnings(), [[], []]);
    });
  }
});

describe("two nodes with other masks, which no record tells", {
  skip,
  timeout: 120_000 * SLOWNESS,
}, () => {
  const pair = new Pair("mgsm", [first, { ...second, length: 25 }]);
  before(() => pair.build());
  after(() => pair.close());

  const tunnelled = "tunnel vxlan.margay other-segment";

  test("both use the tunnel: one by its kernel's route, the other by what is announced", async () => {
    await pair.reach(tunnelled, tunnelled);
  });

  test("and the wire as soon as they have the same, and the tunnel again when they have not", async () => {
    const [, other] = pair.namespaces as [Namespace, Namespace];
    const remask = async (from: number, to: number): Promise<void> => {
      await other.ip(`addr add ${second.address}/${to} dev eth0`);
      await other.ip(`addr del ${second.address}/${from} dev eth0`);
      await other.ip(`route replace default via ${REFLECTOR}`);
    };
    await remask(25, 24);
    await pair.reach("wire eth0 same-segment", "wire eth0 same-segment");
    await remask(24, 25);
    await pair.reach(tunnelled, tunnelled);
  });
});
