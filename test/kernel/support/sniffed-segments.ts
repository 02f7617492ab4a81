import assert from "node:assert/strict";
import type { FelixProcess, FelixProcessOptions } from "./felix-process.ts";
import { type Node, TwoSegments } from "./two-segments.ts";

/** Seconds; an answer is not always there. */
const PATIENCE = "2";

/** Destinations of one prefix: more than enough for every next hop that it has to be some packet's. */
const MOST_DESTINATIONS = 64;

/** Far and beside both answer for these. */
const ANSWERED = { 4: "10.50.0.0/16", 6: "fd00:233:8::/48" } as const;

/**
 * Two segments of both IP versions, on whose wires packets are caught. Every node has a programmer with routes to the
 * others' pods, and an IPv6 pod, which is an address of the node itself, as far as the wire can tell.
 */
export class SniffedSegments extends TwoSegments {
  override async build(): Promise<void> {
    await super.build();
    await this.addIpv6();
    for (const [index, { namespace }] of this.nodes.entries()) {
      await this.network.ip(namespace, `addr add fd00:233:${index + 1}::3/128 dev lo nodad`);
    }
    for (const { namespace } of [this.far, this.beside]) {
      await this.network.ip(namespace, `route add local ${ANSWERED[4]} dev lo`);
      await this.network.ip(namespace, `-6 route add local ${ANSWERED[6]} dev lo`);
    }
  }

  /** Starts the programmers; resolves to that of `near`, which may have options of its own. */
  async programmers(
    options: Partial<FelixProcessOptions>,
    ofNear: Partial<FelixProcessOptions> = {},
  ): Promise<FelixProcess> {
    const nodes = [
      { node: this.near, secondAddress: "fd00:1::2", pods6: "fd00:233:1::/64" },
      { node: this.far, secondAddress: "fd00:2::2", pods6: "fd00:233:2::/64" },
      { node: this.beside, secondAddress: "fd00:1::3", pods6: "fd00:233:3::/64" },
    ];
    const all: FelixProcess[] = [];
    for (const { node, secondAddress, pods6 } of nodes) {
      const felix = await this.felix(node, {
        ...{ secondAddress, podCidrs: [node.podCidr, pods6] },
        ...{ podPools: ["10.0.0.0/8", "fd00:233::/32"], ...options },
        ...(node === this.near && ofNear),
      });
      all.push(felix);
      for (const other of nodes) {
        if (other.node === node) continue;
        await felix.call("setRoute", other.node.podCidr, other.node.address);
        await felix.call("setRoute", other.pods6, other.secondAddress);
      }
      await felix.call("settled");
    }
    return all[0] as FelixProcess;
  }

  /** One ping from near's own pod, and the same from an address of the node. */
  pingFromPod(...words: readonly string[]): Promise<string> {
    return this.network.exec(this.near.pod, "ping", "-c", "1", "-W", PATIENCE, ...words);
  }

  pingFrom(source: string, address: string): Promise<string> {
    const words = ["-c", "1", "-W", PATIENCE, "-I", source, address];
    return this.network.exec(this.near.namespace, "ping", ...words);
  }

  /** Pings one address after the other, which begin with `10.50.3.` or the like, until on each of some ways one is caught. */
  async spread(
    start: string,
    ping: (address: string) => Promise<string>,
    ways: readonly { readonly frames: Promise<string> }[],
  ): Promise<void> {
    let areCaught = false;
    void Promise.all(ways.map(({ frames }) => frames)).then(() => (areCaught = true));
    for (let host = 1; !areCaught; host++) {
      assert.ok(host <= MOST_DESTINATIONS, `${start}… goes one way only`);
      await ping(`${start}${host}`);
    }
  }

  /** What tcpdump says of `eth0`'s frame from near to beside, and what it is to carry. */
  async straight(ethertype: "IPv4" | "IPv6", inside: string): Promise<RegExp> {
    const [from, to] = [await this.#macOf(this.near), await this.#macOf(this.beside)];
    return new RegExp(`${from} > ${to}, ethertype ${ethertype} [^\n]*\n?[^\n]*${inside}`);
  }

  async #macOf({ namespace }: Node): Promise<string> {
    return (await this.network.exec(namespace, "cat", "/sys/class/net/eth0/address")).trim();
  }
}

/** Text, in an expression. */
export const literal = (text: string): string => text.replaceAll(".", "\\.");
