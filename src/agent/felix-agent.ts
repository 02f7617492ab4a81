import { formatDuration } from "../api/duration.ts";
import { type ApiServer, startApiServer } from "../api/server.ts";
import type { StatusView } from "../api/views.ts";
import { EventHub } from "./event-hub.ts";
import { EventLoopTurns } from "./event-loop-turns.ts";
import { FeedClient } from "./feed/feed-client.ts";
import { Resync } from "./feed/resync.ts";
import { felixViews } from "./felix-views.ts";
import type { NodeAgentOptions } from "./node-agent.ts";
import { NodeFiles } from "./node-files.ts";
import { NodeProgrammer } from "./node-programmer.ts";
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
      report: () => programmerReport(this.#programmer.felix.status()),
    });
  }

  /** Adopts what the kernel has, and looks for the speaker. Rejects with `NetlinkError` or `ListenError`. */
  async start(): Promise<void> {
    const { clock, log } = this.#options;
    await this.#files.watchPodInterface();
    await this.#programmer.start();
    this.#programmer.apply();
    this.#api = await startApiServer({
      views: felixViews({
        files: this.#files,
        programmer: this.#programmer,
        hub: this.#hub,
        turns: this.#turns,
        clock,
        startedWallMs: this.#startedWallMs,
        routes: () => this.#resync.size,
        warnings: () => this.#warnings(),
      }),
      clock,
      logger: log.logger.child({ room: "api" }),
      socketPath: this.#files.config.felix.socket,
    });
    await this.#files.follow();
    this.#client.start();
    this.#turns.start();
    log.logger.info({ api: this.#api.addresses }, "margay felix is up");
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
    await this.#api?.close();
    this.#turns.stop();
    await this.#programmer.stop(options);
    this.#options.log.logger.info(
      {},
      options.cleanup ? "stopped, routes removed" : "stopped; routes stay in the kernel",
    );
  }
}
