import { type Prefix, prefixContains } from "./prefix.ts";

/** Orders IPv4 before IPv6, then by address, then the shorter prefix first: a prefix comes right before what it contains. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  if (a.version !== b.version) return a.version - b.version;
  for (let index = 0; index < a.octets.length; index++) {
    const difference = (a.octets[index] as number) - (b.octets[index] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * Every entry that is equal to or inside another one, with the smallest prefix that holds it; in prefix order, and among
 * equals in the order given. In `O(n log n)`.
 */
export function findOverlaps<T extends { readonly prefix: Prefix }>(
  entries: readonly T[],
): { outer: T; inner: T }[] {
  const sorted = entries.toSorted((a, b) => comparePrefixes(a.prefix, b.prefix));
  const overlaps: { outer: T; inner: T }[] = [];
  const around: T[] = [];
  for (const inner of sorted) {
    let outer = around.at(-1);
    while (outer !== undefined && !prefixContains(outer.prefix, inner.prefix)) {
      around.pop();
      outer = around.at(-1);
    }
    if (outer !== undefined) overlaps.push({ outer, inner });
    around.push(inner);
  }
  return overlaps;
}
