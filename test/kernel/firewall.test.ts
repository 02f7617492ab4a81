import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { canonical, tableText } from "../../src/felix/firewall/table.ts";
import { firewallWish } from "../../src/felix/firewall/wish.ts";
import { prefix } from "../support/felix-harness.ts";
import type { FelixProcess, PlainFirewall } from "./support/felix-process.ts";
import { GuardedSegments, wholeFirewall } from "./support/guarded-segments.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { repairedWithin } from "./support/repaired-within.ts";

const skip = whyNoNamespaces() ?? false;
const WITHIN_MS = 200 * slowness;
const masquerading: PlainFirewall = { ...wholeFirewall, natOutgoing: wholeFirewall.podPools };
const NODES = ["192.168.1.2", "192.168.2.2", "fd00:1::2"];

describe("the firewall", { skip, timeout: 120_000 * slowness }, () => {
  const lab = new GuardedSegments("fw");
  let near: FelixProcess;

  before(async () => {
    await lab.build();
    near = await lab.guarded();
    await near.call("pictureComplete");
    await near.setRoute("10.233.2.0/24", "192.168.2.2");
    const far = await lab.felix(lab.far, { tunnel: "vxlan" });
    await far.setRoute("10.233.1.0/24", "192.168.1.2");
  });

  after(() => lab.close());

  const router = (...words: string[]): Promise<string> =>
    lab.network.exec(lab.router, words[0] as string, ...words.slice(1));
  const pinged = (from: string, ...words: string[]): Promise<boolean> =>
    lab.network.exec(from, "ping", "-c", "1", "-W", "1", ...words).then(
      () => true,
      () => false,
    );

  function expected(firewall: PlainFirewall, nodes: readonly string[]): string {
    const pools = firewall.natOutgoing.map((text) => ({ prefix: prefix(text), natOutgoing: true }));
    const podPools = firewall.podPools.map(prefix);
    const settings = { masquerade: "auto", guard: "auto", forward: "accept" } as const;
    const wish = firewallWish({ settings, podPools, pools, tunnels: ["vxlan"] });
    return canonical(tableText(wish, nodes) ?? "");
  }

  async function configure(firewall: PlainFirewall): Promise<void> {
    await near.call("setFirewall", firewall);
    await near.call("settled");
  }

  test("is one table, as it was written", async () => {
    assert.equal(canonical(await lab.table()), expected(wholeFirewall, NODES));
    const { firewall } = await near.status();
    assert.deepEqual(firewall, {
      ...{ table: "in place", guarded: ["vxlan"], nodes: 3, masqueraded: [] },
      ...{ masqueradedByOthers: [], passages: [], obstacles: [] },
      ...{ repairs: 0, problems: [] },
    });
  });

  test("pods reach the outside by the node's address once their pools say so, and each other by their own", async () => {
    await router("nft", "add table inet seen");
    const chain = "{ type filter hook prerouting priority raw; }";
    await router("nft", `add chain inet seen by ${chain}`);
    for (const [version, source] of [
      ["ip", "10.233.0.0/16"],
      ["ip6", "fd00:10::/32"],
    ]) {
      await router("nft", `add rule inet seen by ${version} saddr ${source} counter`);
    }
    const unmasked = async (): Promise<number[]> =>
      [
        ...(await router("nft", "list", "chain", "inet", "seen", "by")).matchAll(/packets (\d+)/g),
      ].map(([, count]) => Number(count));

    await pinged(lab.near.pod, "192.168.1.1");
    await pinged(lab.near.pod, "fd00:1::1");
    assert.deepEqual(await unmasked(), [1, 1]);

    await configure(masquerading);
    assert.equal(canonical(await lab.table()), expected(masquerading, NODES));
    assert.equal(await pinged(lab.near.pod, "192.168.1.1"), true);
    assert.equal(await pinged(lab.near.pod, "fd00:1::1"), true);
    assert.deepEqual(await unmasked(), [1, 1]);
    // Each end of a ping between pods has the other's own address.
    const { frames } = await lab.sniff("udp port 4789", 2);
    await lab.ping(lab.near, lab.far);
    assert.match(await frames, /10\.233\.1\.3 > 10\.233\.2\.3.*10\.233\.2\.3 > 10\.233\.1\.3/s);
  });

  for (const { version, outer, node, inner, pod, bits } of [
    {
      ...{ version: 4, outer: "192.168.1.3", node: "192.168.1.2", bits: 32 },
      ...{ inner: "10.233.9.9", pod: "10.233.1.3" },
    },
    {
      ...{ version: 6, outer: "fd00:1::3", node: "fd00:1::2", bits: 128 },
      ...{ inner: "fd00:10:9::9", pod: "fd00:10:1::3" },
    },
  ]) {
    test(`IPv${version} packets of strangers come out of no VXLAN tunnel, those of nodes do`, async () => {
      const stranger = lab.beside.namespace;
      const spoof = `spoof${version}`;
      const vxlan = `type vxlan id 4077 local ${outer} remote ${node} dstport 4789`;
      // Any device of ours takes such frames: that of the stranger's IP version has to be there.
      await near.setRoute(version === 4 ? "10.233.8.0/24" : "fd00:10:8::/64", outer);
      await near.call("setPoolPolicies", "always", "vxlan");
      await near.call("settled");
      await configure({ ...masquerading, nodes: NODES });
      const device = version === 4 ? "vxlan.margay" : "vxlan6.margay";
      const link = await lab.network.ip(lab.near.namespace, `-o link show ${device}`);
      const mac = /link\/ether (\S+)/.exec(link)?.[1];
      await lab.network.batch(stranger, [
        `link add ${spoof} ${vxlan}`,
        `link set ${spoof} up`,
        `addr add ${inner}/${bits} dev ${spoof}${version === 6 ? " nodad" : ""}`,
        `neigh add ${pod} lladdr ${mac} dev ${spoof}`,
        `route add ${pod}/${bits} dev ${spoof}`,
      ]);
      // Whoever has routes of ours is a node; the stranger must not be one.
      await near.call("removeRoute", version === 4 ? "10.233.8.0/24" : "fd00:10:8::/64");
      await near.call("settled");
      const dropped = async (): Promise<number> => {
        const chain = await lab.nft("list", "chain", "inet", "margay", "guard");
        const rule = chain.split("\n").find((line) => line.includes(`@nodes${version}`)) ?? "";
        return Number(/packets (\d+)/.exec(rule)?.[1]);
      };
      const { packets } = await lab.heard(`src ${inner}`, 1);
      const earlier = await dropped();
      await pinged(stranger, "-s", "100", pod);
      assert.ok((await dropped()) > earlier);

      await configure({ ...masquerading, nodes: [...NODES, outer] });
      await pinged(stranger, "-s", "200", pod);
      assert.match(await packets, /length 208/);
    });
  }

  test("is put back within 200 ms, and it is said who did it", async (t) => {
    await configure(masquerading);
    const wanted = await lab.table();
    const took: number[] = [];
    for (const damage of [
      "delete table inet margay",
      "flush ruleset",
      "flush chain inet margay guard",
      "add element inet margay nodes4 { 192.168.1.99 }",
      "add rule inet margay outgoing accept",
      "add table inet margay { flags dormant; }",
    ]) {
      const harm = (): Promise<string> => lab.nft(damage);
      const isWell = async (): Promise<void> => assert.equal(await lab.table(), wanted, damage);
      took.push(await repairedWithin(WITHIN_MS, near, harm, isWell));
    }
    t.diagnostic(`took ${took.join(", ")} ms`);
    assert.match(near.log, /put back the table that someone deleted or changed: nft, port ID \d+/);
  });

  test("leaves other tables alone, and is gone when nothing is to be in it", async () => {
    await lab.nft("add table inet other");
    await configure({
      ...masquerading,
      settings: { masquerade: "never", guard: "never", forward: "never" },
    });
    assert.equal((await lab.nft("list", "tables")).trim(), "table inet other");
    assert.equal((await near.status()).firewall?.table, "unneeded");
    await configure(masquerading);
    assert.match(await lab.nft("list", "tables"), /table inet margay/);
  });

  test("that is there from an earlier life is taken over if it is right, else replaced; the clean-up takes it away", async () => {
    const handle = async (): Promise<string | undefined> =>
      /handle (\d+)/.exec(await lab.nft("-a", "list", "table", "inet", "margay"))?.[1];
    const earlier = await handle();
    assert.ok(earlier !== undefined);
    await near.stop(false);
    near = await lab.guarded(masquerading);
    assert.equal(await handle(), earlier);
    await near.stop(false);
    await lab.nft("add rule inet margay outgoing accept");
    await lab.nft("add element inet margay nodes4 { 192.168.1.99 }");
    near = await lab.guarded(masquerading);
    // Who is no node is not known yet.
    assert.equal(canonical(await lab.table()), expected(masquerading, ["192.168.1.99", ...NODES]));
    assert.notEqual(await handle(), earlier);
    await near.call("pictureComplete");
    await near.call("settled");
    assert.equal(canonical(await lab.table()), expected(masquerading, NODES));
    await near.stop(true);
    assert.equal((await lab.nft("list", "tables")).trim(), "table inet other");
  });

  test("without nft(8) it says what to install, and routes go in all the same", async () => {
    const felix = await lab.guarded(masquerading, "/nonexistent/nft");
    await felix.setRoute("10.233.2.0/24", "192.168.2.2");
    assert.deepEqual(await lab.network.routes(lab.near.namespace, "10.233.2.0/24"), [
      "10.233.2.0/24 via 192.168.2.2 dev vxlan.margay proto margay onlink",
    ]);
    const { firewall } = await felix.status();
    assert.equal(firewall?.table, "missing");
    assert.deepEqual(firewall?.problems, [
      { text: "nft(8) is not installed", remedy: "apt-get install nftables" },
    ]);
    assert.match(felix.log, /error the firewall is not kept: nft\(8\) is not installed/);
    await felix.stop(true);
  });
});
