import type { FelixSources } from "../felix-views.ts";
import type { StatusSources } from "../status-view.ts";

/** A daemon that has peers, or the programmer of one. */
export type MetricSources = StatusSources | FelixSources;

/** One line of a metric. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where it is not the metric's: the parts of a histogram. */
  readonly metricName?: string;
}

/** A row of the table of metrics: read when somebody asks, and kept nowhere. */
export interface Metric<Sources = StatusSources> {
  /** In base units; counters end in `_total`. */
  readonly name: string;
  /** A sentence without its full stop. */
  readonly help: string;
  readonly type: "gauge" | "counter" | "histogram";
  /** None: the metric is left out. */
  readonly samples: (sources: Sources) => Iterable<Sample>;
}

/** A metric of one line; left out where there is no value. */
export function single<Sources = StatusSources>(
  type: "gauge" | "counter",
  name: string,
  help: string,
  value: (sources: Sources) => number | undefined,
): Metric<Sources> {
  return {
    name,
    help,
    type,
    *samples(sources) {
      const found = value(sources);
      if (found !== undefined) yield { value: found };
    },
  };
}
