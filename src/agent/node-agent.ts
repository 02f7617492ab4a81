import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import type { NodeConfig } from "../config/node-config.ts";
import type { Clock } from "../platform/clock.ts";
import type { LogControl } from "../platform/pino-logger.ts";
import { EventHub } from "./event-hub.ts";
import { EventLoopTurns } from "./event-loop-turns.ts";
import { NodeFiles } from "./node-files.ts";
import { NodeProgrammer } from "./node-programmer.ts";
import { NodeSpeaker } from "./node-speaker.ts";
import type { RecordingFile } from "./recording-file.ts";
import { Services } from "./services.ts";
import { createViews } from "./speaker-views.ts";
import type { StatusSources } from "./status-view.ts";

export interface NodeAgentOptions {
  /** Path of the node's YAML, read again at each reload. */
  readonly configPath: string;
  readonly config: NodeConfig;
  readonly cluster: ClusterModel;
  readonly log: LogControl;
  /** The log level comes from the command line and no reload changes it. */
  readonly logLevelFixed: boolean;
  readonly clock: Clock;
  /** What happens to the speaker is written there. */
  readonly recording?: RecordingFile | undefined;
}

/** A node: its speaker and its programmer in one process, with what tells the one of routes going straight to the other. */
export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #hub = new EventHub();
  readonly #turns: EventLoopTurns;
  readonly #files: NodeFiles;
  readonly #programmer: NodeProgrammer;
  readonly #speaker: NodeSpeaker;
  readonly #startedWallMs: number;
  #services: Services | undefined;

  constructor(options: NodeAgentOptions) {
    const { log, clock, recording } = options;
    const { logger } = log;
    this.#options = options;
    this.#startedWallMs = clock.wallMs();
    this.#turns = new EventLoopTurns(clock);
    const onChange = (): void => this.#apply();
    this.#files = new NodeFiles({ ...options, hub: this.#hub, onChange });
    const parts = { files: this.#files, hub: this.#hub, clock, logger };
    this.#programmer = new NodeProgrammer({
      ...parts,
      onSilence: (silent) => this.#speaker.setUnheard(silent),
    });
    this.#speaker = new NodeSpeaker({ ...parts, recording, feed: this.#programmer.feed });
  }

  /** Starts everything, the programmer first, since what it finds in the kernel goes into our OPENs. */
  async start(): Promise<void> {
    const { clock, log } = this.#options;
    const { felix } = this.#programmer;
    await this.#files.watchPodInterface();
    await this.#programmer.start();
    this.#programmer.apply();
    await this.#speaker.start(felix.status().adoptedVersions);
    const sources = (): StatusSources => this.#statusSources();
    this.#services = await Services.start({
      configured: this.#files.config,
      views: createViews(sources, this.#hub, felix),
      sources,
      awaited: () => this.#speaker.awaited(),
      clock,
      logger: log.logger,
    });
    await this.#files.follow();
    this.#turns.start();
    log.logger.info(
      { listen: this.#speaker.listenAddresses, ...this.#services.addresses },
      "margay node is up",
    );
  }

  #statusSources(): StatusSources {
    return {
      nodeName: this.#files.config.node.name,
      role: "node",
      startedWallMs: this.#startedWallMs,
      driver: this.#speaker.driver,
      listenAddresses: this.#speaker.listenAddresses,
      clock: this.#options.clock,
      turns: this.#turns,
      felix: this.#programmer.felix,
      config: this.#files.status,
    };
  }

  #apply(): void {
    this.#programmer.apply();
    this.#speaker.apply();
  }

  /** Reads all files again (SIGHUP). A mistake in any leaves everything as it is, and says so. */
  reload(): Promise<void> {
    return this.#files.reload();
  }

  /**
   * Stops in the reverse order. Routes stay in the kernel and peers with graceful restart are left without a word, so that
   * they keep ours; with `cleanup` peers are told, and the routes go.
   */
  async stop(options: { readonly cleanup: boolean }): Promise<void> {
    await this.#files.stop();
    await this.#services?.close();
    this.#turns.stop();
    await this.#speaker.stop({ silently: !options.cleanup });
    await this.#programmer.stop(options);
    this.#options.log.logger.info(
      {},
      options.cleanup ? "stopped, routes removed" : "stopped; routes stay in the kernel",
    );
  }
}
