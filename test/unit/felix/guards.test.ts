import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { refuseOne } from "../../support/faulty-netlink.ts";
import { FelixHarness, OURS, prefix, STATIC } from "../../support/felix-harness.ts";

let h: FelixHarness;

beforeEach(() => {
  h = new FelixHarness();
});

afterEach(() => h.stop());

describe("removals", () => {
  const many = Array.from({ length: 40 }, (_, index) => `10.233.${index + 100}.0/24`);

  /** Forty routes are there. */
  async function forty(isPictureWhole: () => boolean): Promise<void> {
    await h.start({ podCidrs: [], isPictureWhole });
    for (const text of many) h.set(text, "192.168.1.3");
    h.felix.pictureComplete();
    await h.felix.settled();
  }

  const removeAll = async (): Promise<void> => {
    for (const text of many) h.felix.removeRoute(prefix(text));
    await h.felix.settled();
  };

  test("go on while the picture is whole", async () => {
    await forty(() => true);
    await removeAll();
    assert.deepEqual(h.there(), []);
  });

  test("of more than the share are frozen while it is not, and go when it is", async () => {
    let whole = false;
    await forty(() => whole);
    await removeAll();
    assert.equal(h.there().length, 40);
    assert.equal(h.felix.status().frozenRemovals, 40);
    h.felix.pictureChanged();
    await h.felix.settled();
    assert.equal(h.there().length, 40);
    whole = true;
    h.felix.pictureChanged();
    await h.felix.settled();
    assert.deepEqual(h.there(), []);
    assert.equal(h.felix.status().frozenRemovals, 0);
  });

  test("that were frozen are forgotten for routes that are wanted again; the rest goes on confirmation", async () => {
    await forty(() => false);
    await removeAll();
    for (const text of many.slice(20)) h.set(text, "192.168.1.3");
    await h.felix.settled();
    assert.equal(h.felix.status().frozenRemovals, 20);
    assert.equal(await h.felix.confirmRemovals(), 20);
    assert.equal(h.there().length, 20);
    assert.equal(await h.felix.confirmRemovals(), 0);
    assert.equal(h.felix.status().counts.installed, 20);
  });

  test("that were frozen go by themselves once they are so few that they always may", async () => {
    await forty(() => false);
    await removeAll();
    for (const text of many.slice(13)) h.set(text, "192.168.1.3");
    await h.felix.settled();
    assert.equal(h.felix.status().frozenRemovals, 13);
    for (const text of many.slice(10)) h.set(text, "192.168.1.3");
    await h.felix.settled();
    assert.equal(h.felix.status().frozenRemovals, 0);
    assert.equal(h.there().length, 30);
  });

  test("that were confirmed, and wanted again before they went, confirm no later ones", async () => {
    await forty(() => false);
    await removeAll();
    const confirmed = h.felix.confirmRemovals();
    for (const text of many) h.set(text, "192.168.1.3");
    assert.equal(await confirmed, 0);
    await removeAll();
    assert.equal(h.there().length, 40);
    assert.equal(h.felix.status().frozenRemovals, 40);
  });

  test("do not hold up what is new", async () => {
    await forty(() => false);
    await removeAll();
    h.set("10.233.7.0/24", "192.168.1.3");
    await h.felix.settled();
    assert.equal(h.there().length, 41);
  });

  test("of an earlier life's routes are guarded, too", async () => {
    const left = many.map((text) => h.change("create", text, "192.168.1.3"));
    await h.other.applyRoutes(left, OURS);
    await h.start({ podCidrs: [], isPictureWhole: () => false });
    h.felix.pictureComplete();
    await h.felix.settled();
    assert.equal(h.there().length, 40);
    assert.equal(h.felix.status().frozenRemovals, 40);
  });
});

test("what the kernel is short of means for is tried again after a second, then after two", async () => {
  await h.start();
  const state = (): string | undefined => h.entry("10.233.2.0/24")?.state;
  h.kernel.faults.refuseNext = { prefix: "10.233.2.0/24", errno: 12 };
  h.set("10.233.2.0/24", "192.168.1.3");
  await h.felix.settled();
  assert.equal(state(), "error");
  h.kernel.faults.refuseNext = { prefix: "10.233.2.0/24", errno: 105 };
  h.clock.advance(1_000);
  await h.quiet();
  assert.equal(state(), "error");
  h.clock.advance(1_999);
  await h.quiet();
  assert.equal(state(), "error");
  h.clock.advance(1);
  await h.quiet();
  assert.equal(state(), "installed");
});

test("many routes that the kernel is short of means for wait as long as one, and are tried again together", async () => {
  const triedMs: number[] = [];
  const tried = (): boolean => triedMs.push(h.clock.nowMs()) > 0;
  await h.start({ podCidrs: [], netlink: refuseOne(h.kernel.open(), tried, 105) });
  for (let node = 2; node < 32; node++) h.set(`10.233.${node}.0/24`, "192.168.1.3");
  await h.felix.settled();
  for (let second = 0; second < 20; second++) {
    h.clock.advance(1_000);
    await h.quiet();
  }
  assert.deepEqual([...new Set(triedMs)], [0, 1_000, 3_000, 7_000, 15_000]);
  assert.equal(triedMs.length, 5 * 30);
});

describe("routes of other protocols", () => {
  const theirs = () => h.change("create", "10.233.2.0/24", "192.168.1.4");

  test("are left by default", async () => {
    await h.other.applyRoutes([theirs()], STATIC);
    await h.start();
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.quiet();
    assert.equal(h.entry("10.233.2.0/24")?.state, "conflict");
  });

  test("are replaced where the policy says so, whoever was first", async () => {
    await h.other.applyRoutes([theirs()], STATIC);
    await h.start({ conflicts: "take", podCidrs: [] });
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.quiet();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    await h.other.applyRoutes([{ ...theirs(), op: "replace" }], STATIC);
    await h.quiet();
    assert.deepEqual(h.there(), ["10.233.2.0/24 192.168.1.3 eth0 77"]);
    assert.equal(h.entry("10.233.2.0/24")?.state, "installed");
  });

  test("have ours beside them where the policy says so, which follows what is wanted and goes with the conflict", async () => {
    await h.other.applyRoutes([theirs()], STATIC);
    await h.start({ conflicts: "own-metric", podCidrs: [] });
    h.felix.pictureComplete();
    const both = (): string[] =>
      h.kernel.routes
        .filter(({ prefix: { text } }) => text.startsWith("10.233."))
        .map(({ metric, protocol, hops }) => `${metric} ${hops[0]?.gateway} ${protocol}`)
        .toSorted();
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.quiet();
    assert.deepEqual(both(), ["0 192.168.1.4 4", "2048 192.168.1.3 77"]);
    const [entry] = [...h.felix.routes()].filter(({ state }) => state === "conflict");
    assert.equal(
      entry?.problem,
      "a route of protocol static is there: via 192.168.1.4 dev eth0; ours is beside it, metric 2048",
    );
    h.set("10.233.2.0/24", "192.168.1.5");
    await h.quiet();
    assert.deepEqual(both(), ["0 192.168.1.4 4", "2048 192.168.1.5 77"]);
    await h.other.applyRoutes([{ ...theirs(), op: "delete" }], STATIC);
    await h.quiet();
    assert.deepEqual(both(), ["0 192.168.1.5 77"]);
    await h.other.applyRoutes([{ ...theirs(), op: "replace" }], STATIC);
    await h.quiet();
    assert.deepEqual(both(), ["0 192.168.1.4 4", "2048 192.168.1.5 77"]);
    h.felix.removeRoute(prefix("10.233.2.0/24"));
    await h.quiet();
    assert.deepEqual(both(), ["0 192.168.1.4 4"]);
  });

  test("a route of an earlier life beside another's is adopted", async () => {
    const ours = { ...h.change("create", "10.233.2.0/24", "192.168.1.3"), metric: 2048 };
    await h.other.applyRoutes([theirs()], STATIC);
    await h.other.applyRoutes([ours], OURS);
    await h.start({ conflicts: "own-metric", podCidrs: [] });
    const before = h.kernel.changes.length;
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.quiet();
    h.felix.pictureComplete();
    await h.quiet();
    const done = h.kernel.changes.slice(before).map(({ op, metric }) => `${op} ${metric}`);
    assert.deepEqual(done, ["create 0"], "refused, and nothing else is tried");
    assert.equal(h.felix.status().counts.adopted, 1);
  });

  describe("beside ours", () => {
    /** Another's route with a gateway, from behind or before ours. */
    async function beside(
      place: "append" | "prepend",
      gateway: string,
      identity = STATIC,
    ): Promise<void> {
      const { path } = h.change("create", "10.233.2.0/24", gateway);
      h.kernel.putBeside(place, {
        ...{ prefix: prefix("10.233.2.0/24"), metric: 0, ...path, ...identity },
        ...{ scope: 0, source: undefined, extras: "" },
      });
      await h.quiet();
    }
    /** In the kernel's order, by the first of which it goes. */
    const there = (): string[] =>
      h.kernel.routes
        .filter(({ prefix: { text } }) => text === "10.233.2.0/24")
        .map(({ hops, protocol }) => `${hops[0]?.gateway} ${protocol}`);
    const state = (): string | undefined => h.entry("10.233.2.0/24")?.state;
    const remove = async (gateway: string, identity = STATIC): Promise<void> => {
      await h.other.applyRoutes([h.change("delete", "10.233.2.0/24", gateway)], identity);
      await h.quiet();
    };

    for (const conflicts of ["yield", "take", "own-metric"] as const) {
      test(`and behind it do not matter: ours follows its next hop, with ${conflicts}`, async () => {
        await h.start({ conflicts, podCidrs: [] });
        h.set("10.233.2.0/24", "192.168.1.3");
        await h.quiet();
        await beside("append", "192.168.1.9");
        assert.equal(state(), "installed");
        h.set("10.233.2.0/24", "192.168.1.4");
        await h.quiet();
        assert.deepEqual(there(), ["192.168.1.4 77", "192.168.1.9 4"]);
        assert.equal(state(), "installed");
        h.clock.advance(300_000);
        await h.quiet();
        assert.equal(state(), "installed");
        await remove("192.168.1.9");
        assert.equal(state(), "installed");
        assert.deepEqual(there(), ["192.168.1.4 77"]);
      });
    }

    test("and before it are a conflict, in which neither is touched, and after which ours follows", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.quiet();
      await beside("prepend", "192.168.1.9");
      assert.equal(state(), "conflict");
      assert.deepEqual(
        h.events
          .filter(({ kind }) => kind === "conflict")
          .map((event) => "text" in event && event.text),
        ["via 192.168.1.9 dev eth0 proto static"],
      );
      h.set("10.233.2.0/24", "192.168.1.4");
      await h.quiet();
      assert.deepEqual(there(), ["192.168.1.9 4", "192.168.1.3 77"]);
      const bird = { ...STATIC, protocol: 12 };
      await beside("append", "192.168.1.8", bird);
      await remove("192.168.1.8", bird);
      assert.equal(state(), "conflict");
      await remove("192.168.1.9");
      assert.deepEqual(there(), ["192.168.1.4 77"]);
      assert.equal(state(), "installed");
    });

    test("and before it give way where the policy takes, and ours is there once", async () => {
      await h.start({ conflicts: "take", podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.quiet();
      await beside("prepend", "192.168.1.9");
      assert.deepEqual(there(), ["192.168.1.3 77"]);
      assert.equal(state(), "installed");
    });

    test("are found at start", async () => {
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.3");
      await h.quiet();
      await beside("append", "192.168.1.9");
      await h.felix.stop({ cleanup: false });
      await h.start({ podCidrs: [] });
      h.set("10.233.2.0/24", "192.168.1.4");
      await h.quiet();
      assert.deepEqual(there(), ["192.168.1.4 77", "192.168.1.9 4"]);
      assert.equal(state(), "installed");
    });
  });

  test("are left when they are the kernel's own, whatever the policy", async () => {
    h.kernel.addAddress(h.eth0, "10.233.2.1", 24);
    await h.start({ conflicts: "take", podCidrs: [] });
    h.set("10.233.2.0/24", "192.168.1.3");
    await h.quiet();
    assert.equal(h.entry("10.233.2.0/24")?.state, "conflict");
  });
});

describe("pod CIDRs of two nodes that overlap", () => {
  const overlaps = (): string[] =>
    h.felix
      .status()
      .overlaps.map(
        ({ inner, innerOwner, outer, outerOwner }) =>
          `${inner.text} of ${innerOwner} in ${outer.text} of ${outerOwner}`,
      );

  test("are told of, other nodes' and our own", async () => {
    await h.start();
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.2.128/25", "192.168.1.4");
    h.set("10.233.1.64/26", "192.168.1.4");
    assert.deepEqual(overlaps().toSorted(), [
      "10.233.1.64/26 of 192.168.1.4 in 10.233.1.0/24 of this node",
      "10.233.2.128/25 of 192.168.1.4 in 10.233.2.0/24 of 192.168.1.3",
    ]);
    h.felix.removeRoute(prefix("10.233.1.64/26"));
    h.felix.removeRoute(prefix("10.233.2.0/24"));
    assert.deepEqual(overlaps(), []);
  });

  test("are not: one node's own, single addresses, summaries of a pool", async () => {
    await h.start();
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.2.128/25", "192.168.1.3");
    h.set("10.233.2.7/32", "192.168.1.4");
    h.set("10.233.0.0/16", "192.168.1.1");
    assert.deepEqual(overlaps(), []);
  });
});
