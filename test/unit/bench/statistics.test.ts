import assert from "node:assert/strict";
import { test } from "node:test";
import { figures } from "../../../bench/cells.ts";
import { median, quantile } from "../../../bench/statistics.ts";

test("the median of an odd number of samples is the one in the middle, of an even number their mean", () => {
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([1, 10, 2, 4]), 3);
  assert.throws(() => median([]), RangeError);
});

test("a quantile is a sample", () => {
  const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((share) => quantile(sorted, share)),
    [1, 50, 99, 100],
  );
});

test("figures have three digits that count", () => {
  assert.deepEqual([0, 0.01234, 0.5, 1.005, 12.345, 123.4, 12_345].map(figures), [
    "0",
    "0.012",
    "0.5",
    "1",
    "12.3",
    "123",
    "12,345",
  ]);
});
