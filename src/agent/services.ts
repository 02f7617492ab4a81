import { type ApiServer, type ApiServerOptions, startApiServer } from "../api/server.ts";
import type { Views } from "../api/views.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { type Probes, startProbes } from "./probes.ts";
import type { StatusSources } from "./status-view.ts";

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

interface ServicesOptions {
  /** As the configuration has them; where it has none, none is there. */
  readonly configured: {
    readonly api?:
      | { readonly socket?: string | undefined; readonly listen?: Endpoint | undefined }
      | undefined;
    readonly metrics: { readonly listen?: Endpoint | undefined };
  };
  readonly views: Views;
  readonly sources: () => StatusSources;
  /** What is still waited for before the daemon is ready. */
  readonly awaited: () => readonly string[];
  /** Further services of the API. */
  readonly extend?: ApiServerOptions["extend"];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a daemon with a speaker serves: its API, and metrics and probes over HTTP. */
export class Services {
  readonly #api: ApiServer | undefined;
  readonly #probes: Probes | undefined;

  private constructor(api: ApiServer | undefined, probes: Probes | undefined) {
    this.#api = api;
    this.#probes = probes;
  }

  /** @throws ListenError, and then nothing listens */
  static async start(options: ServicesOptions): Promise<Services> {
    const api = await startApi(options);
    try {
      return new Services(api, await startMetrics(options));
    } catch (error) {
      await api?.close();
      throw error;
    }
  }

  /** Where they are, for the log. */
  get addresses(): { readonly api: readonly string[]; readonly metrics: string | undefined } {
    return { api: this.#api?.addresses ?? [], metrics: this.#probes?.address };
  }

  async close(): Promise<void> {
    await this.#probes?.close();
    await this.#api?.close();
  }
}

async function startApi(options: ServicesOptions): Promise<ApiServer | undefined> {
  const { configured, views, extend, clock, logger } = options;
  const { api } = configured;
  if (api === undefined) return undefined;
  return startApiServer({
    ...{ views, extend, clock, logger: logger.child({ room: "api" }) },
    socketPath: api.socket,
    ...(api.listen !== undefined && { tcp: { host: api.listen.address, port: api.listen.port } }),
  });
}

async function startMetrics(options: ServicesOptions): Promise<Probes | undefined> {
  const { configured, views, sources, awaited, logger } = options;
  const { listen } = configured.metrics;
  if (listen === undefined) return undefined;
  return startProbes({
    ...{ listen, sources, views, awaited },
    logger: logger.child({ room: "metrics" }),
  });
}
