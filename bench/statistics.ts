/** The value that a share of the samples, 0 to 1, does not exceed; `sorted` ascending and not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  const value = sorted[index];
  if (value === undefined) throw new RangeError("no samples");
  return value;
}

/** The middle sample, or the mean of the two in the middle. @throws RangeError of no samples */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return (quantile(sorted, 0.5) + quantile(sorted, 0.5 + 0.5 / sorted.length)) / 2;
}
