import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { otherMasquerades } from "../../../../src/felix/firewall/other-masquerade.ts";
import { readOthers } from "../../../../src/felix/firewall/others.ts";
import { prefix } from "../../../support/felix-harness.ts";
import { MemoryNft } from "../../../support/memory-nft.ts";
import {
  back,
  from,
  jump,
  marked,
  masquerade,
  matched,
  NftJson,
  notFrom,
  notTo,
  type Statement,
  to,
} from "../../../support/nft-json.ts";

const pods = [prefix("10.244.0.0/17"), prefix("10.99.0.0/16")];

/** As flannel writes it by iptables: comments of iptables are matches. */
const flannel = (json: NftJson): NftJson =>
  json.chain(
    "FLANNEL-POSTRTG",
    [marked("==", 0x4000), matched("comment"), back],
    [from("10.244.1.0/24"), to("10.244.0.0/16"), matched("comment"), back],
    [notFrom("10.244.0.0/16"), to("10.244.1.0/24"), matched("comment"), back],
    [from("10.244.0.0/16"), notTo("224.0.0.0/4"), matched("comment"), masquerade],
    [notFrom("10.244.0.0/16"), to("10.244.0.0/16"), matched("comment"), masquerade],
  );

const kubeProxy = (json: NftJson): NftJson =>
  json.chain(
    "KUBE-POSTROUTING",
    [marked("!=", 0x4000), back],
    [{ xt: { type: "target", name: "MARK" } }],
    [matched("comment"), masquerade],
  );

async function found(...tables: NftJson[]): Promise<string[]> {
  const nft = new MemoryNft();
  nft.others = tables;
  const others = await readOthers(nft, pods);
  return otherMasquerades(others, pods).map(({ pods: { text }, by }) => `${text} ${by}`);
}

const postrouting = (...targets: string[]): NftJson =>
  new NftJson("ip nat").postrouting(
    "POSTROUTING",
    ...targets.map((target): Statement[] => [matched("comment"), jump(target)]),
  );

describe("masquerading by others", () => {
  test("is found of flannel, whoever else has rules there, and however it writes them", async () => {
    const words = ["10.244.0.0/17 flannel in ip nat FLANNEL-POSTRTG"];
    assert.deepEqual(await found(flannel(postrouting("FLANNEL-POSTRTG"))), words);
    const both = postrouting("KUBE-POSTROUTING", "FLANNEL-POSTRTG");
    assert.deepEqual(await found(kubeProxy(flannel(both))), words);
    const nft = new NftJson("ip flannel-ipv4").postrouting(
      "postrtg",
      [marked("==", 0x4000), back],
      [from("10.244.0.0/16"), notTo("224.0.0.0/4"), { masquerade: { flags: "fully-random" } }],
    );
    assert.deepEqual(await found(nft), ["10.244.0.0/17 flannel in ip flannel-ipv4 postrtg"]);
  });

  test("is not found of kube-proxy, which does it to packets that it marked, nor of rules for a part", async () => {
    assert.deepEqual(await found(kubeProxy(postrouting("KUBE-POSTROUTING"))), []);
    // An older iptables has nft(8) see no more of a mark than that there is one to be.
    const older = postrouting("KUBE-POSTROUTING").chain(
      "KUBE-POSTROUTING",
      [matched("mark"), back],
      [masquerade],
    );
    assert.deepEqual(await found(older), []);
    const part = new NftJson("ip nat").postrouting("POSTROUTING", [
      from("10.244.7.0/24"),
      masquerade,
    ]);
    assert.deepEqual(await found(part), []);
  });

  test("is read chain by chain, of those alone that packets of pods get to", async () => {
    const nft = new MemoryNft();
    const json = postrouting("FLANNEL-POSTRTG").chain("KUBE-SVC-1", [masquerade]);
    json.rule("POSTROUTING", [from("10.5.0.1"), jump("CNI-1")]).chain("CNI-1", [masquerade]);
    nft.others = [flannel(json)];
    await readOthers(nft, pods);
    assert.deepEqual(nft.listed, [
      "list chains",
      "list chain ip nat POSTROUTING",
      "list chain ip nat FLANNEL-POSTRTG",
    ]);
    nft.listed.length = 0;
    await readOthers(nft, []);
    assert.deepEqual(nft.listed, ["list chains"]);
  });
});
