import { readIpv4 } from "../net/ip-address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { FibRow } from "./row.ts";

/**
 * Rows by prefix and metric. Nearly all are IPv4 at the main metric: those are found by the address as a small integer
 * in a map per prefix length, without touching text.
 */
export class RowTable<Want> {
  readonly #mainMetric: number;
  readonly #byLength: readonly Map<number, FibRow<Want>>[];
  readonly #others = new Map<string, FibRow<Want>>();

  constructor(mainMetric: number) {
    this.#mainMetric = mainMetric;
    this.#byLength = Array.from({ length: 33 }, () => new Map<number, FibRow<Want>>());
  }

  get(prefix: Prefix, metric: number): FibRow<Want> | undefined {
    if (prefix.version === 4 && metric === this.#mainMetric) {
      return this.#byLength[prefix.length]?.get(readIpv4(prefix.octets) | 0);
    }
    return this.#others.get(otherKey(prefix, metric));
  }

  add(row: FibRow<Want>): void {
    const { ipv4Address, metric } = row;
    if (ipv4Address !== undefined && metric === this.#mainMetric) {
      this.#byLength[row.prefixLength]?.set(ipv4Address, row);
    } else this.#others.set(otherKey(row.prefix, metric), row);
  }

  delete(row: FibRow<Want>): void {
    const { ipv4Address, metric } = row;
    if (ipv4Address !== undefined && metric === this.#mainMetric) {
      this.#byLength[row.prefixLength]?.delete(ipv4Address);
    } else this.#others.delete(otherKey(row.prefix, metric));
  }

  /** All rows: the other metrics' and IPv6 first, then by prefix length. Rows may be added and deleted meanwhile. */
  *values(): Generator<FibRow<Want>, undefined> {
    for (const row of this.#others.values()) yield row;
    for (const rows of this.#byLength) for (const row of rows.values()) yield row;
  }
}

function otherKey(prefix: Prefix, metric: number): string {
  return `${prefix.text} metric ${metric}`;
}
