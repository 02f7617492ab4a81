import { RowFlag } from "./row-flag.ts";
import type { RowTable } from "./row-table.ts";

/**
 * - installed: the kernel has what is wanted, written by us in this life
 * - adopted: the kernel had what is wanted from an earlier life
 * - pending: on its way, or waiting for a way to the next hop
 * - conflict: another protocol has a route of the same prefix and metric
 * - error: the kernel refused
 * - stale: ours, wanted by nobody (yet)
 */
export type RowState = "installed" | "adopted" | "pending" | "conflict" | "error" | "stale";

/** The row's state, as far as the row tells. */
export function stateOfRow(table: RowTable<unknown>, row: number): RowState {
  if (table.want[row] === undefined) return "stale";
  const trouble = table.trouble(row);
  if (trouble?.foreign !== undefined) return "conflict";
  if (trouble?.failure !== undefined) return "error";
  const wanted = table.wanted[row];
  if (wanted === undefined || wanted !== table.kernel[row]) return "pending";
  return table.has(row, RowFlag.adopted) ? "adopted" : "installed";
}

/** Routes by state. What waits for a way, and `isHopeless` says waits in vain, is an error. */
export function countStates<Want>(
  table: RowTable<Want>,
  isHopeless: (want: Want) => boolean,
): Record<RowState, number> {
  const counts = { installed: 0, adopted: 0, pending: 0, conflict: 0, error: 0, stale: 0 };
  for (let row = 0; row < table.end; row++) {
    if (!table.has(row, RowFlag.used)) continue;
    const state = stateOfRow(table, row);
    const want = table.want[row];
    const isWaiting = state === "pending" && table.wanted[row] === undefined;
    counts[isWaiting && want !== undefined && isHopeless(want) ? "error" : state]++;
  }
  return counts;
}

/** Prefix lengths of the routes that are wanted, single addresses apart, shortest first. */
export function wantedLengths(table: RowTable<unknown>): Record<4 | 6, readonly number[]> {
  const seen = { 4: new Set<number>(), 6: new Set<number>() };
  for (let row = 0; row < table.end; row++) {
    if (table.want[row] === undefined) continue;
    const length = table.prefixLength(row);
    const isIpv4 = table.ipv4Address(row) !== undefined;
    if (length !== (isIpv4 ? 32 : 128)) seen[isIpv4 ? 4 : 6].add(length);
  }
  const inOrder = (lengths: Set<number>): number[] => [...lengths].sort((a, b) => a - b);
  return { 4: inOrder(seen[4]), 6: inOrder(seen[6]) };
}
