import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Fib } from "../../../src/fib/fib.ts";
import type { FibChange } from "../../../src/fib/row.ts";
import { type FibPath, PathTable } from "../../../src/fib/path.ts";
import { parsePrefix, type Prefix } from "../../../src/net/prefix.ts";
import { ACTS, TinyKernel } from "./tiny-kernel.ts";

const paths = new PathTable();
const STATIC = 4;
const BOOT = 3;
const EEXIST = 17;

function path(gateway: string): FibPath {
  return paths.intern({
    type: "unicast",
    hops: [{ gateway, ifindex: 2, onlink: false, weight: 1 }],
  });
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert.ok(parsed);
  return parsed;
}

const A = prefix("10.233.1.0/24");
const B = prefix("10.233.2.0/24");
const [ONE, TWO] = [path("192.168.1.1"), path("192.168.1.2")];

/** Takes all there is and settles it as done; what was done, in words. */
function carryOut(fib: Fib<string>): string[] {
  const done: string[] = [];
  for (let changes = fib.take(10); changes.length > 0; changes = fib.take(10)) {
    for (const change of changes) {
      const { op, path: way, metric } = change;
      const outcome = fib.settle(change, undefined);
      const gateway = way.hops[0]?.gateway ?? way.type;
      done.push(
        `${op} ${change.prefix.text} ${gateway}${metric === 0 ? "" : ` metric ${metric}`}: ${outcome}`,
      );
    }
  }
  return done;
}

function one(fib: Fib<string>): FibChange<string> {
  const [change, ...more] = fib.take(10);
  assert.ok(change);
  assert.deepEqual(more, []);
  return change;
}

describe("Fib", () => {
  test("of what is wanted and has no way, only what may not stay goes, and comes back with a way", () => {
    const fib = new Fib<string>(0, {
      mayStay: (_want, { hops }) => hops[0]?.gateway !== "192.168.1.1",
    });
    const ways: Record<string, FibPath | undefined> = { a: ONE, b: TWO };
    const lead = (): void => fib.lead((want) => ways[want]);
    fib.want(A, 0, "a", ONE);
    fib.want(B, 0, "b", TWO);
    carryOut(fib);
    ways["a"] = undefined;
    ways["b"] = undefined;
    lead();
    assert.deepEqual(carryOut(fib), [], "not before the picture is complete");
    assert.equal(fib.allowDeletions(), 0, "nothing that nobody wants");
    assert.deepEqual(carryOut(fib), ["delete 10.233.1.0/24 192.168.1.1: removed"]);
    assert.equal(fib.row(A, 0)?.state, "pending");
    ways["a"] = TWO;
    lead();
    assert.deepEqual(carryOut(fib), ["create 10.233.1.0/24 192.168.1.2: installed"]);
  });

  test("how many may go is asked again once some that were asked about are wanted after all", () => {
    const asked: number[] = [];
    const fib = new Fib<string>(0, {
      mayRemove: (due) => {
        asked.push(due);
        return asked.length === 1;
      },
    });
    const some = Array.from({ length: 8 }, (_, index) => prefix(`10.1.${index}.0/24`));
    fib.allowDeletions();
    for (const each of some) fib.want(each, 0, "me", ONE);
    carryOut(fib);
    for (const each of some.slice(0, 4)) fib.unwant(each, 0);
    for (const change of fib.take(2)) fib.settle(change, undefined);
    for (const each of some.slice(2, 4)) fib.want(each, 0, "me", ONE);
    for (const each of some.slice(4)) fib.unwant(each, 0);
    assert.deepEqual(carryOut(fib), []);
    assert.deepEqual(asked, [4, 4]);
    assert.equal(fib.frozenDeletions, 4);
  });

  test("what has a way again before it went stays", () => {
    let mayGo = false;
    const fib = new Fib<string>(0, { mayStay: () => false, mayRemove: () => mayGo });
    fib.allowDeletions();
    fib.want(A, 0, "me", ONE);
    carryOut(fib);
    fib.lead(() => undefined);
    assert.deepEqual(carryOut(fib), []);
    assert.equal(fib.frozenDeletions, 1);
    fib.lead(() => ONE);
    mayGo = true;
    fib.askAgain();
    assert.deepEqual(carryOut(fib), []);
    assert.equal(fib.row(A, 0)?.state, "installed");
    assert.ok(fib.idle);
  });

  test("creates, replaces and deletes", () => {
    const fib = new Fib<string>(0);
    fib.allowDeletions();
    fib.want(A, 0, "me", ONE);
    assert.deepEqual(carryOut(fib), ["create 10.233.1.0/24 192.168.1.1: installed"]);
    fib.want(A, 0, "me", TWO);
    assert.deepEqual(carryOut(fib), ["replace 10.233.1.0/24 192.168.1.2: installed"]);
    fib.want(A, 0, "me", TWO);
    assert.deepEqual(carryOut(fib), []);
    fib.unwant(A, 0);
    assert.deepEqual(carryOut(fib), ["delete 10.233.1.0/24 192.168.1.2: removed"]);
    assert.deepEqual([...fib.rows()], []);
    assert.ok(fib.idle);
  });

  test("where changes lead that are with the kernel counts as held, also when something else is wanted by now", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    fib.want(B, 0, "me", ONE);
    assert.deepEqual([...fib.heldPaths()], []);
    const [first, second] = fib.take(10);
    assert.ok(first && second);
    fib.want(A, 0, "me", TWO);
    fib.unwant(B, 0);
    assert.deepEqual([...fib.heldPaths()], [ONE]);
    fib.settle(first, { errno: 101, text: "ENETUNREACH" });
    fib.settle(second, { errno: 101, text: "ENETUNREACH" });
    assert.deepEqual([...fib.heldPaths()], []);
  });

  test("what changed twice before it was written is written once", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    fib.want(A, 0, "me", TWO);
    assert.deepEqual(carryOut(fib), ["create 10.233.1.0/24 192.168.1.2: installed"]);
  });

  test("what changes while it is being written is written again afterwards", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    const first = one(fib);
    fib.want(A, 0, "me", TWO);
    assert.deepEqual(fib.take(10), []);
    fib.settle(first, undefined);
    assert.deepEqual(carryOut(fib), ["replace 10.233.1.0/24 192.168.1.2: installed"]);
  });

  test("deletions come last, and only when all else is settled", () => {
    const fib = new Fib<string>(0);
    fib.allowDeletions();
    fib.want(A, 0, "me", ONE);
    carryOut(fib);
    fib.unwant(A, 0);
    fib.want(B, 0, "me", ONE);
    const create = one(fib);
    assert.equal(create.op, "create");
    assert.deepEqual(fib.take(10), []);
    assert.ok(!fib.idle);
    fib.settle(create, undefined);
    assert.equal(one(fib).op, "delete");
  });

  test("what is found is adopted, and kept until deletions are allowed", () => {
    const fib = new Fib<string>(0);
    fib.beginScan();
    fib.sawOurs(A, 0, ONE, false);
    fib.sawOurs(B, 0, ONE, false);
    fib.endScan(true);
    assert.deepEqual(carryOut(fib), []);
    assert.equal(fib.row(A, 0)?.state, "stale");
    fib.want(A, 0, "me", ONE);
    assert.deepEqual(carryOut(fib), []);
    assert.equal(fib.row(A, 0)?.state, "adopted");
    assert.equal(fib.allowDeletions(), 1);
    assert.deepEqual(carryOut(fib), ["delete 10.233.2.0/24 192.168.1.1: removed"]);
  });

  test("a wanted route without a way leaves what is there", () => {
    const fib = new Fib<string>(0);
    fib.allowDeletions();
    fib.want(A, 0, "me", ONE);
    carryOut(fib);
    fib.want(A, 0, "me", undefined);
    assert.deepEqual(carryOut(fib), []);
    assert.equal(fib.row(A, 0)?.kernel, ONE);
    assert.equal(fib.row(A, 0)?.state, "pending");
  });

  test("what others delete or change is repaired", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    carryOut(fib);
    fib.lostOurs(A, 0);
    assert.deepEqual(carryOut(fib), ["create 10.233.1.0/24 192.168.1.1: repaired"]);
    fib.sawOurs(A, 0, TWO, true);
    assert.deepEqual(carryOut(fib), ["replace 10.233.1.0/24 192.168.1.1: repaired"]);
  });

  test("what a person put in the place of ours is replaced, what a protocol put there is not", () => {
    const fib = new Fib<string>(0);
    for (const wanted of [A, B]) fib.want(wanted, 0, "me", ONE);
    carryOut(fib);
    fib.sawForeign(A, 0, { ...TWO, protocol: BOOT }, true);
    assert.equal(fib.sawForeign(B, 0, { ...TWO, protocol: STATIC }, true), true);
    assert.deepEqual(carryOut(fib), ["replace 10.233.1.0/24 192.168.1.1: repaired"]);
    assert.equal(fib.row(B, 0)?.state, "conflict");
  });

  test("EEXIST asks for a scan, which finds the owner; when the other goes, ours goes in", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    const change = one(fib);
    assert.equal(fib.settle(change, { errno: EEXIST, text: "EEXIST" }), "occupied");
    assert.ok(fib.ownersUnknown);
    assert.deepEqual(carryOut(fib), []);
    fib.beginScan();
    assert.equal(fib.sawForeign(A, 0, { ...TWO, protocol: STATIC }, false), true);
    fib.endScan(true);
    assert.ok(!fib.ownersUnknown);
    assert.equal(fib.row(A, 0)?.state, "conflict");
    assert.equal(fib.sawForeign(A, 0, { ...TWO, protocol: STATIC }, false), false);
    fib.lostForeign(A, 0);
    assert.deepEqual(carryOut(fib), ["create 10.233.1.0/24 192.168.1.1: installed"]);
  });

  test("EEXIST that no scan explains becomes an error in the end", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    for (let scan = 0; scan < 3; scan++) {
      fib.settle(one(fib), { errno: EEXIST, text: "EEXIST" });
      fib.beginScan();
      fib.endScan(true);
    }
    assert.deepEqual(fib.take(10), []);
    assert.equal(fib.row(A, 0)?.state, "error");
  });

  test("a failure stays, alone, until it is tried again or something else is wanted", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    fib.want(B, 0, "me", ONE);
    const [first, second] = fib.take(10);
    assert.ok(first && second);
    assert.equal(fib.settle(first, { errno: 101, text: "ENETUNREACH" }), "failed");
    assert.equal(fib.settle(second, undefined), "installed");
    assert.equal(fib.row(A, 0)?.state, "error");
    assert.deepEqual(carryOut(fib), []);
    fib.retryFailed();
    fib.settle(one(fib), { errno: 101, text: "ENETUNREACH" });
    fib.want(A, 0, "me", TWO);
    assert.deepEqual(carryOut(fib), ["create 10.233.1.0/24 192.168.1.2: installed"]);
  });

  test("a scan that does not tell of a route has lost it", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    carryOut(fib);
    fib.beginScan();
    fib.endScan(false);
    assert.deepEqual(carryOut(fib), ["create 10.233.1.0/24 192.168.1.1: repaired"]);
  });

  test("a route whose creation was disturbed, and that nobody wants any more, is deleted", () => {
    const fib = new Fib<string>(0);
    fib.allowDeletions();
    fib.want(A, 0, "me", ONE);
    const change = one(fib);
    fib.sawForeign(A, 0, { ...ONE, protocol: STATIC }, false);
    fib.lostForeign(A, 0);
    fib.unwant(A, 0);
    fib.settle(change, undefined);
    assert.deepEqual(carryOut(fib), ["delete 10.233.1.0/24 192.168.1.1: removed"]);
    assert.equal(fib.row(A, 0), undefined);
  });

  test("a route that may have gone with what disturbed it is created again when it is wanted again", () => {
    const fib = new Fib<string>(0);
    fib.allowDeletions();
    fib.want(A, 0, "me", ONE);
    const change = one(fib);
    fib.lostOurs(A, 0);
    fib.unwant(A, 0);
    fib.settle(change, undefined);
    fib.want(A, 0, "me", ONE);
    assert.deepEqual(carryOut(fib), ["create 10.233.1.0/24 192.168.1.1: installed"]);
  });

  test("a route with our protocol in the place of another's ends the conflict, whatever it is", () => {
    const fib = new Fib<string>(0);
    fib.want(A, 0, "me", ONE);
    fib.sawForeign(A, 0, { ...ONE, protocol: STATIC }, false);
    assert.deepEqual(carryOut(fib), []);
    assert.equal(fib.row(A, 0)?.state, "conflict");
    fib.sawOurs(A, 0, TWO, true);
    assert.deepEqual(carryOut(fib), ["replace 10.233.1.0/24 192.168.1.1: installed"]);
    assert.equal(fib.row(A, 0)?.state, "installed");
  });

  test("a list of many ticks off what it tells of, in whatever order", () => {
    const all = Array.from({ length: 6 }, (_, index) => prefix(`10.233.${index}.0/24`));
    const address = ({ ipv4Address = 0 }: Prefix): number => ipv4Address;
    const fib = new Fib<string>(0);
    for (const each of all) fib.sawOurs(each, 0, ONE, false);
    // Its row has another key by now, though the columns have the former one.
    const [first, second] = all as [Prefix, Prefix];
    fib.lostOurs(second, 0);
    fib.take(10);
    fib.sawOurs(second, 900, ONE, false);
    const told = (): Prefix[] =>
      [...fib.rows()].filter(({ kernel }) => kernel).map((row) => row.prefix);
    for (const listed of [all, all.toReversed(), [first, ...all.slice(3)]]) {
      fib.beginScan();
      fib.sawOursAlike(Int32Array.from(listed, address), 24, 0, ONE);
      fib.endScan(false);
      const texts = told().map(({ text }) => text);
      assert.deepEqual(texts.toSorted(), listed.map(({ text }) => text).toSorted());
      assert.equal(fib.row(second, 900)?.kernel, undefined);
    }
  });

  test("metrics are keys of their own", () => {
    const fib = new Fib<string>(0);
    fib.allowDeletions();
    fib.want(A, 0, "me", ONE);
    fib.want(A, 900, "local", TWO);
    assert.equal(carryOut(fib).length, 2);
    fib.unwant(A, 0);
    assert.deepEqual(carryOut(fib), ["delete 10.233.1.0/24 192.168.1.1: removed"]);
    assert.equal(fib.row(A, 900)?.state, "installed");
  });
});

describe("Fib, whatever happens in whatever order", () => {
  const prefixes = Array.from({ length: 4 }, (_, index) => prefix(`10.0.${index}.0/24`));
  const somePrefix = fc.constantFrom(...prefixes);
  const somePath = fc.constantFrom(ONE, TWO);
  const step = fc.oneof(
    fc.record({ do: fc.constant("want" as const), at: somePrefix, path: somePath }),
    fc.record({ do: fc.constant("unwant" as const), at: somePrefix }),
    fc.record({
      do: fc.constant("other" as const),
      act: fc.constantFrom(...ACTS),
      at: somePrefix,
      path: somePath,
    }),
    fc.record({ do: fc.constant("take" as const) }),
    fc.record({ do: fc.constant("write" as const) }),
    fc.record({ do: fc.constant("hear" as const) }),
  );

  test("the kernel ends with what is wanted; no other's route that was told of is overwritten", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, lags) => {
        const fib = new Fib<string>(0);
        fib.allowDeletions();
        const kernel = new TinyKernel(fib, lags);
        const inFlight: FibChange<string>[] = [];
        const wanted = new Map<string, FibPath>();
        const take = (limit: number): void => {
          const changes = fib.take(limit);
          for (const { op, prefix: at } of changes) {
            const overwrites = op === "replace" && kernel.routes.get(at.text)?.ours === false;
            assert.ok(lags || !overwrites);
          }
          inFlight.push(...changes);
        };
        const write = (): void => {
          const change = inFlight.shift();
          if (change !== undefined) kernel.write(change);
        };
        for (const event of steps) {
          if (event.do === "want") {
            fib.want(event.at, 0, "me", event.path);
            wanted.set(event.at.text, event.path);
          } else if (event.do === "unwant") {
            fib.unwant(event.at, 0);
            wanted.delete(event.at.text);
          } else if (event.do === "other") kernel.other(event.act, event.at, event.path);
          else if (event.do === "take") take(2);
          else if (event.do === "hear") kernel.hear();
          else write();
        }
        const held = [...fib.rows()].flatMap((row) => row.kernel ?? []);
        assert.deepEqual(
          new Set(fib.heldPaths()),
          new Set([...held, ...inFlight.map(({ path: way }) => way)]),
        );
        for (let round = 0; round < 50; round++) {
          kernel.hear();
          while (inFlight.length > 0) write();
          if (fib.ownersUnknown) kernel.scan();
          take(10);
          if (inFlight.length === 0 && fib.idle && !fib.ownersUnknown) break;
        }
        assert.ok(fib.idle);
        for (const { text } of prefixes) {
          const there = kernel.routes.get(text);
          if (there?.ours === false) continue;
          assert.equal(there?.path, wanted.get(text), text);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
