import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FelixFeed } from "../../../src/agent/feed/felix-feed.ts";
import { Resync } from "../../../src/agent/feed/resync.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { FelixHarness, prefix, turn } from "../../support/felix-harness.ts";

const whole = { isWhole: true, isComplete: true };
const young = { isWhole: false, isComplete: false };
const one = "10.233.2.0/24";
const two = "10.233.3.0/24";

describe("a programmer whose speaker comes and goes", () => {
  let harness: FelixHarness;
  let resync: Resync;
  beforeEach(async () => {
    harness = new FelixHarness();
    const feed = new FelixFeed(() => harness.felix);
    await harness.start({ isPictureWhole: () => feed.isWhole });
    const { clock } = harness;
    resync = new Resync({ feed, staleMs: 300_000, clock, logger: silentLogger });
    resync.lost();
  });
  afterEach(async () => {
    resync.stop();
    await harness.stop();
  });

  /** The speaker comes, with these routes. */
  const tell = async (picture: typeof whole, ...texts: string[]): Promise<void> => {
    resync.begin();
    for (const text of texts) {
      resync.setRoute({ prefix: prefix(text), nextHops: ["192.168.1.3"] });
    }
    resync.pictureChanged(picture);
    resync.end();
    await turn();
    await harness.quiet();
  };
  /** Prefixes of routes to other nodes in the kernel. */
  const there = (): string[] =>
    harness
      .there()
      .flatMap((line) => (line.includes("eth0") ? [line.split(" ")[0] as string] : []));

  test("keeps what it was told, and drops what a complete picture does not have", async () => {
    await tell(whole, one, two);
    assert.deepEqual(there(), [one, two]);
    resync.lost();
    await harness.quiet();
    assert.deepEqual(there(), [one, two]);
    assert.equal(resync.staleSize, 2);
    await tell(young);
    assert.deepEqual(there(), [one, two], "its peers have not spoken yet");
    resync.setRoute({ prefix: prefix(two), nextHops: ["192.168.1.3"] });
    resync.pictureChanged(whole);
    await turn();
    await harness.quiet();
    assert.deepEqual(there(), [two]);
    assert.deepEqual([resync.size, resync.staleSize, resync.staleForMs], [1, 0, undefined]);
  });

  test("writes nothing when it is told again what it knows", async () => {
    await tell(whole, one, two);
    harness.events.length = 0;
    resync.lost();
    await tell(whole, one, two);
    assert.deepEqual(harness.events, []);
    assert.deepEqual(there(), [one, two]);
  });

  test("drops at once what it is told to, complete or not", async () => {
    await tell(whole, one, two);
    resync.lost();
    await tell(young, one, two);
    resync.removeRoute(prefix(one));
    await harness.quiet();
    assert.deepEqual(there(), [two]);
  });

  test("keeps routes no longer than the stale time, however often the speaker comes and goes", async () => {
    await tell(whole, one, two);
    resync.lost();
    harness.clock.advance(200_000);
    await tell(young, one);
    resync.lost();
    assert.equal(resync.staleForMs, 100_000);
    harness.clock.advance(99_000);
    await harness.quiet();
    assert.deepEqual(there(), [one, two]);
    harness.clock.advance(2_000);
    await turn();
    await harness.quiet();
    assert.deepEqual(there(), []);
  });

  test("starts the stale time with itself, for what an earlier life left", async () => {
    await tell(whole, one);
    await harness.stop();
    const feed = new FelixFeed(() => harness.felix);
    await harness.start({ isPictureWhole: () => feed.isWhole });
    const { clock } = harness;
    const next = new Resync({ feed, staleMs: 300_000, clock, logger: silentLogger });
    next.lost();
    clock.advance(299_000);
    await harness.quiet();
    assert.deepEqual(there(), [one]);
    clock.advance(2_000);
    await turn();
    await harness.quiet();
    assert.deepEqual(there(), []);
    next.stop();
  });

  test("does not let many go at once only because nobody tells of them", async () => {
    const many = Array.from({ length: 20 }, (_, at) => `10.233.${at + 10}.0/24`);
    await tell(whole, ...many);
    resync.lost();
    harness.clock.advance(301_000);
    await turn();
    await harness.quiet();
    assert.equal(there().length, 20);
    assert.equal(harness.felix.status().frozenRemovals, 20);
    await harness.felix.confirmRemovals();
    assert.deepEqual(there(), []);
  });
});
