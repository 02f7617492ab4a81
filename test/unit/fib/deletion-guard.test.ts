import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DeletionGuard } from "../../../src/fib/deletion-guard.ts";

const guard = (): DeletionGuard => new DeletionGuard({ share: 0.3, floor: 10, windowMs: 60_000 });

describe("DeletionGuard", () => {
  test("lets any number go while the picture is whole", () => {
    assert.equal(guard().allows(1000, 1000, true, 0), true);
  });

  test("without a whole picture, lets a third of a hundred not go, and less do", () => {
    assert.equal(guard().allows(31, 100, false, 0), false);
    assert.equal(guard().allows(30, 100, false, 0), true);
  });

  test("always lets ten go, were they all there are", () => {
    assert.equal(guard().allows(10, 10, false, 0), true);
    assert.equal(guard().allows(11, 11, false, 0), false);
  });

  test("counts what went within the window together", () => {
    const one = guard();
    assert.equal(one.allows(20, 100, false, 0), true);
    assert.equal(one.allows(20, 80, false, 30_000), false);
    assert.equal(one.allows(20, 80, false, 60_001), true);
  });

  test("a confirmation counts once", () => {
    const one = guard();
    assert.equal(one.allows(90, 100, false, 0), false);
    one.confirm(90);
    assert.equal(one.allows(90, 100, false, 1), true);
    assert.equal(one.allows(11, 11, false, 61_000), false);
  });

  test("a confirmation is of so many, besides which may go what may go anyway", () => {
    const one = guard();
    one.confirm(50);
    assert.equal(one.allows(81, 100, false, 0), false);
    assert.equal(one.allows(80, 100, false, 0), true);
  });

  test("a confirmation that is withdrawn is none", () => {
    const one = guard();
    one.confirm(90);
    one.withdraw();
    assert.equal(one.allows(90, 100, false, 0), false);
  });
});
