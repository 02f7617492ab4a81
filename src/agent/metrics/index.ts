import { type Metric as LibraryMetric, Registry } from "@prometheus-io/client";
import { setImmediate } from "node:timers/promises";
import type { FelixSources } from "../felix-views.ts";
import { feedMetrics, followerMetrics } from "./feed-metrics.ts";
import { fibMetrics } from "./fib-metrics.ts";
import type { Metric, MetricSources } from "./metric.ts";
import { peerMetrics } from "./peer-metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { rangeMetrics } from "./range-metrics.ts";
import { ribMetrics } from "./rib-metrics.ts";

/** THE tables of metrics: one that is new is a row in one of these files. */
const speakerMetrics: readonly Metric[] = [
  ...processMetrics,
  ...peerMetrics,
  ...rangeMetrics,
  ...ribMetrics,
  ...fibMetrics,
  ...followerMetrics,
];

/** Of a programmer in a process of its own. */
const programmerMetrics: readonly Metric<FelixSources>[] = [
  ...processMetrics,
  ...fibMetrics,
  ...feedMetrics,
];

/** What each of them is. */
export const metrics: readonly Omit<Metric, "samples">[] = [
  ...new Set([...speakerMetrics, ...programmerMetrics]),
];

/** What `expose` writes (`Content-Type`). */
export const metricsContentType: string = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * The metrics as they are now, in Prometheus' text format, one at a time: with thousands of peers all of them take long,
 * and between two of them the daemon goes on.
 */
export function expose(sources: MetricSources): AsyncGenerator<string> {
  return "driver" in sources ? write(speakerMetrics, sources) : write(programmerMetrics, sources);
}

async function* write<Sources>(
  table: readonly Metric<Sources>[],
  sources: Sources,
): AsyncGenerator<string> {
  const registry = new Registry();
  for (const metric of table) {
    const { name, help, type } = metric;
    const values = [...metric.samples(sources)];
    if (values.length === 0) continue;
    // All that the registry asks of a metric when it writes one; its own kinds keep every line between two scrapes.
    const read = { get: async () => ({ name, help, type, values }) } as unknown as LibraryMetric;
    yield `${await registry.getMetricsAsString(read)}\n`;
    await setImmediate();
  }
}
