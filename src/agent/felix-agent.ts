import { formatDuration } from "../api/duration.ts";
import { type ApiServer, startApiServer } from "../api/server.ts";
import type { StatusView } from "../api/views.ts";
import { EventHub } from "./event-hub.ts";
import { EventLoopTurns } from "./event-loop-turns.ts";
import { FeedClient } from "./feed/feed-client.ts";
import { Resync } from "./feed/resync.ts";
import { type FelixSources, felixViews } from "./felix-views.ts";
import type { NodeAgentOptions } from "./node-agent.ts";
import { NodeFiles } from "./node-files.ts";
import { NodeProgrammer } from "./node-programmer.ts";
import { type Probes, startProbes } from "./probes.ts";
import { programmerReport } from "./status-view.ts";

/** The programmer of a node in a process of its own, which speaks to no peer: it follows the routes of `margay speaker`. */
export class FelixAgent {
  readonly #options: Omit<NodeAgentOptions, "recording">;
  readonly #hub = new EventHub();
  readonly #turns: EventLoopTurns;
  readonly #files: NodeFiles;
  readonly #programmer: NodeProgrammer;
  readonly #resync: Resync;
  readonly #client: FeedClient;
  readonly #startedWallMs: number;
  #api: ApiServer | undefined;
  #probes: Probes | undefined;

  /** Throws `NetlinkError`. */
  constructor(options: Omit<NodeAgentOptions, "recording">) {
    const { log, clock, config } = options;
    const { logger } = log;
    this.#options = options;
    this.#startedWallMs = clock.wallMs();
    this.#turns = new EventLoopTurns(clock);
    const onChange = (): void => this.#programmer.apply();
    this.#files = new NodeFiles({ ...options, hub: this.#hub, onChange });
    this.#programmer = new NodeProgrammer({ files: this.#files, hub: this.#hub, clock, logger });
    const feedLogger = logger.child({ room: "feed" });
    this.#resync = new Resync({
      feed: this.#programmer.feed,
      staleMs: config.felix.staleSeconds * 1000,
      clock,
      logger: feedLogger,
    });
    this.#client = new FeedClient({
      socketPath: config.api.socket,
      clock,
      logger: feedLogger,
      resync: this.#resync,
      report: () => {
        const status = this.#programmer.felix.status();
        const silent = status.lost.filter(({ isDeaf }) => !isDeaf);
        return { ...programmerReport(status), silent: silent.map(({ address }) => address) };
      },
    });
  }

  /** Adopts what the kernel has, and looks for the speaker. Rejects with `NetlinkError` or `ListenError`. */
  async start(): Promise<void> {
    const { clock, log } = this.#options;
    await this.#files.watchPodInterface();
    await this.#programmer.start();
    this.#programmer.apply();
    const { socket: socketPath, metrics } = this.#files.config.felix;
    const sources = (): FelixSources => this.#sources();
    const views = felixViews(sources, this.#hub);
    const apiLogger = log.logger.child({ room: "api" });
    this.#api = await startApiServer({ views, clock, logger: apiLogger, socketPath });
    if (metrics.listen !== undefined) {
      this.#probes = await startProbes({
        listen: metrics.listen,
        sources,
        views,
        logger: log.logger.child({ room: "metrics" }),
        awaited: () => this.#awaited(),
      });
    }
    await this.#files.follow();
    this.#client.start();
    this.#turns.start();
    const { addresses: api } = this.#api;
    log.logger.info({ api, metrics: this.#probes?.address }, "margay felix is up");
  }

  #sources(): FelixSources {
    const { node } = this.#files.config;
    const { size, staleSize } = this.#resync;
    return {
      nodeName: node.name,
      role: "felix",
      asn: node.asn,
      routerId: node.routerId,
      startedWallMs: this.#startedWallMs,
      clock: this.#options.clock,
      turns: this.#turns,
      felix: this.#programmer.felix,
      config: this.#files.status,
      warnings: this.#warnings(),
      feed: { isConnected: this.#client.isConnected, routes: size, staleRoutes: staleSize },
    };
  }

  #awaited(): string[] {
    const { pictureComplete } = this.#programmer.felix.status();
    return pictureComplete ? [] : ["waiting for the speaker's routes"];
  }

  #warnings(): NonNullable<StatusView["warnings"]> {
    const { staleForMs, staleSize } = this.#resync;
    if (this.#client.isConnected) return [];
    const stay =
      staleForMs === undefined
        ? "for longer than routes stay without it"
        : `its ${staleSize} routes stay for ${formatDuration(Math.ceil(staleForMs / 1000))}`;
    const remedy = "run `margay speaker` with the same configuration";
    return [{ name: "speaker-away", text: `the speaker is away: ${stay}`, remedy }];
  }

  /** Reads all files again (SIGHUP). A mistake in any leaves everything as it is, and says so. */
  reload(): Promise<void> {
    return this.#files.reload();
  }

  /** Ends. Routes stay in the kernel, save with `cleanup`. */
  async stop(options: { readonly cleanup: boolean }): Promise<void> {
    this.#client.stop();
    await this.#files.stop();
    await this.#probes?.close();
    await this.#api?.close();
    this.#turns.stop();
    await this.#programmer.stop(options);
    this.#options.log.logger.info(
      {},
      options.cleanup ? "stopped, routes removed" : "stopped; routes stay in the kernel",
    );
  }
}
