import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { DurationHistogram } from "../../../src/agent/duration-histogram.ts";

function histogramOf(durations: readonly number[]): DurationHistogram {
  const histogram = new DurationHistogram();
  for (const durationMs of durations) histogram.record(durationMs);
  return histogram;
}

const someDurations = fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), { minLength: 1 });

describe("a histogram of durations", () => {
  test("knows nothing before anything was recorded", () => {
    const { count, sumMs, maximumMs } = new DurationHistogram();
    assert.deepEqual([count, sumMs, maximumMs], [0, 0, 0]);
    assert.equal(new DurationHistogram().quantileMs(0.99), 0);
  });

  test("gives quantiles that are right to a fifth, rounded up, and the exact maximum", () => {
    fc.assert(
      fc.property(
        someDurations,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (durations, share) => {
          const histogram = histogramOf(durations);
          const sorted = durations.toSorted((a, b) => a - b);
          const exact = sorted[Math.ceil(share * sorted.length) - 1] as number;
          const found = histogram.quantileMs(share);
          assert.ok(found >= exact, `${found} < ${exact}`);
          const isTooSmallForBounds = exact <= 0.01;
          assert.ok(
            found <= exact * 1.2001 || isTooSmallForBounds || exact > 90_000,
            `${found} ≫ ${exact}`,
          );
          assert.equal(histogram.maximumMs, sorted.at(-1));
          assert.equal(histogram.count, durations.length);
        },
      ),
    );
  });

  test("counts exactly at the round bounds that people ask for", () => {
    const histogram = histogramOf([0.5, 20, 20.001, 49, 50, 51]);
    assert.deepEqual(
      [1, 20, 50, 100].map((boundMs) => histogram.countUpTo(boundMs)),
      [1, 2, 5, 6],
    );
  });

  test("adds up to what one of both would have been", () => {
    fc.assert(
      fc.property(someDurations, someDurations, (some, more) => {
        const sum = histogramOf(some);
        sum.add(histogramOf(more));
        const one = histogramOf([...some, ...more]);
        for (const share of [0.1, 0.5, 0.99, 1]) {
          assert.equal(sum.quantileMs(share), one.quantileMs(share));
        }
        assert.deepEqual([sum.count, sum.maximumMs], [one.count, one.maximumMs]);
        sum.clear();
        assert.deepEqual([sum.count, sum.sumMs, sum.quantileMs(1)], [0, 0, 0]);
      }),
    );
  });
});
