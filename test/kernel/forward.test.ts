import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { FelixProcess, PlainFirewall } from "./support/felix-process.ts";
import { slowness, whyNoNamespaces } from "./support/network.ts";
import { repairedWithin } from "./support/repaired-within.ts";
import { TwoSegments } from "./support/two-segments.ts";

const skip = whyNoNamespaces() ?? false;
const WITHIN_MS = 200 * slowness;
const POD = "10.233.0.0/16";

/** As Docker leaves it: packets on their way through are dropped, save those of its own bridges. */
const DOCKER = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER-FORWARD - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-FORWARD -i docker0 -j ACCEPT
-A DOCKER-USER -m comment --comment "of the operator" -s 192.0.2.0/24 -j DROP
-A DOCKER-USER -j RETURN
COMMIT
`;
const FLANNEL = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:FLANNEL-POSTRTG - [0:0]
:KUBE-POSTROUTING - [0:0]
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.233.1.0/24 -d 10.233.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.233.0.0/16 -d 10.233.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.233.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
COMMIT
`;
const OURS = [
  `-A DOCKER-USER -s ${POD} -m comment --comment "margay: pods" -j ACCEPT`,
  `-A DOCKER-USER -d ${POD} -m comment --comment "margay: pods" -j ACCEPT`,
];

const firewall: PlainFirewall = {
  settings: { masquerade: "auto", guard: "never", forward: "accept" },
  ...{ podPools: [POD], natOutgoing: [], nodes: [] },
};
const observing = { ...firewall, settings: { ...firewall.settings, forward: "observe" } };

describe("forwarding of pods' packets", { skip, timeout: 120_000 * slowness }, () => {
  const lab = new TwoSegments("fwd");
  let near: FelixProcess;

  before(async () => {
    await lab.build();
    near = await lab.felix(lab.near, { encapsulation: "never", firewall: observing });
    await near.setRoute("10.233.2.0/24", "192.168.1.1");
    await lab.network.ip(lab.router, "route add 10.233.1.0/24 via 192.168.1.2");
    await lab.network.ip(lab.router, "route add 10.233.2.0/24 via 192.168.2.2");
    await lab.network.exec(lab.far.namespace, "sysctl", "-qw", "net.ipv4.ip_forward=1");
  });

  after(() => lab.close());

  const nft = (...words: string[]): Promise<string> =>
    lab.network.exec(lab.near.namespace, "nft", ...words);
  const iptables = async (...words: string[]): Promise<string[]> => {
    const said = await lab.network.exec(lab.near.namespace, "iptables-nft", ...words);
    return said.split("\n").filter((line) => line !== "");
  };
  const restore = (input: string): void => {
    const words = ["netns", "exec", lab.near.namespace, "iptables-nft-restore"];
    execFileSync("ip", words, { input });
  };
  const isPinged = (): Promise<boolean> =>
    lab.network.exec(lab.far.pod, "ping", "-c", "1", "-W", "1", lab.near.podAddress).then(
      () => true,
      () => false,
    );
  const isOpen = (): Promise<void> =>
    near.untilStatus(({ firewall: it }) => it?.passages[0]?.place === "ip filter DOCKER-USER");

  async function configure(config: PlainFirewall): Promise<void> {
    await near.call("setFirewall", config);
    await near.call("settled");
  }

  test("is cut by Docker's policy, which is told, and let through by rules in the chain that Docker leaves to others", async () => {
    assert.equal(await isPinged(), true);
    restore(DOCKER);
    await near.untilStatus(({ firewall: it }) => it?.obstacles.length === 1);
    assert.equal(await isPinged(), false);
    const [obstacle] = (await near.status()).firewall?.obstacles ?? [];
    assert.equal(obstacle?.text, `ip filter FORWARD drops packets of ${POD} by its policy`);
    assert.equal(obstacle.isSure, true);
    const earlier = await iptables("-S");

    await configure(firewall);
    assert.equal(await isPinged(), true);
    const chain = await iptables("-S", "DOCKER-USER");
    assert.deepEqual(chain, [
      "-N DOCKER-USER",
      '-A DOCKER-USER -s 192.0.2.0/24 -m comment --comment "of the operator" -j DROP',
      ...OURS,
      "-A DOCKER-USER -j RETURN",
    ]);
    assert.deepEqual((await near.status()).firewall?.obstacles, []);
    const { passage } = await near.call<{ passage: object }>("explain", "10.233.1.3");
    assert.deepEqual(passage, {
      ok: true,
      text: `rules of ours in ip filter DOCKER-USER let packets of ${POD} through`,
    });

    await configure(observing);
    assert.deepEqual(await iptables("-S"), earlier);
    await configure(firewall);
  });

  test("is put back within 200 ms by whatever hand it was cut", async (t) => {
    const took: number[] = [];
    const comment = ["-m", "comment", "--comment", "margay: pods"];
    const saved = await lab.network.exec(lab.near.namespace, "iptables-nft-save", "-t", "filter");
    for (const damage of [
      () => iptables("-F", "DOCKER-USER"),
      () => iptables("-D", "DOCKER-USER", "-s", POD, ...comment, "-j", "ACCEPT"),
      () => iptables("-I", "FORWARD", "-j", "DROP"),
    ]) {
      const isWell = async (): Promise<void> => assert.equal(await isPinged(), true);
      took.push(await repairedWithin(WITHIN_MS, near, damage, isWell));
    }
    t.diagnostic(`took ${took.join(", ")} ms`);
    assert.match(
      near.log,
      /put back our rules in ip filter \S+ that someone deleted or changed: \S+, port ID \d+/,
    );
    // What iptables saved with our rules in it is what it restores.
    restore(saved);
    assert.equal(
      (await iptables("-S", "DOCKER-USER")).filter((rule) => OURS.includes(rule)).length,
      2,
    );
  });

  test("survives that Docker's tables go and come", async () => {
    await nft("delete table ip filter");
    await near.untilStatus(({ firewall: it }) => it?.passages.length === 0);
    restore(DOCKER);
    await isOpen();
    assert.equal(await isPinged(), true);
  });

  test("that a table of nftables drops is told with its rule, and nothing is done to it", async () => {
    const chain = "{ type filter hook forward priority 10; policy accept; }";
    await nft("add table inet mine");
    await nft("add chain inet mine passing", chain);
    await nft("add rule inet mine passing ct state established,related accept");
    await nft("add rule inet mine passing counter reject with icmpx admin-prohibited");
    await near.untilStatus(({ firewall: it }) => it?.obstacles.length === 1);
    assert.equal(await isPinged(), false);
    const [obstacle] = (await near.status()).firewall?.obstacles ?? [];
    assert.equal(
      obstacle?.text,
      `inet mine passing drops packets of ${POD} by its rule "counter reject with icmpx admin-prohibited"`,
    );
    const { passage } = await near.call<{ passage: { ok: boolean } }>("explain", "10.233.1.3");
    assert.equal(passage.ok, false);
    assert.ok(near.log.includes(`error ${obstacle.text}`), near.log);
    // What is to be done, done.
    const [first = "", second = ""] = obstacle.remedy.replace(/^.*?: /, "").split("; ");
    for (const rule of [first, second]) await nft(`insert rule inet mine passing ${rule}`);
    await near.untilStatus(({ firewall: it }) => it?.obstacles.length === 0);
    assert.equal(await isPinged(), true);
    await nft("delete table inet mine");
  });

  test("masquerade of flannel is seen beside kube-proxy's and not doubled; ours takes its place when it goes", async () => {
    restore(FLANNEL);
    await configure({ ...firewall, natOutgoing: [POD] });
    const { masqueraded, masqueradedByOthers, table } = (await near.status()).firewall ?? {};
    assert.deepEqual(masqueraded, []);
    assert.equal(table, "unneeded");
    assert.deepEqual(masqueradedByOthers, [`${POD} by flannel in ip nat FLANNEL-POSTRTG`]);
    assert.doesNotMatch(await nft("list", "tables"), /margay/);
    await iptables("-t", "nat", "-F", "FLANNEL-POSTRTG");
    await near.untilStatus(({ firewall: it }) => it?.table === "in place");
    assert.deepEqual((await near.status()).firewall?.masqueraded, [POD]);
    await configure(firewall);
  });

  test("is taken back by the clean-up, and Docker's rules are as they were", async () => {
    await isOpen();
    await near.stop(true);
    const rules = await iptables("-S");
    assert.equal(
      rules.some((rule) => rule.includes("margay")),
      false,
    );
    assert.equal(rules.filter((rule) => rule.startsWith("-A DOCKER-USER")).length, 2);
  });
});
