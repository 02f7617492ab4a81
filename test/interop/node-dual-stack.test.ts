import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { FOREIGN_SPEAKERS } from "../support/foreign/index.ts";
import { Margay } from "../support/margay.ts";
import { type Namespace, Network, type Segment } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";

const asn = 64_512;
const VERSIONS = [4, 6] as const;
interface Side {
  readonly address: Readonly<Record<4 | 6, string>>;
  readonly pods: Readonly<Record<4 | 6, string>>;
}
const OURS: Side = {
  address: { 4: "192.0.2.1", 6: "2001:db8::1" },
  pods: { 4: "10.233.1.0/24", 6: "fd00:233:1::/64" },
};
const THEIRS: Side = {
  address: { 4: "192.0.2.2", 6: "2001:db8::2" },
  pods: { 4: "10.233.2.0/24", 6: "fd00:233:2::/64" },
};

const cluster = {
  asn,
  podPools: ["10.233.0.0/16", "fd00:233::/32"],
  members: [
    { name: "ours", ...memberOf(OURS) },
    { name: "theirs", ...memberOf(THEIRS) },
  ],
};

function memberOf({ address, pods }: Side) {
  return { address: address[4], address6: address[6], podCidrs: Object.values(pods) };
}

async function plug(network: Network, at: Namespace, segment: Segment, { address }: Side) {
  await at.sysctl({ "net.ipv6.conf.default.accept_dad": 0 });
  await network.plug(at, "eth0", segment, `${address[4]}/24`);
  await at.ip(`address add ${address[6]}/64 dev eth0 nodad`);
}

describe("a node with IPv4 and IPv6 pods", () => {
  scenarios("A node with IPv4 and IPv6 pods: announced, learnt and programmed", async (kind) => {
    await using network = new Network(`mgi-nds-${kind}`);
    const directory = mkdtempSync(join(tmpdir(), "mgn-"));
    const segment = await network.segment("seg");
    const [here, there] = [await network.namespace("margay"), await network.namespace(kind)];
    await plug(network, here, segment, OURS);
    await plug(network, there, segment, THEIRS);
    const margay = new Margay(here, join(directory, "margay"));
    const foreign = FOREIGN_SPEAKERS[kind](there, join(directory, kind));
    try {
      margay.configure({ node: { name: "ours" }, timers: { connectRetrySeconds: 1 } }, cluster);
      await margay.startNode();
      await foreign.start({
        address: THEIRS.address[4],
        asn,
        routerId: THEIRS.address[4],
        holdTimeSeconds: 9,
        peers: [{ address: OURS.address[4], asn, families: VERSIONS }],
        originate: Object.values(THEIRS.pods),
        nextHops: THEIRS.address,
      });
      for (const version of VERSIONS) {
        const [pods, nextHop] = [THEIRS.pods[version], THEIRS.address[version]];
        await until(`margay's kernel to have ${pods}`, async () => {
          const route = await here.run(["ip", `-${version}`, "route", "show", pods]);
          return route.includes(`via ${nextHop} dev eth0 proto`);
        });
        const told = await until(`${kind} to be told ${OURS.pods[version]}`, async () =>
          (await foreign.routes()).find(({ prefix }) => prefix === OURS.pods[version]),
        );
        assert.equal(told.nextHop, OURS.address[version]);
      }
      assert.equal((await margay.peers()).length, 1);
      await foreign.withdraw(THEIRS.pods[6]);
      await until("the IPv6 pods to go, and they alone", async () => {
        const fib = await margay.fib();
        const wanted = new Set(fib.map(({ prefix }) => prefix));
        return !wanted.has(THEIRS.pods[6]) && wanted.has(THEIRS.pods[4]);
      });
    } finally {
      await Promise.allSettled([margay.stop(), foreign.stop()]);
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
