import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { PathMtuProber } from "../../../src/felix/mtu/path-mtu-prober.ts";
import { type PathMtuResult, PathMtuSearch } from "../../../src/felix/mtu/path-mtu-search.ts";
import type { PathProbe, ProbeAnswer } from "../../../src/platform/path-probe.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FelixHarness } from "../../support/felix-harness.ts";

/** A path: what it carries, and whether its router tells of what it does not. */
interface Path {
  readonly mtu: number;
  readonly reports: boolean;
  readonly answers: boolean;
}

function answerOf(path: Path, octets: number): ProbeAnswer {
  if (octets > path.mtu) {
    return path.reports ? { kind: "too-big", mtu: path.mtu } : { kind: "silent" };
  }
  return path.answers ? { kind: "arrived" } : { kind: "silent" };
}

/** Searches to the end; what was sent, and what came of it. */
function search(
  ceiling: number,
  answer: (octets: number) => ProbeAnswer,
  version: 4 | 6 = 4,
): { readonly sent: number[]; readonly result: PathMtuResult } {
  const one = new PathMtuSearch(version, ceiling);
  const sent: number[] = [];
  while (one.result === undefined) {
    assert.ok(sent.length < 60, `sent ${sent.join(" ")}`);
    sent.push(one.size);
    one.take(answer(one.size));
  }
  return { sent, result: one.result };
}

describe("the search for a path's MTU", () => {
  test("sends one packet where all of them arrive", () => {
    const { sent, result } = search(1500, () => ({ kind: "arrived" }));
    assert.deepEqual([sent, result], [[1500], { kind: "whole" }]);
  });

  test("takes a router at its word once that much arrives", () => {
    const path = { mtu: 1443, reports: true, answers: true };
    const { sent, result } = search(9000, (octets) => answerOf(path, octets));
    assert.deepEqual(sent, [9000, 1443]);
    assert.deepEqual(result, { kind: "limited", mtu: 1443, how: "reported" });
  });

  test("does not believe a router that says more than was sent, or lies", () => {
    const more = search(1500, (octets) => {
      return octets > 1400 ? { kind: "too-big", mtu: 1500 } : { kind: "arrived" };
    });
    assert.deepEqual(more.result, { kind: "limited", mtu: 1400, how: "probed" });
    const lie = search(1500, (octets) => {
      if (octets === 1500) return { kind: "too-big", mtu: 1450 };
      return octets > 1400 ? { kind: "silent" } : { kind: "arrived" };
    });
    assert.deepEqual(lie.sent.slice(0, 5), [1500, 1450, 1450, 1450, 576]);
    assert.deepEqual(lie.result, { kind: "limited", mtu: 1400, how: "probed" });
  });

  test("knows nothing where nobody answers", () => {
    const { sent, result } = search(1500, () => ({ kind: "silent" }));
    assert.deepEqual(sent, [1500, 1500, 1500, 576, 576, 576]);
    assert.deepEqual(result, { kind: "unanswered" });
  });

  test("finds what is usual, and never more than arrives, in few packets", () => {
    const path = fc.record({
      version: fc.constantFrom(4 as const, 6 as const),
      ceiling: fc.constantFrom(1500, 9000, 9001, 65_535),
      mtu: fc.integer({ min: 1280, max: 9500 }),
    });
    fc.assert(
      fc.property(path, ({ version, ceiling, mtu }) => {
        const silent = { mtu, reports: false, answers: true };
        const { sent, result } = search(ceiling, (octets) => answerOf(silent, octets), version);
        if (mtu >= ceiling) return assert.deepEqual(result, { kind: "whole" });
        assert.ok(result.kind === "limited" && result.how === "probed");
        assert.ok(result.mtu <= mtu, `${result.mtu} of ${mtu}`);
        if ([1280, 1400, 1450, 1480, 1492, 1500, 8951, 9000].includes(mtu)) {
          assert.equal(result.mtu, mtu);
        }
        assert.ok(sent.length <= 3 + 1 + 6 * 3 + 3, `${sent.length} packets`);
      }),
      {
        examples: [
          [{ version: 4, ceiling: 1500, mtu: 1492 }],
          [{ version: 6, ceiling: 9000, mtu: 1280 }],
        ],
      },
    );
  });

  test("no two losses in a row make a path small", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 2 }), (lost) => {
        const left = [...lost];
        const { result } = search(1500, () => {
          return left.pop() === true ? { kind: "silent" } : { kind: "arrived" };
        });
        assert.deepEqual(result, { kind: "whole" });
      }),
    );
    // Nor do three, if the largest arrives when it is sent once more.
    let count = 0;
    const { result } = search(1500, () => {
      return ++count <= 3 ? { kind: "silent" } : { kind: "arrived" };
    });
    assert.deepEqual(result, { kind: "whole" });
  });
});

/** Probes into paths that are in memory. */
class Paths {
  readonly clock = new FakeClock();
  readonly paths = new Map<string, Path>();
  /** `1500 192.168.1.3`, as they were sent. */
  sent: string[] = [];
  open = 0;

  readonly openProbe = (address: string, octets: number): PathProbe => {
    this.open++;
    let answer: ProbeAnswer = { kind: "silent" };
    return {
      send: () => {
        this.sent.push(`${octets} ${address}`);
        const path = this.paths.get(address);
        if (path !== undefined) answer = answerOf(path, octets);
      },
      answer: () => answer,
      close: () => this.open--,
    };
  };
}

describe("the prober", () => {
  const whole: Path = { mtu: 9000, reports: false, answers: true };

  function make(): { paths: Paths; results: string[]; prober: PathMtuProber } {
    const paths = new Paths();
    const results: string[] = [];
    const prober = new PathMtuProber({
      clock: paths.clock,
      open: paths.openProbe,
      intervalMs: 600_000,
      onResult: (address, result) => results.push(`${address} ${result.kind}`),
    });
    return { paths, results, prober };
  }

  test("looks once, and again when the interval is over", () => {
    const { paths, results, prober } = make();
    paths.paths.set("192.168.1.3", whole);
    prober.watch("192.168.1.3", 4, 1500);
    paths.clock.advance(1_000);
    assert.deepEqual(paths.sent, ["1500 192.168.1.3"]);
    paths.clock.advance(598_000);
    assert.equal(paths.sent.length, 1);
    paths.clock.advance(2_000);
    assert.deepEqual(results, ["192.168.1.3 whole", "192.168.1.3 whole"]);
    assert.equal(paths.open, 0);
    prober.stop();
    assert.equal(paths.clock.pending, 0);
  });

  test("begins no more than twenty searches a second, and has no more than sixteen under way", () => {
    const { paths, prober } = make();
    const addresses = Array.from({ length: 100 }, (_, index) => `192.168.1.${index + 1}`);
    for (const address of addresses) {
      paths.paths.set(address, whole);
      prober.watch(address, 4, 1500);
    }
    paths.clock.advance(999);
    assert.equal(paths.sent.length, 20);
    paths.clock.advance(4_000);
    assert.equal(paths.sent.length, 100);
    prober.stop();
    const silent = make();
    for (const address of addresses) silent.prober.watch(address, 4, 1500);
    silent.paths.clock.advance(990);
    assert.equal(silent.paths.sent.length, 16);
    assert.equal(silent.paths.open, 16);
    silent.prober.stop();
    assert.equal(silent.paths.open, 0);
    assert.equal(silent.paths.clock.pending, 0);
  });

  test("a path that changes under way is looked at anew, and one that nobody needs not to the end", () => {
    const { paths, results, prober } = make();
    prober.watch("192.168.1.3", 4, 1500);
    prober.watch("192.168.1.4", 4, 1500);
    paths.clock.advance(500);
    prober.watch("192.168.1.3", 4, 9000);
    prober.forget("192.168.1.4");
    paths.paths.set("192.168.1.3", whole);
    paths.clock.advance(5_000);
    assert.deepEqual(results, ["192.168.1.3 whole"]);
    assert.equal(paths.sent.at(-1), "9000 192.168.1.3");
    assert.ok(paths.sent.filter((one) => one.endsWith(".4")).length <= 2);
    assert.equal(paths.open, 0);
    prober.stop();
  });

  test("leaves a second between answers, which the other end may be sparing with", () => {
    const { paths, prober } = make();
    const atMs: number[] = [];
    const path = { mtu: 1400, reports: false, answers: true };
    const { openProbe } = paths;
    const timed = new PathMtuProber({
      clock: paths.clock,
      intervalMs: 600_000,
      onResult: () => {},
      open: (address, octets) => {
        if (octets <= path.mtu) atMs.push(paths.clock.nowMs());
        return openProbe(address, octets);
      },
    });
    paths.paths.set("192.168.1.3", path);
    timed.watch("192.168.1.3", 4, 1500);
    paths.clock.advance(60_000);
    assert.ok(atMs.length >= 3);
    for (let at = 1; at < atMs.length; at++) {
      assert.ok((atMs[at] as number) - (atMs[at - 1] as number) >= 999, atMs.join(" "));
    }
    timed.stop();
    prober.stop();
  });
});

describe("routes and what gets to their next hops", () => {
  const mtu = { probe: "auto", intervalSeconds: 600 } as const;

  async function start(h: FelixHarness, paths: Paths, probe: "auto" | "never" = "auto") {
    await h.start({ tunnel: "vxlan", mtu: { ...mtu, probe }, openPathProbe: paths.openProbe });
  }
  const mtuOf = (h: FelixHarness, text: string): number | undefined =>
    h.kernel.routes.find(({ prefix }) => prefix.text === text)?.mtu;
  const pass = async (h: FelixHarness, ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      h.clock.advance(1_000);
      await h.quiet();
    }
  };
  test("a smaller path is on the route, less the tunnel's part, and goes when it is better, or is another", async () => {
    const [h, paths] = [new FelixHarness(), new Paths()];
    await h.router();
    paths.paths.set("192.168.1.3", { mtu: 1400, reports: true, answers: true });
    paths.paths.set("192.168.2.2", { mtu: 1400, reports: true, answers: true });
    await start(h, paths);
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.3.0/24", "192.168.2.2");
    h.set("10.233.4.0/24", "192.168.1.3", "192.168.1.4");
    h.felix.pictureComplete();
    await pass(h, 10_000);
    assert.deepEqual(
      ["10.233.2.0/24", "10.233.3.0/24", "10.233.4.0/24"].map((text) => mtuOf(h, text)),
      [1400, 1350, 1400],
    );
    const before = h.kernel.changes.length;
    paths.paths.set("192.168.1.3", { mtu: 1500, reports: true, answers: true });
    await pass(h, 601_000);
    assert.deepEqual(
      ["10.233.2.0/24", "10.233.3.0/24", "10.233.4.0/24"].map((text) => mtuOf(h, text)),
      [undefined, 1350, undefined],
    );
    const ops = h.kernel.changes.slice(before).map(({ op, prefix }) => `${op} ${prefix.text}`);
    const own = ops.filter((line) => line.includes("10.233."));
    assert.deepEqual(own.toSorted(), ["replace 10.233.2.0/24", "replace 10.233.4.0/24"]);
    await h.stop();
  });

  test("nobody who is silent loses or gains anything, but a way that is another is known no more", async () => {
    const [h, paths] = [new FelixHarness(), new Paths()];
    paths.paths.set("192.168.1.3", { mtu: 1400, reports: true, answers: true });
    await start(h, paths);
    h.set("10.233.2.0/24", "192.168.1.3");
    await pass(h, 5_000);
    assert.equal(mtuOf(h, "10.233.2.0/24"), 1400);
    paths.paths.set("192.168.1.3", { mtu: 1500, reports: false, answers: false });
    await pass(h, 1_300_000);
    assert.equal(mtuOf(h, "10.233.2.0/24"), 1400);
    h.kernel.changeLink(h.eth0, { mtu: 9000 });
    await pass(h, 10_000);
    assert.equal(mtuOf(h, "10.233.2.0/24"), undefined);
    await h.stop();
  });

  test("a start takes over what the routes bear, and with `never` they lose it", async () => {
    const [h, paths] = [new FelixHarness(), new Paths()];
    await h.router();
    paths.paths.set("192.168.2.2", { mtu: 1400, reports: true, answers: true });
    await start(h, paths);
    h.set("10.233.3.0/24", "192.168.2.2");
    await pass(h, 5_000);
    assert.equal(mtuOf(h, "10.233.3.0/24"), 1350);
    await h.felix.stop({ cleanup: false });
    const silent = new Paths();
    await start(h, silent);
    const before = h.kernel.changes.length;
    h.set("10.233.3.0/24", "192.168.2.2");
    await pass(h, 10_000);
    assert.equal(h.kernel.changes.length, before);
    assert.equal(h.entry("10.233.3.0/24")?.state, "adopted");
    await h.felix.stop({ cleanup: false });
    await start(h, silent, "never");
    h.set("10.233.3.0/24", "192.168.2.2");
    await h.quiet();
    assert.equal(mtuOf(h, "10.233.3.0/24"), undefined);
    await h.stop();
  });

  test("a start takes over what routes to the link-local addresses of tunnels bear", async () => {
    const [h, paths] = [new FelixHarness(), new Paths()];
    await h.router();
    paths.paths.set("192.168.2.2", { mtu: 1400, reports: true, answers: true });
    await start(h, paths);
    h.set("fd00:10:233:3::/64", "192.168.2.2");
    await pass(h, 5_000);
    assert.equal(mtuOf(h, "fd00:10:233:3::/64"), 1350);
    await h.felix.stop({ cleanup: false });
    await start(h, new Paths());
    const before = h.kernel.changes.length;
    h.set("fd00:10:233:3::/64", "192.168.2.2");
    await pass(h, 10_000);
    assert.equal(h.kernel.changes.length, before);
    assert.equal(mtuOf(h, "fd00:10:233:3::/64"), 1350);
    await h.stop();
  });

  test("an MTU that somebody else puts on a route, or takes off, is put right", async () => {
    const [h, paths] = [new FelixHarness(), new Paths()];
    paths.paths.set("192.168.1.3", { mtu: 1400, reports: true, answers: true });
    await start(h, paths);
    h.set("10.233.2.0/24", "192.168.1.3");
    h.set("10.233.5.0/24", "192.168.1.4");
    await pass(h, 5_000);
    const ours = { protocol: 77, table: 254 };
    const plain = h.change("replace", "10.233.2.0/24", "192.168.1.3");
    const small = h.change("replace", "10.233.5.0/24", "192.168.1.4");
    await h.other.applyRoutes([plain, { ...small, path: { ...small.path, mtu: 1000 } }], ours);
    await h.quiet();
    assert.equal(mtuOf(h, "10.233.2.0/24"), 1400);
    assert.equal(mtuOf(h, "10.233.5.0/24"), undefined);
    assert.equal(h.felix.status().repairs, 2);
    await h.stop();
  });
});
