import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/until.ts";
import type { FelixProcess } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { type Node, TwoSegments } from "./support/two-segments.ts";

const BESIDE = "192.168.1.3";

describe("two nodes judge alike whether they are on one segment", {
  skip: whyNoNamespaces() ?? false,
  timeout: 120_000 * slowness,
}, () => {
  const lab = new TwoSegments("ends");
  let near: FelixProcess;

  before(async () => {
    await lab.build();
    near = await lab.felix(lab.near, { tunnel: "vxlan" });
    const beside = await lab.felix(lab.beside, { tunnel: "vxlan" });
    await near.call("setNodeSubnets", { [BESIDE]: "192.168.1.0/24" });
    await near.setRoute(lab.beside.podCidr, BESIDE);
    await beside.setRoute(lab.near.podCidr, lab.near.address);
    for (const { namespace } of [lab.near, lab.beside]) {
      // Whoever sends one way and is answered another loses packets here.
      const strict = ["all", "eth0"].map((name) => `net.ipv4.conf.${name}.rp_filter=1`);
      await lab.network.exec(namespace, "sysctl", "-qw", ...strict);
    }
  });

  after(() => lab.close());

  const device = async (node: Node, to: Node): Promise<string | undefined> => {
    const [line] = await lab.network.routes(node.namespace, to.podCidr);
    return / dev (\S+) /.exec(line ?? "")?.[1];
  };
  const bothLeadThrough = (wanted: string): Promise<unknown> =>
    until(`both ends to use ${wanted}`, async () => {
      const ways = [await device(lab.near, lab.beside), await device(lab.beside, lab.near)];
      return ways.every((way) => way === wanted);
    });
  const beside = (words: string): Promise<string> => lab.network.ip(lab.beside.namespace, words);

  test("when one gets another mask, its own kernel and its record tell both ends, and again when it has it back", async () => {
    await bothLeadThrough("eth0");
    await lab.ping(lab.near, lab.beside);
    // A cloud's way: every address is a subnet of its own, and the router is reached all the same.
    await beside("route add 192.168.1.1 dev eth0");
    await beside(`addr add ${BESIDE}/32 dev eth0`);
    await beside(`addr del ${BESIDE}/24 dev eth0`);
    await beside("route replace default via 192.168.1.1 dev eth0");
    await near.call("setNodeSubnets", { [BESIDE]: `${BESIDE}/32` });
    await bothLeadThrough("vxlan.margay");
    await lab.ping(lab.near, lab.beside);
    const { lines } = await near.call<{ lines: string[] }>("explain", lab.beside.podAddress);
    assert.equal(
      lines.at(-2),
      `next hop ${BESIDE}: ${BESIDE} says its subnet is ${BESIDE}/32, which does not hold 192.168.1.2: tunnel`,
    );
    await beside(`addr add ${BESIDE}/24 dev eth0`);
    await near.call("setNodeSubnets", { [BESIDE]: "192.168.1.0/24" });
    await bothLeadThrough("eth0");
    await lab.ping(lab.near, lab.beside);
  });
});
