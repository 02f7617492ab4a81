import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { nodesIn } from "../../../../src/felix/firewall/table.ts";
import { FelixHarness, prefix } from "../../../support/felix-harness.ts";
import { MemoryNft } from "../../../support/memory-nft.ts";

let h: FelixHarness;
let nft: MemoryNft;

beforeEach(async () => {
  h = new FelixHarness();
  nft = new MemoryNft();
  await h.router();
});

afterEach(() => h.stop());

const OWN = "192.168.1.2";
const settings = { masquerade: "never", guard: "auto", forward: "never" } as const;
const nobody = { settings, podPools: [], pools: [], nodes: [] };

const start = (options: Parameters<FelixHarness["start"]>[0] = {}): Promise<unknown> =>
  h.start({
    ...{ podCidrs: [], tunnel: "vxlan", firewall: nobody },
    nftables: { nft, watch: nft.watch },
    ...options,
  });

/** Whose tunnelled packets get through, this node aside. */
const nodes = (): string[] =>
  nodesIn(nft.table ?? "")
    .filter((address) => address !== OWN)
    .sort();

const isGuarded = (): boolean => nft.table?.includes("udp dport 4789") === true;

describe("who is a node", () => {
  test("stays one over a restart until the picture is complete, whoever tells of whom first", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    h.set("10.233.3.0/24", "192.168.3.2");
    await h.quiet();
    await h.felix.stop({ cleanup: false });
    const before = nft.scripts.length;
    await start();
    assert.deepEqual(nodes(), ["192.168.2.2", "192.168.3.2"]);
    h.set("10.233.3.0/24", "192.168.3.2");
    h.set("10.233.4.0/24", "192.168.4.2");
    await h.quiet();
    assert.deepEqual(nft.scripts.slice(before), [
      "add element inet margay nodes4 { 192.168.4.2 }\n",
    ]);
    assert.equal(h.felix.status().firewall?.nodes, 4);
    h.felix.pictureComplete();
    await h.quiet();
    assert.deepEqual(nodes(), ["192.168.3.2", "192.168.4.2"]);
    assert.equal(h.felix.status().firewall?.nodes, 3);
    assert.equal(h.felix.status().firewall?.repairs, 0);
  });

  test("is in a table that has to be written anew over a restart, too", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    await h.felix.stop({ cleanup: false });
    await start({ tunnel: "auto" });
    assert.match(nft.scripts.at(-1) ?? "", /^add table/);
    assert.deepEqual(nodes(), ["192.168.2.2"]);
  });

  test("is known by the routes of an earlier life, where its table is gone", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    await h.felix.stop({ cleanup: false });
    nft.table = undefined;
    await start();
    assert.deepEqual(nodes(), ["192.168.2.2"]);
    h.felix.pictureComplete();
    await h.quiet();
    assert.deepEqual(nodes(), []);
  });

  test("stays one as long as the removal of the routes to it is frozen", async () => {
    let whole = false;
    const many = Array.from({ length: 20 }, (_, index) => `10.233.${index + 100}.0/24`);
    await start({ isPictureWhole: () => whole });
    h.felix.pictureComplete();
    for (const text of many) h.set(text, "192.168.3.2");
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    for (const text of many) h.felix.removeRoute(prefix(text));
    h.set("10.233.2.0/24", "192.168.4.2");
    await h.quiet();
    assert.equal(h.felix.status().frozenRemovals, 20);
    assert.deepEqual(nodes(), ["192.168.3.2", "192.168.4.2"]);
    whole = true;
    h.felix.pictureChanged();
    await h.quiet();
    assert.deepEqual(nodes(), ["192.168.4.2"]);
  });

  test("stays one as long as an IPv6 route leads to its link-local address", async () => {
    let whole = false;
    const many = Array.from({ length: 20 }, (_, index) => `fd00:233:${index + 2}::/64`);
    await start({ encapsulation: "always", isPictureWhole: () => whole });
    for (const text of many) h.set(text, "192.168.1.3");
    h.felix.pictureComplete();
    await h.quiet();
    for (const text of many) h.felix.removeRoute(prefix(text));
    await h.quiet();
    assert.equal(h.felix.status().frozenRemovals, 20);
    assert.deepEqual(nodes(), ["192.168.1.3"]);
    whole = true;
    h.felix.pictureChanged();
    await h.quiet();
    assert.deepEqual(nodes(), []);
  });

  test("is none any more when the route to it is gone, and not before", async () => {
    await start();
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    const wereThere: number[] = [];
    const { apply } = MemoryNft.prototype;
    nft.apply = (script) => {
      if (script.startsWith("delete element")) wereThere.push(h.there().length);
      return apply.call(nft, script);
    };
    h.felix.removeRoute(prefix("10.233.2.0/24"));
    await h.quiet();
    assert.deepEqual(nodes(), []);
    assert.deepEqual(wereThere, [0]);
  });
});

describe("a tunnel that no policy has a use for", () => {
  const never = { encapsulation: "never", tunnel: "vxlan" } as const;

  test("is guarded until it is gone", async () => {
    await start();
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    h.felix.setPoolPolicies([], never);
    await h.quiet();
    assert.ok(isGuarded());
    h.clock.advance(10_000);
    await h.quiet();
    await h.quiet();
    assert.ok(![...h.kernel.links.values()].some(({ kind }) => kind === "vxlan"));
    assert.equal(nft.table, undefined);
  });

  test("is guarded over a restart, too", async () => {
    await start();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    await h.felix.stop({ cleanup: false });
    const before = nft.scripts.length;
    await start(never);
    assert.ok(isGuarded());
    assert.equal(nft.scripts.length, before);
  });

  test("is guarded beside the one that takes its place", async () => {
    await start({ tunnel: "ipip", podCidrs: [prefix("10.233.1.0/24")] });
    h.felix.pictureComplete();
    h.set("10.233.2.0/24", "192.168.2.2");
    await h.quiet();
    h.felix.setPoolPolicies([], { encapsulation: "cross-subnet", tunnel: "vxlan" });
    await h.quiet();
    assert.deepEqual(h.felix.status().firewall?.guarded, ["ipip", "vxlan"]);
    h.clock.advance(10_000);
    await h.quiet();
    await h.quiet();
    assert.deepEqual(h.felix.status().firewall?.guarded, ["vxlan"]);
  });
});
