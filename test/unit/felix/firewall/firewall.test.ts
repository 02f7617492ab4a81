import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Firewall } from "../../../../src/felix/firewall/firewall.ts";
import { NftError } from "../../../../src/felix/firewall/nft.ts";
import { tableText } from "../../../../src/felix/firewall/table.ts";
import { type FirewallFacts, firewallWish } from "../../../../src/felix/firewall/wish.ts";
import { silentLogger } from "../../../../src/platform/logger.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { prefix } from "../../../support/felix-harness.ts";
import { MemoryNft } from "../../../support/memory-nft.ts";

const facts: FirewallFacts = {
  settings: { masquerade: "auto", guard: "auto", forward: "accept" },
  podPools: [prefix("10.233.0.0/16")],
  pools: [{ prefix: prefix("10.233.0.0/16"), natOutgoing: true }],
  tunnels: ["ipip"],
  nodes: ["192.168.1.2", "192.168.1.3"],
};
const never: FirewallFacts = {
  ...facts,
  settings: { masquerade: "never", guard: "never", forward: "never" },
};
const text = tableText(firewallWish(facts), facts.nodes);
const missing = new NftError("nft(8) is not installed", "apt-get install nftables");

let nft: MemoryNft;
let clock: FakeClock;
let firewall: Firewall;
let said: string[];

beforeEach(() => {
  nft = new MemoryNft();
  clock = new FakeClock();
  said = [];
  const say = (_: object, message: string): void => void said.push(message);
  const logger = { ...silentLogger, warn: say, error: say, info: say };
  firewall = new Firewall({ nft, watch: nft.watch, clock, logger });
});

afterEach(() => firewall.stop());

/** Somebody does something; resolves when the firewall has seen to it. */
async function after(action: () => void): Promise<void> {
  action();
  await firewall.settled();
}

describe("the firewall", () => {
  test("writes the table once, and its nodes as they come and go", async () => {
    await firewall.want(facts);
    assert.equal(nft.table, text);
    await firewall.want(facts);
    assert.equal(nft.scripts.length, 1);
    await firewall.want({ ...facts, nodes: ["192.168.1.2", "192.168.1.4"] });
    assert.deepEqual(nft.scripts.slice(1), [
      "delete element inet margay nodes4 { 192.168.1.3 }\n" +
        "add element inet margay nodes4 { 192.168.1.4 }\n",
    ]);
    assert.equal(firewall.status().repairs, 0);
  });

  test("takes over a table that is right, and replaces one that is not", async () => {
    nft.table = text?.replaceAll("\n", "\n ");
    await firewall.want(facts);
    assert.deepEqual(nft.scripts, []);
    assert.equal(firewall.status().table, "in place");
    const other = new Firewall({ nft, watch: nft.watch, clock, logger: silentLogger });
    nft.table = "table inet margay {}";
    await other.want(facts);
    assert.equal(nft.table, text);
    assert.equal(other.status().repairs, 0);
    await other.stop();
  });

  test("puts back what others change, and says who they are", async () => {
    await firewall.want(facts);
    await after(() => nft.change(undefined));
    assert.equal(nft.table, text);
    assert.match(said.at(-1) ?? "", /someone deleted or changed: nft, port ID 4711$/);
    clock.advance(5000);
    await after(() => nft.change(`${text} more`));
    assert.equal(nft.table, text);
    assert.equal(firewall.status().repairs, 2);
  });

  test("finds damage that nobody told of: after lost events, and once a minute", async () => {
    await firewall.want(facts);
    clock.advance(5000);
    nft.table = undefined;
    await after(() => nft.overflow());
    assert.equal(nft.table, text);
    nft.table = "table inet margay {}";
    await after(() => clock.advance(60_000));
    assert.equal(nft.table, text);
    await after(() => clock.advance(60_000));
    assert.equal(firewall.status().repairs, 2);
  });

  test("takes no damage for its own table's look that is done between writing and looking", async () => {
    let isDone = false;
    nft.beforeListing = () => {
      if (nft.table === undefined || isDone) return;
      isDone = true;
      nft.change("table inet margay {}");
    };
    await firewall.want(facts);
    assert.equal(nft.table, text);
    assert.equal(firewall.status().table, "in place");
  });

  test("writes the whole when the nodes cannot be changed in what is there", async () => {
    await firewall.want(facts);
    nft.table = undefined;
    await firewall.want({ ...facts, nodes: ["192.168.1.2"] });
    assert.equal(nft.table, tableText(firewallWish(facts), ["192.168.1.2"]));
  });

  test("rests when another program keeps changing the table, and then goes on", async () => {
    await firewall.want(facts);
    for (let times = 0; times < 20; times++) {
      clock.advance(10);
      await after(() => nft.change(undefined));
    }
    assert.equal(firewall.status().repairs, 20);
    assert.match(firewall.status().problems[0]?.text ?? "", /keeps changing/);
    await after(() => nft.change(undefined));
    assert.equal(nft.table, undefined);
    await after(() => clock.advance(10_000));
    assert.equal(nft.table, text);
    assert.deepEqual(firewall.status().problems, []);
  });

  test("tells once what fails, and tries again, less and less often", async () => {
    nft.failure = missing;
    await firewall.want(facts);
    const { table, problems } = firewall.status();
    assert.equal(table, "missing");
    assert.deepEqual(problems, [
      { errno: undefined, text: missing.text, remedy: "apt-get install nftables" },
    ]);
    await after(() => clock.advance(1000));
    assert.equal(said.length, 1);
    nft.failure = undefined;
    await after(() => clock.advance(1999));
    assert.equal(nft.table, undefined);
    await after(() => clock.advance(1));
    assert.equal(nft.table, text);
    assert.equal(firewall.status().table, "in place");
    assert.deepEqual(said, [
      "the firewall is not kept: nft(8) is not installed",
      "the firewall is as it shall be again",
    ]);
  });

  test("needs no nft(8) when nothing is wanted, nor looks; takes an earlier life's table away", async () => {
    nft.failure = missing;
    await firewall.want(never);
    assert.deepEqual(firewall.status().problems, []);
    assert.equal(firewall.status().table, "unneeded");
    assert.equal(nft.isWatched, false);
    nft.failure = undefined;
    nft.table = text;
    const other = new Firewall({ nft, watch: nft.watch, clock, logger: silentLogger });
    await other.want(never);
    assert.equal(nft.table, undefined);
    await other.stop();
  });

  test("stops, and leaves the table there", async () => {
    await firewall.want(facts);
    await firewall.stop();
    assert.equal(nft.isWatched, false);
    assert.equal(nft.table, text);
  });
});
