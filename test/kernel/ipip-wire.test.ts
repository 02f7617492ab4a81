import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { skipWithoutIpip } from "./support/ipip.ts";
import { slowness } from "./support/network.ts";
import { literal, SniffedSegments } from "./support/sniffed-segments.ts";

const skip = skipWithoutIpip();
const isShort = process.env["MARGAY_SHORT"] !== undefined;

interface OuterHeader {
  readonly ttl: number;
  /** As tcpdump writes them. */
  readonly flags: "DF" | "none";
  readonly to: string;
}

/** `ping`'s request in a packet of IPv4 around it, which is twenty octets longer, and nothing between the two. */
const wrapped = ({ ttl, flags, to }: OuterHeader, inside: string): string =>
  [
    `ttl ${ttl}, [^\n]*flags \\[${flags}\\], proto IPIP \\(4\\), length 104\\)`,
    ` +${literal(`192.168.1.2 > ${to}`)}: [^\n]*ttl 63, [^\n]*proto ICMP \\(1\\), length 84\\)`,
    ` +${inside}: ICMP echo request`,
  ].join("\n");
/** The same, in IPv6, from near to far, behind the router. */
const OVER_IPV6 =
  "hlim 63, next-header IPv6 \\(41\\) payload length: 104\\) fd00:1::2 > fd00:2::2: ";

const ways = [
  // The kernel's own device takes TTL and DF from the packet that it carries, which has passed near and has 63 left;
  { device: "tunl0", ttl: 63, flagsOfOthers: "none", nextHopObjects: "never" },
  // one of ours has its own TTL, and always asks for what path MTU discovery needs.
  { device: "margay", ttl: 64, flagsOfOthers: "DF", nextHopObjects: "auto" },
] as const;

for (const { device, ttl, flagsOfOthers, nextHopObjects } of ways) {
  describe(`packets through ${device} on the wire, next-hop objects: ${nextHopObjects}`, {
    skip: skip || (isShort && device !== "tunl0" && "expected: a run that is not short has it"),
    timeout: 120_000 * slowness,
  }, () => {
    const lab = new SniffedSegments(`wire-${device}`);
    let near: FelixProcess;

    before(async () => {
      await lab.build();
      await lab.network.ip(lab.far.namespace, "addr add 192.168.2.3/24 dev eth0");
      const tunnelSettings = { ipipDevice: device, ttl: 64 };
      near = await lab.programmers({}, { tunnelSettings, nextHopObjects });
      await near.call("setRoute", "10.50.3.0/24", "192.168.1.3", "192.168.2.2");
      await near.call("setRoute", "10.50.4.0/24", "192.168.2.2", "192.168.2.3");
      await near.setRoute("fd00:233:8::/64", "fd00:1::3", "fd00:2::2");
    });

    after(() => lab.close());

    const far: OuterHeader = { ttl: ttl - 1, flags: "DF", to: "192.168.2.2" };
    const ours = (to: string): string => `ip proto 4 and src 192.168.1.2 and dst ${to}`;
    const ping = (address: string): Promise<string> => lab.pingFromPod(address);
    const ping6 = (address: string): Promise<string> => lab.pingFrom("fd00:233:1::3", address);

    test("to a node behind a router: the pods' own packet in one between the nodes' addresses", async () => {
      const [route = ""] = await lab.network.routes(lab.near.namespace, "10.233.2.0/24");
      assert.ok(route.includes(` dev ${device} `), route);
      assert.equal(route.includes(" nhid "), nextHopObjects === "auto");
      const { frames } = await lab.sniff(ours("192.168.2.2"), 1);
      await lab.ping(lab.near, lab.far);
      const inside = literal("10.233.1.3 > 10.233.2.3");
      assert.match(await frames, new RegExp(wrapped(far, inside)));
    });

    test("one that may be fragmented on its way", async () => {
      const { frames } = await lab.sniff(ours("192.168.2.2"), 1);
      await lab.pingFromPod("-M", "dont", "10.233.2.3");
      const header = { ...far, flags: flagsOfOthers };
      const inside = literal("10.233.1.3 > 10.233.2.3");
      assert.match(await frames, new RegExp(wrapped(header, inside)));
    });

    test("multipath: some go straight to the one, and some through the tunnel to the other", async () => {
      const own = await lab.sniff("icmp[icmptype] == icmp-echo", 1, "beside");
      const tunnelled = await lab.sniff(ours("192.168.2.2"), 1);
      await lab.spread("10.50.3.", ping, [own, tunnelled]);
      const inside = literal("10.233.1.3 > 10.50.3.");
      assert.match(await own.frames, await lab.straight("IPv4", inside));
      assert.match(await tunnelled.frames, new RegExp(wrapped(far, `${inside}\\d+`)));
    });

    test("multipath through the tunnel: some to the one, and some to the other", async () => {
      const ends = ["192.168.2.2", "192.168.2.3"];
      const sniffed = await Promise.all(ends.map((to) => lab.sniff(ours(to), 1)));
      await lab.spread("10.50.4.", ping, sniffed);
      const inside = `${literal("10.233.1.3 > 10.50.4.")}\\d+`;
      for (const [index, to] of ends.entries()) {
        assert.match(await sniffed[index]!.frames, new RegExp(wrapped({ ...far, to }, inside)));
      }
    });

    test("IPv6 multipath: some go straight to the one, and some in IPv6 to the other", async () => {
      const own = await lab.sniff("icmp6[0] == 128 and dst net fd00:233:8::/64", 1, "beside");
      const tunnelled = await lab.sniff("ip6 proto 41 and src fd00:1::2", 1);
      await lab.spread("fd00:233:8::", ping6, [own, tunnelled]);
      const inside = "fd00:233:1::3 > fd00:233:8::\\w+: [^\n]*ICMP6, echo request";
      assert.match(await own.frames, await lab.straight("IPv6", inside));
      assert.match(await tunnelled.frames, new RegExp(`${OVER_IPV6}[^\n]*${inside}`));
    });

    test("with encapsulation always: through the tunnel to the node beside us, too", async () => {
      await near.call("setPoolPolicies", "always", "ipip");
      await near.call("settled");
      const { frames } = await lab.sniff(ours("192.168.1.3"), 1, "beside");
      await lab.ping(lab.near, lab.beside);
      const inside = literal("10.233.1.3 > 10.233.3.3");
      const header = { ttl, flags: "DF", to: "192.168.1.3" } as const;
      assert.match(await frames, await lab.straight("IPv4", wrapped(header, inside)));
    });
  });
}
