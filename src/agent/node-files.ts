import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { StatusView } from "../api/views.ts";
import type { ClusterUpdate } from "../cluster/cluster-source.ts";
import { openClusterSource } from "../cluster/index.ts";
import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import { diffConfig } from "../config/diff-config.ts";
import { loadNodeConfig } from "../config/load.ts";
import type { NodeConfig } from "../config/node-config.ts";
import { type ConfigProblem, formatProblem } from "../config/problem.ts";
import { EventKind } from "../gen/margay/v1/event_pb.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { LogControl } from "../platform/pino-logger.ts";
import type { EventHub } from "./event-hub.ts";
import { PodInterface } from "./pod-interface.ts";

export interface NodeFilesOptions {
  /** Path of the node's YAML, read again at each reload. */
  readonly configPath: string;
  readonly config: NodeConfig;
  readonly cluster: ClusterModel;
  readonly log: LogControl;
  /** The log level comes from the command line and no reload changes it. */
  readonly logLevelFixed: boolean;
  readonly clock: Clock;
  readonly hub: EventHub;
  /** The files, or the interface that pods are on, say something else now. Not before `follow`. */
  readonly onChange: () => void;
}

/** The node's and the cluster's files in force, followed as they change. A mistake in either leaves all as it is. */
export class NodeFiles {
  readonly #options: NodeFilesOptions;
  readonly #logger: Logger;
  readonly #source: ReturnType<typeof openClusterSource>;
  #config: NodeConfig;
  #cluster: ClusterModel;
  #status: NonNullable<StatusView["config"]>;
  #podInterface: PodInterface | undefined;
  #isFollowing = false;

  constructor(options: NodeFilesOptions) {
    const { config, cluster, log, clock } = options;
    this.#options = options;
    this.#logger = log.logger;
    this.#config = config;
    this.#cluster = cluster;
    this.#status = this.#read([]);
    this.#source = openClusterSource(config, clock);
  }

  get config(): NodeConfig {
    return this.#config;
  }

  get cluster(): ClusterModel {
    return this.#cluster;
  }

  /** The last reading, for people. */
  get status(): NonNullable<StatusView["config"]> {
    return this.#status;
  }

  /** Follows the interface that says what our pods have, where the configuration names one. */
  async watchPodInterface(): Promise<void> {
    const { podCidrsInterface: name } = this.#config.node;
    if (name !== this.#podInterface?.name) {
      this.#podInterface?.close();
      this.#podInterface = undefined;
      if (name === undefined) return;
      const logger = this.#logger.child({ room: "agent" });
      const onChange = (): void => this.#podsChanged();
      this.#podInterface = new PodInterface({ name, logger, onChange });
    }
    await this.#podInterface?.read();
    this.#takePods();
  }

  /** Tells of changes from now on, and of what has changed since the files were loaded. */
  async follow(): Promise<void> {
    this.#isFollowing = true;
    await this.#source.start((update) => this.#clusterChanged(update));
  }

  /** Reads all files again (SIGHUP). */
  async reload(): Promise<void> {
    const { configPath, log, logLevelFixed } = this.#options;
    const loaded = loadNodeConfig(configPath);
    if (!loaded.ok) return this.#refuse(loaded.errors);
    this.#report(loaded.warnings);
    const before = { config: this.#config, cluster: this.#cluster };
    // Identity, sockets and the look of kernel routes stand until the next start; the rest is replaced.
    const { node, peers, ranges, timers, mesh, encapsulation, tunnel, ipip } = loaded.config;
    const { firewall, log: logSettings } = loaded.config;
    const { podCidrs, podCidrsFrom, podCidrsInterface } = node;
    this.#config = {
      ...this.#config,
      node: { ...this.#config.node, podCidrs, podCidrsFrom, podCidrsInterface },
      ...{ peers, ranges, timers, mesh, encapsulation, tunnel, ipip, firewall, log: logSettings },
    };
    this.#cluster = loaded.cluster;
    if (!logLevelFixed) log.setLevel(logSettings.level);
    this.#status = this.#read([]);
    for (const change of diffConfig(before, loaded)) {
      if (change.effect === "restart") {
        this.#logger.warn({ setting: change.path }, `${change.path} changes at the next start`);
      }
    }
    await this.watchPodInterface();
    this.#changed(before);
    await this.#source.reload();
  }

  async stop(): Promise<void> {
    await this.#source.stop();
    this.#podInterface?.close();
  }

  /** The node's own pod CIDRs are those of the interface. */
  #takePods(): void {
    if (this.#podInterface === undefined) return;
    const podCidrs = this.#podInterface.prefixes(this.#cluster.podPools);
    this.#config = { ...this.#config, node: { ...this.#config.node, podCidrs } };
  }

  #podsChanged(): void {
    // Until then the start takes them by itself.
    if (!this.#isFollowing) return;
    const before = { config: this.#config, cluster: this.#cluster };
    this.#takePods();
    this.#changed(before);
  }

  #clusterChanged(update: ClusterUpdate): void {
    if ("problems" in update) return this.#refuse(update.problems);
    this.#report(update.warnings);
    const before = { config: this.#config, cluster: this.#cluster };
    this.#cluster = update.model;
    this.#changed(before);
  }

  #changed(before: { config: NodeConfig; cluster: ClusterModel }): void {
    const changes = diffConfig(before, { config: this.#config, cluster: this.#cluster });
    this.#status = this.#read([]);
    this.#tell();
    if (changes.length === 0) return;
    this.#logger.info({ changes: changes.map(({ path }) => path) }, "configuration changed");
    this.#options.onChange();
  }

  #report(problems: readonly ConfigProblem[]): void {
    for (const problem of problems) this.#logger.warn({}, formatProblem(problem));
  }

  #refuse(problems: readonly ConfigProblem[]): void {
    for (const problem of problems) this.#logger.error({}, formatProblem(problem));
    this.#logger.error({}, "the configuration was refused: the running one stays in force");
    this.#status = this.#read(problems.map(formatProblem));
    this.#tell();
  }

  #read(problems: readonly string[]): NonNullable<StatusView["config"]> {
    return {
      file: this.#options.configPath,
      lastReload: timestampFromMs(this.#options.clock.wallMs()),
      lastReloadOk: problems.length === 0,
      problems: [...problems],
    };
  }

  #tell(): void {
    const { hub, clock } = this.#options;
    if (!hub.wants(EventKind.CONFIG)) return;
    const time = timestampFromMs(clock.wallMs());
    const value = { config: this.#status };
    hub.publish(EventKind.CONFIG, { time, change: { case: "config", value } });
  }
}
