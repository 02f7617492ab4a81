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
    const { prefix, metric } = row;
    if (prefix.version === 4 && metric === this.#mainMetric) {
      this.#byLength[prefix.length]?.set(readIpv4(prefix.octets) | 0, row);
    } else this.#others.set(otherKey(prefix, metric), row);
  }

  delete(prefix: Prefix, metric: number): void {
    if (prefix.version === 4 && metric === this.#mainMetric) {
      this.#byLength[prefix.length]?.delete(readIpv4(prefix.octets) | 0);
    } else this.#others.delete(otherKey(prefix, metric));
  }

  /** All rows: the other metrics' and IPv6 first, then by prefix length. Rows may be added and deleted meanwhile. */
  *values(): Generator<FibRow<Want>, undefined> {
    yield* this.#others.values();
    for (const rows of this.#byLength) yield* rows.values();
  }
}

function otherKey(prefix: Prefix, metric: number): string {
  return `${prefix.text} metric ${metric}`;
}
