import { spawn } from "node:child_process";
import { once } from "node:events";
import type { FelixProcess, PlainFirewall } from "./felix-process.ts";
import { TwoSegments } from "./two-segments.ts";

/** A firewall that keeps everything, over the nodes `near` and `far`. */
export const wholeFirewall: PlainFirewall = {
  settings: { masquerade: "auto", guard: "auto", forward: "accept" },
  podPools: ["10.233.0.0/16", "fd00:10::/32"],
  natOutgoing: [],
  nodes: ["192.168.1.2", "192.168.2.2"],
};

/** Two segments, of both IP versions, whose near node has a firewall of ours. */
export class GuardedSegments extends TwoSegments {
  override async build(): Promise<void> {
    await super.build();
    const { network, near, beside } = this;
    const settings = ["net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.all.accept_dad=0"];
    for (const namespace of [near.namespace, beside.namespace, this.router]) {
      await network.exec(namespace, "sysctl", "-qw", ...settings);
    }
    const ip = async (namespace: string, ...commands: string[]): Promise<void> =>
      network.batch(namespace, commands);
    await ip(
      near.namespace,
      "addr add fd00:1::2/64 dev eth0 nodad",
      "addr add fe80::1/64 dev pod0 nodad",
      "route add fd00:10:1::3 dev pod0",
      "route add default via fd00:1::1",
    );
    await ip(beside.namespace, "addr add fd00:1::3/64 dev eth0 nodad");
    await ip(this.router, "addr add fd00:1::1/64 dev lan0 nodad");
    await ip(
      near.pod,
      "addr add fd00:10:1::3/128 dev eth0 nodad",
      "route add default via fe80::1 dev eth0",
    );
  }

  /** The near node's programmer; `firewall` in place of the whole one. */
  guarded(firewall: PlainFirewall = wholeFirewall, nft = "nft"): Promise<FelixProcess> {
    return this.felix(this.near, {
      ...{ tunnel: "vxlan", secondAddress: "fd00:1::2" },
      ...{ podCidrs: ["10.233.1.0/24", "fd00:10:1::/64"], podPools: wholeFirewall.podPools },
      ...{ firewall, nft },
    });
  }

  /** nft(8) on the near node. */
  nft(...words: string[]): Promise<string> {
    return this.network.exec(this.near.namespace, "nft", ...words);
  }

  /** The near node's table of ours. */
  table(): Promise<string> {
    return this.nft("-s", "-p", "list", "table", "inet", "margay");
  }

  /** The first `count` packets that come to the near node's pod, and that a filter lets through. */
  async heard(filter: string, count: number): Promise<{ readonly packets: Promise<string> }> {
    const words = ["-l", "-n", "-i", "eth0", "-c", String(count), filter];
    const child = spawn("ip", ["netns", "exec", this.near.pod, "tcpdump", ...words]);
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const packets = once(child, "close").then(() => said);
    await once(child.stderr, "data");
    return { packets };
  }
}
