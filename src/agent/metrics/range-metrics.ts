import type { StatusSources } from "../status-view.ts";
import { type Metric, type Sample, single } from "./metric.ts";

/** Dynamic neighbours, and those who were turned away. */
export const rangeMetrics: readonly Metric[] = [
  perRange("gauge", "peers", "Peers that connected from a range", ({ peers }) => peers),
  perRange("gauge", "limit", "Peers that a range may have at a time", ({ range }) => range.limit),
  perRange(
    "counter",
    "refused_total",
    "Connections refused since a range had its peers",
    ({ overLimit }) => overLimit,
  ),
  single(
    "counter",
    "margay_strangers_refused_total",
    "Connections refused since no peer and no range has their address",
    ({ driver }) => driver.speaker.dynamicPeers.strangers,
  ),
];

type RangeState =
  ReturnType<StatusSources["driver"]["speaker"]["dynamicPeers"]["ranges"]> extends Generator<
    infer State
  >
    ? State
    : never;

function perRange(
  type: "gauge" | "counter",
  name: string,
  help: string,
  value: (state: RangeState) => number,
): Metric {
  return {
    name: `margay_range_${name}`,
    help,
    type,
    *samples({ driver }): Generator<Sample> {
      for (const state of driver.speaker.dynamicPeers.ranges()) {
        yield { labels: { range: state.range.prefix.text }, value: value(state) };
      }
    },
  };
}
