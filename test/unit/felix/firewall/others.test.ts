import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Firewall } from "../../../../src/felix/firewall/firewall.ts";
import { NftError } from "../../../../src/felix/firewall/nft.ts";
import { podPassage } from "../../../../src/felix/firewall/pod-passage.ts";
import { OUR_COMMENT } from "../../../../src/felix/firewall/rules.ts";
import type { FirewallFacts } from "../../../../src/felix/firewall/wish.ts";
import { parseIpAddress } from "../../../../src/net/ip-address.ts";
import type { NftablesTable } from "../../../../src/netlink/nftables-event.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { prefix } from "../../../support/felix-harness.ts";
import { MemoryNft } from "../../../support/memory-nft.ts";
import { accept, back, from, jump, masquerade, NftJson, to } from "../../../support/nft-json.ts";

const POD = "10.233.0.0/16";
const facts: FirewallFacts = {
  settings: { masquerade: "auto", guard: "never", forward: "accept" },
  ...{ podPools: [prefix(POD)], pools: [], tunnels: [], nodes: [] },
};
const masquerading = { ...facts, pools: [{ prefix: prefix(POD), natOutgoing: true }] };

const docker = (): NftJson =>
  new NftJson("ip filter")
    .forward("FORWARD", "drop", [jump("DOCKER-USER")])
    .chain("DOCKER-USER", [back]);
const opened = (): NftJson =>
  docker()
    .rule("FORWARD", [from(POD), accept], OUR_COMMENT)
    .rule("FORWARD", [to(POD), accept], OUR_COMMENT);
const closed = (): NftJson => new NftJson("inet mine").forward("forward", "drop");
const flannel = (): NftJson =>
  new NftJson("ip nat")
    .postrouting("POSTROUTING", [jump("FLANNEL-POSTRTG")])
    .chain("FLANNEL-POSTRTG", [from(POD), masquerade]);

let nft: MemoryNft;
let clock: FakeClock;
let firewall: Firewall;
let legacy: string[];
let said: string[];

beforeEach(() => {
  nft = new MemoryNft();
  clock = new FakeClock();
  legacy = [];
  said = [];
  const say = (_: object, message: string): void => void said.push(message);
  const logger = { ...silentLogger, warn: say, error: say, info: say };
  firewall = new Firewall({ nft, watch: nft.watch, legacyTables: () => legacy, clock, logger });
});

afterEach(() => firewall.stop());

/** Others have these tables now, and the kernel tells that this one changed. */
async function change(table: NftablesTable, ...tables: NftJson[]): Promise<void> {
  nft.others = tables;
  nft.touch(table);
  await firewall.settled();
}

/** What was listed since the last time. */
const listed = (): string[] => nft.listed.splice(0);

describe("others' rules", () => {
  test("that drop packets of pods are passed by, once, again after damage, and not when the policy is another", async () => {
    nft.others = [docker()];
    await firewall.want(facts);
    assert.equal(nft.scripts.length, 1);
    assert.deepEqual(firewall.status().passages, [{ place: "ip filter DOCKER-USER", pods: [POD] }]);
    assert.equal(firewall.status().table, "unneeded");
    await change("ip filter", opened());
    assert.equal(nft.scripts.length, 1);
    assert.equal(firewall.status().repairs, 0);
    await change("ip filter", docker());
    assert.equal(nft.scripts.length, 2);
    assert.equal(firewall.status().repairs, 1);
    assert.match(
      said.at(-1) ?? "",
      /^put back our rules in ip filter DOCKER-USER .*: iptables, port ID 4712$/,
    );
    await change("ip filter");
    await change("ip filter", docker());
    assert.equal(firewall.status().repairs, 1);
    assert.equal(nft.scripts.length, 3);
  });

  test("that change between the look and the writing are looked at again", async () => {
    nft.others = [docker()];
    let failures = 2;
    nft.beforeRules = () => {
      if (failures-- > 0) throw new NftError("nft(8) failed: gone", undefined, { isAbsent: true });
    };
    await firewall.want(facts);
    assert.equal(nft.scripts.length, 1);
    assert.deepEqual(firewall.status().obstacles, []);
  });

  test("are read again where they changed alone, and what was done elsewhere is not done twice", async () => {
    nft.others = [docker()];
    await firewall.want(masquerading);
    assert.deepEqual(listed(), ["list chains", "list table ip filter"]);
    await change("ip filter", opened());
    assert.deepEqual(listed(), ["list table ip filter"]);
    await change("ip filter", docker());
    assert.equal(firewall.status().repairs, 1);
    assert.deepEqual(listed(), ["list table ip filter"]);
    const done = nft.scripts.length;
    await change("inet mine", docker(), closed());
    assert.deepEqual(listed(), ["list chains", "list table inet mine"]);
    await change("ip nat", docker(), closed(), flannel());
    assert.deepEqual(listed(), [
      "list chains",
      "list chain ip nat POSTROUTING",
      "list chain ip nat FLANNEL-POSTRTG",
    ]);
    nft.touch("arp filter", "netdev mine");
    await firewall.settled();
    assert.deepEqual(listed(), []);
    const { passages, obstacles, masqueraded, repairs } = firewall.status();
    assert.deepEqual(passages, [{ place: "ip filter DOCKER-USER", pods: [POD] }]);
    assert.deepEqual(
      obstacles.map(({ text }) => text),
      [`inet mine forward drops packets of ${POD} by its policy`],
    );
    assert.deepEqual(masqueraded, []);
    assert.equal(repairs, 1);
    // Our own table was taken away, since flannel masquerades.
    assert.equal(nft.scripts.length, done + 1);
    await change("inet mine", docker(), flannel());
    assert.deepEqual(firewall.status().obstacles, []);
    listed();
    nft.overflow();
    await firewall.settled();
    assert.equal(listed().length, 4);
  });

  test("are all read again after a look that failed", async () => {
    await firewall.want(facts);
    nft.failure = new NftError("nft(8) did not end in time", undefined);
    await change("inet mine", closed());
    nft.failure = undefined;
    nft.others = [docker(), closed()];
    listed();
    await change("ip filter", docker(), closed());
    assert.deepEqual(listed(), ["list chains", "list table ip filter", "list table inet mine"]);
    assert.equal(firewall.status().obstacles.length, 1);
    assert.equal(firewall.status().passages.length, 1);
  });

  test("are looked at once a second at most, in the long run", async () => {
    await firewall.want(facts);
    for (let times = 0; times < 30; times++) await change("inet mine");
    const looks = listed().length;
    assert.ok(looks < 15, `${looks} looks`);
    clock.advance(1000);
    await firewall.settled();
    assert.deepEqual(listed(), ["list chains"]);
  });

  test("cost no more than a twentieth of a processor, however often they change", async () => {
    nft.others = [docker()];
    await firewall.want(facts);
    nft.cpuMsEach = 200;
    const before = nft.cpuMs;
    const lastsMs = 50_000;
    for (let times = 0; times < lastsMs / 10; times++) {
      clock.advance(10);
      await change("inet mine", docker(), closed());
    }
    // What may be done beforehand, and the last look, come on top.
    const cpuMs = nft.cpuMs - before;
    assert.ok(cpuMs >= lastsMs / 20 && cpuMs <= (lastsMs + 10_000) / 20 + 200, `${cpuMs} ms`);
  });

  test("that take long to be looked at, since the machine is busy, do not have the next look wait", async () => {
    nft.others = [docker()];
    await firewall.want(facts);
    nft.cpuMsEach = 5;
    nft.whileListingOthers = () => clock.advance(500);
    for (let times = 1; times <= 8; times++) {
      await change("ip filter", docker());
      assert.equal(firewall.status().repairs, times);
    }
  });

  test("that change without end elsewhere do not keep ours from being put back", async () => {
    nft.others = [docker()];
    await firewall.want(facts);
    nft.cpuMsEach = 300;
    for (let times = 0; times < 10; times++) await change("inet mine", docker(), closed());
    listed();
    await change("inet mine", docker(), closed());
    assert.deepEqual(listed(), []);
    nft.cpuMsEach = 5;
    await change("ip filter", docker());
    assert.equal(firewall.status().repairs, 1);
    assert.deepEqual(listed(), ["list table ip filter"]);
    // What had to wait is looked at in its time.
    clock.advance(30_000);
    await firewall.settled();
    assert.deepEqual(listed(), ["list table inet mine"]);
  });

  test("that are not ours to overrule are told, in the log once and in words for an address, until they are gone", async () => {
    await firewall.want(facts);
    await change("inet mine", closed());
    await change("inet mine", closed());
    const text = `inet mine forward drops packets of ${POD} by its policy`;
    const remedy = `put these rules into that chain: ip saddr ${POD} accept; ip daddr ${POD} accept`;
    assert.deepEqual(firewall.status().obstacles, [{ text, remedy, isSure: true, pods: [POD] }]);
    assert.deepEqual(said, [text]);
    const passage = (address: string): unknown =>
      podPassage(firewall.status(), parseIpAddress(address) as Uint8Array);
    assert.deepEqual(passage("10.233.1.2"), { ok: false, text, remedy });
    assert.equal(passage("10.1.1.2"), undefined);
    nft.others = [docker()];
    nft.touch("inet mine", "ip filter");
    await firewall.settled();
    assert.deepEqual(passage("10.233.1.2"), {
      ok: true,
      text: `rules of ours in ip filter DOCKER-USER let packets of ${POD} through`,
      remedy: undefined,
    });
    assert.equal(said.at(-1), "nothing drops packets of pods any more");
    assert.deepEqual(firewall.status().problems, []);
  });

  test("are only told of when that is the wish, and left alone entirely when it is none", async () => {
    nft.others = [opened()];
    await firewall.want({ ...facts, settings: { ...facts.settings, forward: "observe" } });
    assert.match(nft.scripts[0] ?? "", /^(delete rule ip filter FORWARD handle \d+\n){2}$/);
    const [obstacle] = firewall.status().obstacles;
    assert.match(
      obstacle?.remedy ?? "",
      /^`firewall.forward: accept`, or iptables -I FORWARD -s 10\./,
    );
    await firewall.want({ ...facts, settings: { ...facts.settings, forward: "never" } });
    assert.deepEqual(firewall.status().obstacles, []);
    const looks = nft.listed.length;
    await change("ip filter", docker());
    assert.equal(nft.listed.length, looks);
  });

  test("that masquerade pods are not doubled, and ours come when they go", async () => {
    nft.others = [flannel()];
    await firewall.want(masquerading);
    assert.equal(nft.table, undefined);
    const { masqueraded, masqueradedByOthers } = firewall.status();
    assert.deepEqual(masqueraded, []);
    assert.deepEqual(masqueradedByOthers, [`${POD} by flannel in ip nat FLANNEL-POSTRTG`]);
    await change("ip nat");
    assert.match(nft.table ?? "", /masquerade/);
    assert.deepEqual(firewall.status().masqueraded, [POD]);
    await change("ip nat", flannel());
    assert.equal(nft.table, undefined);
  });

  test("cannot be seen without nft(8): that is told as a doubt where nothing else needs it", async () => {
    nft.failure = new NftError("nft(8) is not installed", "apt-get install nftables");
    await firewall.want(facts);
    const { obstacles, problems, table } = firewall.status();
    assert.deepEqual(problems, []);
    assert.equal(table, "unneeded");
    assert.deepEqual(obstacles, [
      {
        text: "whether other programs' rules drop packets of pods is not known: nft(8) is not installed",
        ...{ remedy: "apt-get install nftables", isSure: false, pods: [] },
      },
    ]);
    nft.failure = undefined;
    nft.touch("ip filter");
    await firewall.settled();
    assert.deepEqual(firewall.status().obstacles, []);
  });

  test("of iptables-legacy are told of: beside nftables as a doubt, and alone with what to do", async () => {
    legacy = ["filter", "nat"];
    await firewall.want(facts);
    const [beside] = firewall.status().obstacles;
    assert.match(beside?.text ?? "", /^iptables-legacy has the table filter here/);
    assert.equal(beside?.isSure, false);
    nft.failure = new NftError("the kernel has no nftables: no", "modprobe nf_tables", {
      isUnsupported: true,
    });
    await firewall.want(masquerading);
    const [alone] = firewall.status().problems;
    assert.equal(
      alone?.text,
      "this host has iptables-legacy alone (tables filter, nat), which margay does not write: the kernel has no nftables: no",
    );
    assert.match(
      alone?.remedy ?? "",
      /^modprobe nf_tables, then update-alternatives .*iptables-legacy -I FORWARD -s 10\.233\.0\.0\/16 -j ACCEPT; iptables-legacy -I FORWARD -d /,
    );
    legacy = [];
    clock.advance(60_000);
    await firewall.settled();
    assert.equal(firewall.status().problems[0]?.remedy, "modprobe nf_tables");
  });
});
