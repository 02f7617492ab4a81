import { margayVersion } from "../../api/version.ts";
import type { DurationHistogram } from "../duration-histogram.ts";
import type { EventLoopTurns } from "../event-loop-turns.ts";
import type { DaemonSources } from "../status-view.ts";
import { type Metric, type Sample, single } from "./metric.ts";

/** Bounds of the exported buckets in seconds: 20 ms and 50 ms are what a reflector under load should keep to. */
const turnBounds = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** The daemon itself. The first seven bear the names that every Prometheus dashboard of a Node.js program looks for. */
export const processMetrics: readonly Metric<DaemonSources>[] = [
  single(
    "gauge",
    "process_start_time_seconds",
    "When the daemon started, in seconds since 1970",
    ({ startedWallMs }) => startedWallMs / 1000,
  ),
  single("counter", "process_cpu_seconds_total", "CPU time spent, user and system", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }),
  single("gauge", "process_resident_memory_bytes", "Memory as the kernel counts it", () =>
    process.memoryUsage.rss(),
  ),
  single(
    "gauge",
    "nodejs_heap_size_total_bytes",
    "Memory set aside for JavaScript objects",
    () => process.memoryUsage().heapTotal,
  ),
  single(
    "gauge",
    "nodejs_heap_size_used_bytes",
    "JavaScript objects, garbage that nobody has collected yet included",
    () => process.memoryUsage().heapUsed,
  ),
  single(
    "gauge",
    "nodejs_external_memory_bytes",
    "Octets outside of the JavaScript heap: columns of tables, messages, buffers of sockets",
    () => process.memoryUsage().external,
  ),
  {
    name: "nodejs_version_info",
    help: "The version of Node.js",
    type: "gauge",
    samples: () => [{ labels: { version: process.version }, value: 1 }],
  },
  {
    name: "margay_build_info",
    help: "The version of margay, and as what it runs",
    type: "gauge",
    samples: ({ role, nodeName }) => [
      { labels: { version: margayVersion(), role, node: nodeName }, value: 1 },
    ],
  },
  {
    name: "margay_event_loop_turn_seconds",
    help: "Turns of the event loop since the start: so long keepalives, hold timers and sockets wait",
    type: "histogram",
    samples: ({ turns }) => turnSamples("margay_event_loop_turn_seconds", turns.sinceStart),
  },
  {
    name: "margay_event_loop_turn_maximum_seconds",
    help: "The longest turn of the event loop",
    type: "gauge",
    samples: ({ turns }) => longestTurns(turns),
  },
  single(
    "gauge",
    "margay_config_last_reload_successful",
    "Whether the configuration was accepted when it was last read",
    ({ config }) => (config === undefined ? undefined : Number(config.lastReloadOk ?? false)),
  ),
  single(
    "gauge",
    "margay_config_last_reload_timestamp_seconds",
    "When the configuration was last read, in seconds since 1970",
    ({ config }) =>
      config?.lastReload === undefined ? undefined : Number(config.lastReload.seconds ?? 0n),
  ),
];

function* turnSamples(name: string, turns: DurationHistogram): Generator<Sample> {
  const metricName = `${name}_bucket`;
  for (const bound of turnBounds) {
    yield { metricName, labels: { le: String(bound) }, value: turns.countUpTo(bound * 1000) };
  }
  yield { metricName, labels: { le: "+Inf" }, value: turns.count };
  yield { metricName: `${name}_sum`, value: turns.sumMs / 1000 };
  yield { metricName: `${name}_count`, value: turns.count };
}

function longestTurns(turns: EventLoopTurns): Sample[] {
  return [
    { labels: { since: "start" }, value: turns.sinceStart.maximumMs / 1000 },
    { labels: { since: "last-minute" }, value: turns.lastMinute().maximumMs / 1000 },
  ];
}
