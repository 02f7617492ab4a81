import { type Metric as LibraryMetric, Registry } from "@prometheus-io/client";
import { setImmediate } from "node:timers/promises";
import { fibMetrics } from "./fib-metrics.ts";
import type { Metric, MetricSources } from "./metric.ts";
import { peerMetrics } from "./peer-metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { rangeMetrics } from "./range-metrics.ts";
import { ribMetrics } from "./rib-metrics.ts";

/** THE table of metrics: one that is new is a row in one of these files. */
export const metrics: readonly Metric[] = [
  ...processMetrics,
  ...peerMetrics,
  ...rangeMetrics,
  ...ribMetrics,
  ...fibMetrics,
];

/** What `expose` writes (`Content-Type`). */
export const metricsContentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * The metrics as they are now, in Prometheus' text format, one at a time: with thousands of peers all of them take long,
 * and between two of them the daemon goes on.
 */
export async function* expose(sources: MetricSources): AsyncGenerator<string> {
  const registry = new Registry();
  for (const metric of metrics) {
    const { name, help, type } = metric;
    const values = [...metric.samples(sources)];
    if (values.length === 0) continue;
    // All that the registry asks of a metric when it writes one; its own kinds keep every line between two scrapes.
    const read = { get: async () => ({ name, help, type, values }) } as unknown as LibraryMetric;
    yield `${await registry.getMetricsAsString(read)}\n`;
    await setImmediate();
  }
}
