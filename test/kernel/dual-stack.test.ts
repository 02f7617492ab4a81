import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network, type Segment } from "../support/netns.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";
import { whyNoNamespaces } from "./support/network.ts";

interface Node {
  readonly name: string;
  readonly segment: 1 | 2;
  readonly number: number;
}

const NODES: readonly Node[] = [
  { name: "a1", segment: 1, number: 2 },
  { name: "a2", segment: 1, number: 3 },
  { name: "b1", segment: 2, number: 4 },
];

const addressOf = ({ segment, number }: Node) => ({
  4: `192.168.${segment}.${number}`,
  6: `2001:db8:${segment}::${number}`,
});
const podsOf = ({ number }: Node) => ({ 4: `10.233.${number}.0/24`, 6: `fd00:233:${number}::/64` });
const podOf = ({ number }: Node) => ({ 4: `10.233.${number}.10`, 6: `fd00:233:${number}::10` });

const cluster = {
  podPools: ["10.233.0.0/16", "fd00:233::/32"],
  members: NODES.map((node) => ({
    name: node.name,
    address: addressOf(node)[4],
    address6: addressOf(node)[6],
    podCidrs: Object.values(podsOf(node)),
  })),
};

/** Three nodes, two of them on one segment, with one pod each that has an address of either IP version. */
describe("nodes with IPv4 and IPv6 pods", {
  skip: whyNoNamespaces() ?? false,
  timeout: 180_000 * SLOWNESS,
}, () => {
  const network = new Network("mgds");
  const directory = mkdtempSync(join(tmpdir(), "mgds-"));
  const nodes = new Map<string, Margay>();
  const pods = new Map<string, Namespace>();

  before(async () => {
    const router = await network.namespace("r");
    await router.sysctl({
      "net.ipv4.ip_forward": 1,
      "net.ipv6.conf.all.forwarding": 1,
      "net.ipv6.conf.default.accept_dad": 0,
    });
    const segments = [await network.segment("s1"), await network.segment("s2")];
    for (const [index, segment] of segments.entries()) {
      await plug(network, router, `eth${index}`, segment, {
        4: `192.168.${index + 1}.1`,
        6: `2001:db8:${index + 1}::1`,
      });
    }
    for (const node of NODES) {
      const namespace = await network.namespace(node.name);
      const segment = segments[node.segment - 1] as Segment;
      await plug(network, namespace, "eth0", segment, addressOf(node));
      await namespace.ip(
        `route add default via 192.168.${node.segment}.1`,
        `route add default via 2001:db8:${node.segment}::1`,
      );
      pods.set(node.name, await pod(network, namespace, node));
      const margay = new Margay(namespace, join(directory, node.name));
      margay.configure({ node: { name: node.name }, tunnel: "vxlan" }, cluster);
      nodes.set(node.name, margay);
    }
    await Promise.all([...nodes.values()].map((margay) => margay.startNode()));
  });
  after(async () => {
    for (const margay of nodes.values()) await margay.kill();
    await network.destroy();
    rmSync(directory, { recursive: true });
  });

  const margayOn = (name: string): Margay => nodes.get(name) as Margay;

  test("one session between two nodes carries the pods of both families, each with the next hop of its own", async () => {
    const a1 = margayOn("a1");
    await until("a1 to know everybody's pods", async () => (await a1.routes()).length === 6);
    const peers = await a1.peers();
    assert.equal(peers.length, 2);
    for (const peer of peers) {
      assert.deepEqual(peer.negotiated?.families, ["ipv4-unicast", "ipv6-unicast"]);
      const own = peer.families.map(({ nextHopSelf }) => nextHopSelf);
      assert.deepEqual(own, ["192.168.1.2", "2001:db8:1::2"]);
    }
    for (const node of NODES.slice(1)) {
      for (const version of [4, 6] as const) {
        const [path] = (await a1.route(podsOf(node)[version]))?.candidates ?? [];
        assert.equal(path?.nextHop, addressOf(node)[version]);
      }
    }
  });

  test("every pod reaches every other by either, straight and through the tunnel", async () => {
    for (const from of NODES) {
      for (const to of NODES) {
        if (from === to) continue;
        for (const address of Object.values(podOf(to))) {
          await until(`the pod of ${from.name} to reach ${address}`, async () => {
            const pinged = await pods.get(from.name)?.attempt(["ping", "-c1", "-W2", address]);
            return pinged?.code === 0;
          });
        }
      }
    }
    const { namespace } = margayOn("a1");
    const routes = await namespace.run(["ip", "-6", "route", "show", "proto", "77"]);
    assert.match(routes, /^fd00:233:3::\/64 via 2001:db8:1::3 dev eth0 /m);
    assert.match(routes, /^fd00:233:4::\/64 via fe80::484f:38ff:febc:e391 dev vxlan6\.margay /m);
    assert.match(routes, /^unreachable fd00:233:2::\/64 /m);
  });

  test("forwarding of both was switched on, which status shows", async () => {
    const a1 = margayOn("a1");
    const { kernel } = await a1.status();
    assert.deepEqual([kernel?.ipForward, kernel?.ipv6Forward], [true, true]);
    assert.match((await a1.cli("status")).stdout, /ip_forward on, IPv6 forwarding on/);
    assert.match(a1.log(), /switched on IPv6 forwarding/);
  });

  test("explain tells the way of an IPv6 address", async () => {
    const { stdout } = await margayOn("a1").cli("explain", podOf(NODES[2] as Node)[6]);
    assert.match(stdout, /fd00:233:4::10 in fd00:233:4::\/64/);
    assert.match(stdout, /fd00:233:4::10 is reached through the tunnel by 2001:db8:2::4/);
  });

  test("a node that withdraws its IPv6 pods keeps its IPv4 ones", async () => {
    const [, a2] = NODES as [Node, Node, Node];
    const members = cluster.members.map((member) =>
      member.name === a2.name ? { ...member, podCidrs: [podsOf(a2)[4]] } : member,
    );
    for (const [name, margay] of nodes) {
      margay.configure({ node: { name }, tunnel: "vxlan" }, { ...cluster, members });
      margay.daemon.signal("SIGHUP");
    }
    const { namespace } = margayOn("a1");
    await until("a1's kernel to forget a2's IPv6 pods", async () => {
      const routes = await namespace.run(["ip", "-6", "route", "show", podsOf(a2)[6]]);
      return routes === "";
    });
    assert.match(await namespace.run(["ip", "route", "show", podsOf(a2)[4]]), /via 192\.168\.1\.3/);
  });
});

async function plug(
  network: Network,
  namespace: Namespace,
  device: string,
  segment: Segment,
  at: { readonly 4: string; readonly 6: string },
): Promise<void> {
  await namespace.sysctl({ "net.ipv6.conf.default.accept_dad": 0 });
  await network.plug(namespace, device, segment, `${at[4]}/24`);
  await namespace.ip(`address add ${at[6]}/64 dev ${device} nodad`);
}

/** A pod behind a veth, as a CNI plugin would make it. */
async function pod(network: Network, node: Namespace, of: Node): Promise<Namespace> {
  const namespace = await network.namespace(`pod-${of.name}`);
  const address = podOf(of);
  await namespace.sysctl({ "net.ipv6.conf.default.accept_dad": 0 });
  await node.ip(
    `link add pod0 type veth peer name eth0 netns ${namespace.name}`,
    "address add 169.254.1.1/32 dev pod0",
    "address add fe80::1/64 dev pod0 nodad",
    "link set pod0 up",
    `route add ${address[4]} dev pod0`,
    `route add ${address[6]} dev pod0`,
  );
  await namespace.ip(
    `address add ${address[4]}/32 dev eth0`,
    `address add ${address[6]}/128 dev eth0 nodad`,
    "link set eth0 up",
    "route add 169.254.1.1 dev eth0",
    "route add default via 169.254.1.1",
    "route add default via fe80::1 dev eth0",
  );
  return namespace;
}
