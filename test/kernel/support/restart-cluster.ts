import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Margay } from "../../support/margay.ts";
import { type Namespace, Network } from "../../support/netns.ts";
import { Pinger } from "../../support/pinger.ts";
import { SLOWNESS } from "../../support/run.ts";
import { until } from "../../support/until.ts";
import { RouteMonitor } from "./route-monitor.ts";

export interface NodeOfTest {
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
  readonly pod: string;
}

export const a1: NodeOfTest = {
  name: "a1",
  address: "192.168.1.2",
  podCidr: "10.233.1.0/24",
  pod: "10.233.1.10",
};
export const a2: NodeOfTest = {
  name: "a2",
  address: "192.168.1.3",
  podCidr: "10.233.2.0/24",
  pod: "10.233.2.10",
};
export const b1: NodeOfTest = {
  name: "b1",
  address: "192.168.2.2",
  podCidr: "10.233.5.0/24",
  pod: "10.233.5.10",
};

/** Two segments with a router that knows no pod, a margay node with a pod on each address. */
export class Cluster {
  readonly network: Network;
  readonly directory = mkdtempSync(join(tmpdir(), "margay-restart-"));
  readonly margays = new Map<string, Margay>();
  readonly pods = new Map<string, Namespace>();
  /** What is in everybody's cluster file. */
  file: { readonly podPools: readonly string[]; readonly members: readonly object[] } = {
    podPools: ["10.233.0.0/16"],
    members: [],
  };

  /** @param prefix of its namespaces, this test's alone */
  constructor(prefix: string) {
    this.network = new Network(prefix);
  }

  /** @param settings in everybody's own file, beside what is always there */
  async build(nodes: readonly NodeOfTest[], settings: object = {}): Promise<void> {
    const router = await this.network.namespace("router");
    await router.sysctl({ "net.ipv4.ip_forward": 1 });
    const segments = new Map<string, Awaited<ReturnType<Network["segment"]>>>();
    for (const [name, address] of [
      ["a", "192.168.1.1/24"],
      ["b", "192.168.2.1/24"],
    ] as const) {
      const segment = await this.network.segment(`seg${name}`);
      segments.set(name, segment);
      await this.network.plug(router, `to-${name}`, segment, address);
    }
    const members = nodes.map(({ name, address, podCidr }) => ({
      name,
      address,
      podCidrs: [podCidr],
    }));
    this.file = { ...this.file, members };
    for (const node of nodes) {
      const side = node.name.slice(0, 1);
      const namespace = await this.network.namespace(node.name);
      const segment = segments.get(side);
      assert(segment !== undefined);
      await this.network.plug(namespace, "eth0", segment, `${node.address}/24`);
      await namespace.ip(`route add default via 192.168.${side === "a" ? 1 : 2}.1`);
      this.pods.set(node.name, await this.#pod(namespace, node));
      const margay = new Margay(namespace, join(this.directory, node.name));
      margay.configure(
        { node: { name: node.name }, timers: { connectRetrySeconds: 1 }, ...settings },
        this.file,
      );
      this.margays.set(node.name, margay);
    }
  }

  async #pod(node: Namespace, { name, pod }: NodeOfTest): Promise<Namespace> {
    const namespace = await this.network.namespace(`pod${name}`);
    await namespace.ip(
      `link add eth0 type veth peer name pod0 netns ${node.name}`,
      `address add ${pod}/32 dev eth0`,
      "link set eth0 up",
      "route add 169.254.1.1 dev eth0 scope link",
      "route add default via 169.254.1.1 dev eth0",
    );
    await node.ip(
      "link set pod0 up",
      "address add 169.254.1.1/32 dev pod0 scope link",
      `route add ${pod} dev pod0 scope link`,
    );
    return namespace;
  }

  margay(node: NodeOfTest): Margay {
    const margay = this.margays.get(node.name);
    assert(margay !== undefined);
    return margay;
  }

  async established(node: NodeOfTest, count: number): Promise<void> {
    await until(`${node.name} to have ${count} sessions`, async () => {
      const peers = await this.margay(node).peers();
      return peers.filter(({ state }) => state === "Established").length === count;
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.margays.values()].map((margay) => margay.kill()));
    await this.network.destroy();
    rmSync(this.directory, { recursive: true });
  }
}

/**
 * Pings both ways between the pods of two nodes while `events` happen, and asserts that no ping was lost and that
 * nobody touched either node's routes to pods.
 */
export async function withoutLosingAPing(
  cluster: Cluster,
  [one, other]: readonly [NodeOfTest, NodeOfTest],
  events: () => Promise<void>,
): Promise<void> {
  const [from, to] = [cluster.pods.get(one.name), cluster.pods.get(other.name)];
  assert(from !== undefined && to !== undefined);
  const everyMs = SLOWNESS > 1 ? 50 : 1;
  const reachable = [new Pinger(from, other.pod, 200), new Pinger(to, one.pod, 200)];
  await until("the pods to reach each other", () => reachable.every(({ replies }) => replies > 0));
  for (const pinger of reachable) await pinger.stop();
  const pingers = [new Pinger(from, other.pod, everyMs), new Pinger(to, one.pod, everyMs)];
  await until("the pings to flow", () => pingers.every(({ replies }) => replies > 5));
  // An emulated processor has enough to do with the pings.
  const watched = SLOWNESS > 1 ? [] : [one, other];
  const monitors = await Promise.all(watched.map((node) => monitorRoutes(cluster, node)));
  await events();
  for (const monitor of monitors) assert.deepEqual(await monitor.end(), []);
  for (const pinger of pingers) {
    const { replies } = pinger;
    await until("pings after it all", () => pinger.replies > replies + 20);
    const { destination, last, trouble } = pinger;
    const lost = await lostBy(pinger);
    await pinger.stop();
    const which = `${lost.length} of ${last?.sequence} pings to ${destination}: ${lost.join(" ")}`;
    assert.equal(lost.length, 0, `lost ${which}`);
    assert.equal(trouble, "");
  }
}

/** Which requests so far have no answer while later ones have, nor get it in as long as nothing takes on these paths. */
async function lostBy({ overtaken }: Pinger): Promise<readonly number[]> {
  const due = [...overtaken];
  const missing = (): readonly number[] => due.filter((sequence) => overtaken.has(sequence));
  const areAllThere = (): boolean => missing().length === 0;
  await until("answers that were overtaken", areAllThere, { timeoutSeconds: 2 }).catch(() => {});
  return missing();
}

function monitorRoutes(cluster: Cluster, node: NodeOfTest): Promise<RouteMonitor> {
  const { namespace } = cluster.margay(node);
  const ip = (words: string): Promise<string> => namespace.run(["ip", ...words.split(" ")]);
  return RouteMonitor.start(namespace.name, ip);
}
