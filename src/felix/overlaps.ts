import type { Fib } from "../fib/fib.ts";
import type { FibRow } from "../fib/row.ts";
import { type Prefix, prefixContains, prefixFromOctets } from "../net/prefix.ts";
import type { RouteOwner } from "./owner.ts";

/** A pod CIDR inside another node's: its packets go to the inner one's node, the longer prefix, on every node alike. */
export interface PodCidrOverlap {
  readonly inner: Prefix;
  /** Where it leads: addresses of next hops, or `this node`. */
  readonly innerOwner: string;
  readonly outer: Prefix;
  readonly outerOwner: string;
}

/** More are not told of. */
const MAXIMUM = 100;

/**
 * Wanted routes inside each other that lead to different nodes. Single addresses are left out, for moving one pod's
 * address is done by a route of its own, and so is what holds a whole pool, which is somebody's summary.
 */
export function findPodCidrOverlaps(
  fib: Fib<RouteOwner>,
  metrics: readonly number[],
  podPools: readonly Prefix[],
): PodCidrOverlap[] {
  // Nearly always one length alone, and then nothing is inside another.
  const lengths = fib.wantedLengths();
  const isPodCidr = (prefix: Prefix): boolean =>
    podPools.some((pool) => pool.length < prefix.length && prefixContains(pool, prefix));
  const overlaps: PodCidrOverlap[] = [];
  if (lengths[4].length < 2 && lengths[6].length < 2) return overlaps;
  for (const row of fib.rows()) {
    const { want } = row;
    if (want === undefined || isSingle(row) || !metrics.includes(row.metric)) continue;
    const { prefix } = row;
    for (const length of lengths[prefix.version]) {
      if (length >= prefix.length) break;
      const outer = prefixFromOctets(prefix.octets, length);
      const owner = ownerAt(fib, outer, metrics);
      if (owner === undefined || ownerText(owner) === ownerText(want)) continue;
      if (!isPodCidr(outer)) continue;
      overlaps.push({
        ...{ inner: prefix, innerOwner: ownerText(want) },
        ...{ outer, outerOwner: ownerText(owner) },
      });
      if (overlaps.length === MAXIMUM) return overlaps;
    }
  }
  return overlaps;
}

function versionOf({ ipv4Address }: FibRow<RouteOwner>): 4 | 6 {
  return ipv4Address === undefined ? 6 : 4;
}

function isSingle(row: FibRow<RouteOwner>): boolean {
  return row.prefixLength === (versionOf(row) === 4 ? 32 : 128);
}

function ownerAt(
  fib: Fib<RouteOwner>,
  prefix: Prefix,
  metrics: readonly number[],
): RouteOwner | undefined {
  for (const metric of metrics) {
    const want = fib.row(prefix, metric)?.want;
    if (want !== undefined) return want;
  }
  return undefined;
}

function ownerText(owner: RouteOwner): string {
  return owner.kind === "local"
    ? "this node"
    : owner.group.ways.map(({ nextHop }) => nextHop.address).join(" ");
}
