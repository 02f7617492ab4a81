import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import {
  type DaemonKind,
  FOREIGN_SPEAKERS,
  type ForeignSpeaker,
} from "../support/foreign/index.ts";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { scenario } from "./support/scenario.ts";
import { watchSession } from "./support/unbroken.ts";

const asn = 64_512;
const gatewayAsn = 65_000;
const outside = "10.100.0.0/16";
const pods = "10.233.1.0/24";
const nodeAddress = "192.0.2.1";
const reflectorAddress = "192.0.2.200";
const timers = {
  holdTimeSeconds: 9,
  gracefulRestartSeconds: 0,
  connectRetrySeconds: 1,
  idleHoldSeconds: 0.2,
};

const gateways: readonly { kind: DaemonKind; address: string }[] = [
  { kind: "bird", address: "192.0.2.250" },
  { kind: "frr", address: "192.0.2.251" },
  { kind: "gobgp", address: "192.0.2.252" },
  { kind: "openbgpd", address: "192.0.2.253" },
  { kind: "exabgp", address: "192.0.2.254" },
];

/** A node, and a gateway of each kind, on one segment. */
class Site {
  readonly directory = mkdtempSync(join(tmpdir(), "mgg-"));
  readonly network: Network;
  readonly foreign = new Map<DaemonKind, ForeignSpeaker>();
  readonly daemons: Margay[] = [];
  #segment: Awaited<ReturnType<Network["segment"]>> | undefined;

  constructor(name: string) {
    this.network = new Network(`mgi-${name}`);
  }

  async #plugged(name: string, address: string): Promise<Namespace> {
    this.#segment ??= await this.network.segment("seg");
    const namespace = await this.network.namespace(name);
    await this.network.plug(namespace, "eth0", this.#segment, `${address}/24`);
    return namespace;
  }

  async margay(name: string, address: string): Promise<Margay> {
    const daemon = new Margay(await this.#plugged(name, address), join(this.directory, name));
    this.daemons.push(daemon);
    return daemon;
  }

  /** @param peer whom the gateways speak with */
  async startGateways(own: number, peer: { address: string; asn: number }): Promise<void> {
    for (const { kind, address } of gateways) {
      const speaker = FOREIGN_SPEAKERS[kind](
        await this.#plugged(kind, address),
        join(this.directory, kind),
      );
      this.foreign.set(kind, speaker);
      await speaker.start({
        address,
        asn: own,
        routerId: address,
        holdTimeSeconds: 9,
        peers: [peer],
        originate: [outside],
      });
    }
  }

  gateway(kind: DaemonKind): ForeignSpeaker {
    const speaker = this.foreign.get(kind);
    assert.ok(speaker);
    return speaker;
  }

  async close(): Promise<void> {
    const all = [...this.daemons, ...this.foreign.values()];
    await Promise.allSettled(all.map((daemon) => daemon.stop()));
    await this.network.destroy();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const member = { name: "node", address: nodeAddress, podCidrs: [pods] };

describe("a reflector that hands the pod routes to gateways", () => {
  const site = new Site("gw");
  let reflector: Margay;
  before(async () => {
    reflector = await site.margay("rr", reflectorAddress);
    const node = await site.margay("node", nodeAddress);
    node.configure(
      { node: { name: "node" }, timers },
      {
        asn,
        podPools: ["10.233.0.0/16"],
        topology: "reflector",
        members: [member],
        reflectors: [{ name: "rr", address: reflectorAddress }],
      },
    );
    await reflector.startSpeaker({
      asn,
      listen: { address: reflectorAddress },
      timers,
      peerGroups: { gateway: { asn: "internal", passive: true } },
      peers: gateways.map(({ address }) => ({ address, group: "gateway" })),
      ranges: [{ prefix: `${nodeAddress}/32`, asns: "internal", client: true }],
    });
    await node.startNode();
    await site.startGateways(asn, { address: reflectorAddress, asn });
  });
  after(() => site.close());

  for (const { kind, address } of gateways) {
    scenario(
      "Pod routes reflected to a gateway (RFC 4456): the node stays their next hop",
      kind,
      async () => {
        const route = await until(`${kind} to have the pods`, async () => {
          const routes = await site.gateway(kind).routes();
          return routes.find(({ prefix }) => prefix === pods);
        });
        assert.equal(route.nextHop, nodeAddress);
        assert.deepEqual(route.asPath, []);
        assert.equal(route.originatorId, nodeAddress);
        assert.deepEqual(route.clusterList, [reflectorAddress]);
        const peer = await reflector.peer(address);
        assert.equal(peer?.flaps, 0);
      },
    );
  }
});

describe("a node between gateways of another AS", () => {
  const site = new Site("ecmp");
  let node: Margay;
  const kernelRoute = async (): Promise<string[]> => {
    const text = await node.namespace.run(["ip", "route", "show", outside]);
    return text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  };

  before(async () => {
    node = await site.margay("node", nodeAddress);
    const tor = { asn: gatewayAsn, passive: true, importPrefixes: [outside] };
    node.configure(
      {
        node: { name: "node" },
        timers,
        bestPath: { maximumPaths: gateways.length },
        peerGroups: { tor },
        peers: gateways.map(({ address }) => ({ address, group: "tor" })),
      },
      { asn, podPools: ["10.233.0.0/16"], topology: "mesh", members: [member] },
    );
    await node.startNode();
    await site.startGateways(gatewayAsn, { address: nodeAddress, asn });
  });
  after(() => site.close());

  const hops = (lines: readonly string[]): string[] =>
    gateways.map(({ address }) => address).filter((one) => lines.join(" ").includes(`via ${one} `));

  for (const { kind, address } of gateways) {
    scenario(
      "Multipath: one kernel route over all gateways, over the others when one withdraws",
      kind,
      async () => {
        const inKernel = (count: number): Promise<unknown> =>
          until(`${count} gateways in the kernel`, async () => {
            return hops(await kernelRoute()).length === count;
          });
        await inKernel(gateways.length);
        const unbroken = await watchSession(node, address);
        const statuses = (await node.route(outside))?.candidates.map(({ status }) => status);
        assert.deepEqual(statuses, ["best", ...gateways.slice(1).map(() => "multipath")]);
        await site.gateway(kind).withdraw(outside);
        const others = gateways.map((one) => one.address).filter((one) => one !== address);
        await inKernel(others.length);
        assert.deepEqual(hops(await kernelRoute()), others);
        await site.gateway(kind).announce(outside);
        await inKernel(gateways.length);
        await unbroken();
      },
    );
    scenario(
      "eBGP to a top-of-rack router: its own pod CIDR alone, next hop self",
      kind,
      async () => {
        const routes = await until(`${kind} to have the pods`, async () => {
          const learned = (await site.gateway(kind).routes()).filter(
            ({ asPath }) => asPath[0] === asn,
          );
          return learned.length > 0 && learned;
        });
        assert.deepEqual(
          routes.map(({ prefix, nextHop, asPath }) => [prefix, nextHop, asPath]),
          [[pods, nodeAddress, [asn]]],
        );
      },
    );
  }
});
