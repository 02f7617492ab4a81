import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { LookBudget } from "../../../../src/felix/firewall/look-budget.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

let clock: FakeClock;
let budget: LookBudget;

beforeEach(() => {
  clock = new FakeClock();
  budget = new LookBudget(clock);
});

describe("the budget of looks", () => {
  test("is ten seconds of looks beforehand, a second each at least", () => {
    for (let looks = 0; looks < 10; looks++) {
      assert.equal(budget.waitMs, 0);
      budget.looked(3);
    }
    assert.equal(budget.waitMs, 0);
    budget.looked(3);
    assert.equal(budget.waitMs, 1000);
    clock.advance(400);
    assert.equal(budget.waitMs, 600);
  });

  test("counts CPU time twenty times, that of what follows from a look, too", () => {
    budget.looked(600);
    assert.equal(budget.waitMs, 2000);
    budget.worked(50);
    assert.equal(budget.waitMs, 3000);
    budget.worked(0);
    assert.equal(budget.waitMs, 3000);
  });

  test("does not count how long a look lasts", () => {
    for (let looks = 0; looks < 20; looks++) {
      clock.advance(5000);
      budget.looked(10);
    }
    assert.equal(budget.waitMs, 0);
  });

  test("does not grow beyond that with nothing to look at", () => {
    budget.looked(1000);
    clock.advance(1_000_000);
    assert.equal(budget.waitMs, 0);
    budget.looked(1000);
    assert.equal(budget.waitMs, 10_000);
  });
});
