import { ProbeServer } from "../api/probe-server.ts";
import type { Views } from "../api/views.ts";
import type { Logger } from "../platform/logger.ts";
import type { MetricSources } from "./metrics/metric.ts";

interface ProbesOptions {
  readonly listen: { readonly address: string; readonly port: number };
  readonly sources: () => MetricSources;
  readonly views: Views;
  readonly logger: Logger;
  /** What is still waited for before the daemon is ready. */
  readonly awaited: () => readonly string[];
}

/** Metrics and probes of a daemon over HTTP. */
export interface Probes {
  /** `http://127.0.0.1:9479` */
  readonly address: string;
  close(): Promise<void>;
}

/** @throws ListenError */
export async function startProbes(options: ProbesOptions): Promise<Probes> {
  const { listen, sources, views, logger, awaited } = options;
  // Where nobody asks for metrics, their library takes no memory.
  const { expose, metricsContentType } = await import("./metrics/index.ts");
  const server = new ProbeServer({
    listen,
    logger,
    views,
    metrics: () => expose(sources()),
    metricsContentType,
    awaited,
  });
  const address = await server.start();
  return { address, close: () => server.close() };
}
