import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { type Node, TwoSegments } from "./support/two-segments.ts";

/** Seconds; an answer is not always there. */
const PATIENCE = "2";

/** One packet of every kind of path is caught on its way. */
describe("packets on the wire", {
  skip: whyNoNamespaces() ?? false,
  timeout: 120_000 * slowness,
}, () => {
  const lab = new TwoSegments("wire");
  const { network } = lab;

  before(async () => {
    await lab.build();
    await lab.addIpv6();
    const nodes = [
      [lab.near, 1, "fd00:1::2"],
      [lab.far, 2, "fd00:2::2"],
      [lab.beside, 3, "fd00:1::3"],
    ] as const;
    for (const [node, number, secondAddress] of nodes) {
      // An IPv6 pod is an address of the node itself, as far as the wire can tell.
      await network.ip(node.namespace, `addr add fd00:233:${number}::3/128 dev lo nodad`);
      const felix = await lab.felix(node, {
        ...{ tunnel: "vxlan", secondAddress },
        podCidrs: [node.podCidr, `fd00:233:${number}::/64`],
        podPools: ["10.0.0.0/8", "fd00:233::/32"],
      });
      for (const [other, of, address] of nodes) {
        if (of === number) continue;
        await felix.call("setRoute", other.podCidr, other.address);
        await felix.call("setRoute", `fd00:233:${of}::/64`, address);
      }
      if (node !== lab.near) {
        // What answers for the other prefixes.
        await network.ip(node.namespace, "route add local 10.50.0.0/16 dev lo");
        await network.ip(node.namespace, "addr add fd00:233:9::9/128 dev lo nodad");
      } else {
        await felix.call("setRoute", "10.50.1.0/24", "fd00:1::3");
        await felix.call("setRoute", "10.50.2.0/24", "fd00:2::2");
        await felix.call("setRoute", "fd00:233:9::/64", "192.168.2.2");
        await felix.call("setRoute", "10.50.3.0/24", "192.168.1.3", "192.168.2.2");
      }
      await felix.call("settled");
    }
  });

  after(() => lab.close());

  const macOf = async (node: Node): Promise<string> =>
    (await network.exec(node.namespace, "cat", "/sys/class/net/eth0/address")).trim();
  const ping = (address: string, source: string): Promise<string> =>
    network.exec(lab.near.namespace, "ping", "-c", "1", "-W", PATIENCE, "-I", source, address);
  /** From the node's own pods. */
  const ping6 = (address: string): Promise<string> => ping(address, "fd00:233:1::3");

  /** `eth0`'s frame from near to beside, and what it is to carry. */
  async function straight(ethertype: "IPv4" | "IPv6", inside: string): Promise<RegExp> {
    const [from, to] = [await macOf(lab.near), await macOf(lab.beside)];
    return new RegExp(`${from} > ${to}, ethertype ${ethertype} [^\n]*\n?[^\n]*${inside}`);
  }
  const number = (text: string): string => text.replaceAll(".", "\\.");
  /** VXLAN from near to far, one hop further on, and what it is to carry. */
  const wrapped = (outer: string, macs: readonly [string, string], inside: string): RegExp =>
    new RegExp(
      `${outer}[^]*4789: [^\n]*VXLAN, flags \\[I\\] \\(0x08\\), vni 4077\n${macs[0]} > ${macs[1]}, [^]*${inside}`,
    );
  const OVER_IPV4 =
    "ttl 63, [^]*proto UDP \\(17\\)[^]*192\\.168\\.1\\.2\\.\\d+ > 192\\.168\\.2\\.2\\.";
  const OVER_IPV6 = "hlim 63, next-header UDP \\(17\\)[^]*fd00:1::2\\.\\d+ > fd00:2::2\\.";
  const MACS4 = ["4e:77:c0:a8:01:02", "4e:77:c0:a8:02:02"] as const;
  const ECHO = "icmp[icmptype] == icmp-echo";

  test("straight to a node beside us: the pods' own packet, to the MAC address of that node", async () => {
    const { frames } = await lab.sniff(`${ECHO} and dst 10.233.3.3`, 1, "beside");
    await lab.ping(lab.near, lab.beside);
    assert.match(
      await frames,
      await straight("IPv4", "10\\.233\\.1\\.3 > 10\\.233\\.3\\.3: ICMP echo request"),
    );
  });

  test("VXLAN over IPv4: between the nodes' addresses, from our port, in our network", async () => {
    const { frames } = await lab.sniff("ip and udp port 4789 and src 192.168.1.2", 1);
    await lab.ping(lab.near, lab.far);
    const inside = "10\\.233\\.1\\.3 > 10\\.233\\.2\\.3: ICMP echo request";
    assert.match(await frames, wrapped(OVER_IPV4, MACS4, inside));
  });

  test("IPv6, straight", async () => {
    const { frames } = await lab.sniff("icmp6[0] == 128 and dst fd00:233:3::3", 1, "beside");
    await ping6("fd00:233:3::3");
    const inside = "fd00:233:1::3 > fd00:233:3::3: [^\n]*ICMP6, echo request";
    assert.match(await frames, await straight("IPv6", inside));
  });

  test("IPv6 through VXLAN over IPv6, and over IPv4 to a node that has no other address", async () => {
    const over6 = await lab.sniff("ip6 and udp port 4789 and src fd00:1::2", 1);
    await ping6("fd00:233:2::3");
    const to = (pod: string): string => `fd00:233:1::3 > ${pod}: [^\n]*ICMP6, echo request`;
    const macs = ["4a(?::\\w\\w){5}", "4a(?::\\w\\w){5}"] as const;
    assert.match(await over6.frames, wrapped(OVER_IPV6, macs, to("fd00:233:2::3")));
    const over4 = await lab.sniff("ip and udp port 4789 and src 192.168.1.2", 1);
    await ping6("fd00:233:9::9");
    assert.match(await over4.frames, wrapped(OVER_IPV4, MACS4, to("fd00:233:9::9")));
  });

  test("IPv4 by an IPv6 next hop, straight and through VXLAN over IPv6", async () => {
    const own = await lab.sniff(`${ECHO} and dst 10.50.1.1`, 1, "beside");
    await ping("10.50.1.1", "10.233.1.0");
    assert.match(await own.frames, await straight("IPv4", number("10.233.1.0 > 10.50.1.1")));
    const tunnelled = await lab.sniff("ip6 and udp port 4789 and src fd00:1::2", 1);
    await ping("10.50.2.1", "10.233.1.0");
    const macs = ["4a(?::\\w\\w){5}", "4a(?::\\w\\w){5}"] as const;
    assert.match(
      await tunnelled.frames,
      wrapped(OVER_IPV6, macs, `${number("10.233.1.0 > 10.50.2.1")}: ICMP echo request`),
    );
  });

  test("multipath: some go straight to the one, and some through the tunnel to the other", async () => {
    const own = await lab.sniff(`${ECHO} and dst net 10.50.3.0/24`, 1, "beside");
    const tunnelled = await lab.sniff("ip and udp port 4789 and src 192.168.1.2", 1);
    for (let host = 1; host <= 32; host++) {
      // From a pod: of what the node itself sends, newer kernels choose the way that the source address is on.
      await network.exec(lab.near.pod, "ping", "-c", "1", "-W", PATIENCE, `10.50.3.${host}`);
    }
    assert.match(await own.frames, await straight("IPv4", number("10.233.1.3 > 10.50.3.")));
    const inside = `${number("10.233.1.3 > 10.50.3.")}\\d+: ICMP echo request`;
    assert.match(await tunnelled.frames, wrapped(OVER_IPV4, MACS4, inside));
  });
});
