import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { literal, SniffedSegments } from "./support/sniffed-segments.ts";

/** VXLAN between two nodes' addresses, and what it is to carry. */
const wrapped = (outer: string, macs: readonly [string, string], inside: string): RegExp =>
  new RegExp(
    `${outer}[^]*4789: [^\n]*VXLAN, flags \\[I\\] \\(0x08\\), vni 4077\n${macs[0]} > ${macs[1]}, [^]*${inside}`,
  );
/** From near to far, behind the router. */
const OVER_IPV4 =
  "ttl 63, [^]*proto UDP \\(17\\)[^]*192\\.168\\.1\\.2\\.\\d+ > 192\\.168\\.2\\.2\\.";
const OVER_IPV6 = "hlim 63, next-header UDP \\(17\\)[^]*fd00:1::2\\.\\d+ > fd00:2::2\\.";
const MACS4 = ["4e:77:c0:a8:01:02", "4e:77:c0:a8:02:02"] as const;
const MACS6 = ["4a(?::\\w\\w){5}", "4a(?::\\w\\w){5}"] as const;
/** From near to beside, on one segment. */
const BESIDE4 =
  "ttl 64, [^\n]*proto UDP \\(17\\)[^\n]*\n[^\n]*192\\.168\\.1\\.2\\.\\d+ > 192\\.168\\.1\\.3\\.";
const BESIDE_MACS4 = ["4e:77:c0:a8:01:02", "4e:77:c0:a8:01:03"] as const;
const ECHO = "icmp[icmptype] == icmp-echo";
const ECHO6 = "icmp6[0] == 128";

/** One packet of every kind of path is caught on its way. Those through IPIP are in ipip-wire.test.ts. */
for (const nextHopObjects of ["never", "auto"]) {
  describe(`packets on the wire, next-hop objects: ${nextHopObjects}`, {
    skip: whyNoNamespaces() ?? false,
    timeout: 120_000 * slowness,
  }, () => {
    const lab = new SniffedSegments(`wire-${nextHopObjects}`);
    let near: FelixProcess;

    before(async () => {
      await lab.build();
      await lab.network.ip(lab.far.namespace, "addr add fd00:233:9::9/128 dev lo nodad");
      near = await lab.programmers({ tunnel: "vxlan", nextHopObjects });
      await near.call("setRoute", "10.50.1.0/24", "fd00:1::3");
      await near.call("setRoute", "10.50.2.0/24", "fd00:2::2");
      await near.call("setRoute", "fd00:233:9::/64", "192.168.2.2");
      await near.call("setRoute", "10.50.3.0/24", "192.168.1.3", "192.168.2.2");
      await near.setRoute("fd00:233:8::/64", "fd00:1::3", "fd00:2::2");
    });

    after(() => lab.close());

    const ping = (address: string): Promise<string> => lab.pingFromPod(address);
    /** From the node's own pods. */
    const ping6 = (address: string): Promise<string> => lab.pingFrom("fd00:233:1::3", address);

    test("their routes name objects where they shall, and else none", async () => {
      const [route = ""] = await lab.network.routes(lab.near.namespace, "10.233.2.0/24");
      assert.equal(route.includes(" nhid "), nextHopObjects === "auto");
    });

    test("straight to a node beside us: the pods' own packet, to the MAC address of that node", async () => {
      const { frames } = await lab.sniff(`${ECHO} and dst 10.233.3.3`, 1, "beside");
      await lab.ping(lab.near, lab.beside);
      const inside = literal("10.233.1.3 > 10.233.3.3: ICMP echo request");
      assert.match(await frames, await lab.straight("IPv4", inside));
    });

    test("VXLAN over IPv4: between the nodes' addresses, from our port, in our network", async () => {
      const { frames } = await lab.sniff("ip and udp port 4789 and src 192.168.1.2", 1);
      await lab.ping(lab.near, lab.far);
      const inside = literal("10.233.1.3 > 10.233.2.3: ICMP echo request");
      assert.match(await frames, wrapped(OVER_IPV4, MACS4, inside));
    });

    test("IPv6, straight", async () => {
      const { frames } = await lab.sniff(`${ECHO6} and dst fd00:233:3::3`, 1, "beside");
      await ping6("fd00:233:3::3");
      const inside = "fd00:233:1::3 > fd00:233:3::3: [^\n]*ICMP6, echo request";
      assert.match(await frames, await lab.straight("IPv6", inside));
    });

    test("IPv6 through VXLAN over IPv6, and over IPv4 to a node that has no other address", async () => {
      const over6 = await lab.sniff("ip6 and udp port 4789 and src fd00:1::2", 1);
      await ping6("fd00:233:2::3");
      const to = (pod: string): string => `fd00:233:1::3 > ${pod}: [^\n]*ICMP6, echo request`;
      assert.match(await over6.frames, wrapped(OVER_IPV6, MACS6, to("fd00:233:2::3")));
      const over4 = await lab.sniff("ip and udp port 4789 and src 192.168.1.2", 1);
      await ping6("fd00:233:9::9");
      assert.match(await over4.frames, wrapped(OVER_IPV4, MACS4, to("fd00:233:9::9")));
    });

    test("IPv4 by an IPv6 next hop, straight and through VXLAN over IPv6", async () => {
      const own = await lab.sniff(`${ECHO} and dst 10.50.1.1`, 1, "beside");
      await lab.pingFrom("10.233.1.0", "10.50.1.1");
      assert.match(await own.frames, await lab.straight("IPv4", literal("10.233.1.0 > 10.50.1.1")));
      const tunnelled = await lab.sniff("ip6 and udp port 4789 and src fd00:1::2", 1);
      await lab.pingFrom("10.233.1.0", "10.50.2.1");
      const inside = literal("10.233.1.0 > 10.50.2.1: ICMP echo request");
      assert.match(await tunnelled.frames, wrapped(OVER_IPV6, MACS6, inside));
    });

    test("multipath: some go straight to the one, and some through the tunnel to the other", async () => {
      const own = await lab.sniff(`${ECHO} and dst net 10.50.3.0/24`, 1, "beside");
      const tunnelled = await lab.sniff("ip and udp port 4789 and src 192.168.1.2", 1);
      // From a pod: of what the node itself sends, newer kernels choose the way that the source address is on.
      await lab.spread("10.50.3.", ping, [own, tunnelled]);
      const inside = literal("10.233.1.3 > 10.50.3.");
      assert.match(await own.frames, await lab.straight("IPv4", inside));
      const request = `${inside}\\d+: ICMP echo request`;
      assert.match(await tunnelled.frames, wrapped(OVER_IPV4, MACS4, request));
    });

    test("IPv6 multipath: the same", async () => {
      const own = await lab.sniff(`${ECHO6} and dst net fd00:233:8::/64`, 1, "beside");
      const tunnelled = await lab.sniff("ip6 and udp port 4789 and src fd00:1::2", 1);
      await lab.spread("fd00:233:8::", ping6, [own, tunnelled]);
      const inside = "fd00:233:1::3 > fd00:233:8::\\w+: [^\n]*ICMP6, echo request";
      assert.match(await own.frames, await lab.straight("IPv6", inside));
      assert.match(await tunnelled.frames, wrapped(OVER_IPV6, MACS6, inside));
    });

    test("with encapsulation always: in VXLAN to the node beside us, too, and by both of two next hops", async () => {
      await near.call("setPoolPolicies", "always", "vxlan");
      await near.call("settled");
      const sniffed = "ip and udp port 4789 and src 192.168.1.2";
      const single = await lab.sniff(sniffed, 1, "beside");
      await lab.ping(lab.near, lab.beside);
      const toBeside = (inside: string): Promise<RegExp> =>
        lab.straight("IPv4", wrapped(BESIDE4, BESIDE_MACS4, inside).source);
      const pods = literal("10.233.1.3 > 10.233.3.3: ICMP echo request");
      assert.match(await single.frames, await toBeside(pods));

      const beside = await lab.sniff(sniffed, 1, "beside");
      const far = await lab.sniff(sniffed, 1);
      await lab.spread("10.50.3.", ping, [beside, far]);
      const inside = `${literal("10.233.1.3 > 10.50.3.")}\\d+: ICMP echo request`;
      assert.match(await beside.frames, await toBeside(inside));
      assert.match(await far.frames, wrapped(OVER_IPV4, MACS4, inside));
    });
  });
}
