import type { Peer } from "../bgp/peer.ts";
import type { ClusterUpdate } from "../cluster/cluster-source.ts";
import { openClusterSource } from "../cluster/index.ts";
import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import { type ApiServer, startApiServer } from "../api/server.ts";
import { diffConfig } from "../config/diff-config.ts";
import { loadNodeConfig } from "../config/load.ts";
import type { NodeConfig } from "../config/node-config.ts";
import { type ConfigProblem, formatProblem } from "../config/problem.ts";
import { Felix } from "../felix/felix.ts";
import { procSysctl } from "../felix/sysctl.ts";
import { parseIpv4 } from "../net/ip-address.ts";
import { openKernelNetlink } from "../netlink/kernel-netlink.ts";
import type { Netlink } from "../netlink/netlink.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { LogControl } from "../platform/pino-logger.ts";
import { nodeRandom } from "../platform/random.ts";
import { ownLinks } from "../platform/own-links.ts";
import { nodeTcp } from "../platform/node-tcp.ts";
import { SpeakerDriver } from "../session/speaker-driver.ts";
import { prefixesToOriginate } from "../topology/peers-wanted.ts";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { EventKind } from "../gen/margay/v1/event_pb.ts";
import type { StatusView } from "../api/views.ts";
import { applyPeers } from "./apply-peers.ts";
import { deferralWithin } from "./end-of-rib-deferral.ts";
import { EventHub } from "./event-hub.ts";
import { EventLoopTurns } from "./event-loop-turns.ts";
import { listenOn } from "./listen-on.ts";
import { nodePeerSettings, nodeRanges } from "./peer-settings.ts";
import { nodeSubnets, poolPolicies } from "./pool-policies.ts";
import { logRefusals } from "./refusal-log.ts";
import { feedRoutes } from "./route-feed.ts";
import { PodInterface } from "./pod-interface.ts";
import { type Probes, startProbes } from "./probes.ts";
import { ownSubnets } from "./own-subnets.ts";
import type { RecordingFile } from "./recording-file.ts";
import { observeSpeaker } from "./speaker-observer.ts";
import { createViews } from "./speaker-views.ts";
import type { StatusSources } from "./status-view.ts";
import { applyTcpKeys, nodeTcpKeys } from "./tcp-keys.ts";
import { publishFelix } from "./felix-events.ts";
import { felixSettings, tunnelSettings } from "./felix-settings.ts";

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

/**
 * A node: the speaker, the programmer, the cluster and the API, put together. What the speaker selects goes to the
 * programmer; what the cluster says becomes peers and prefixes; neither knows of the other.
 */
export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #hub = new EventHub();
  readonly #turns: EventLoopTurns;
  readonly #netlink: Netlink;
  readonly #felix: Felix;
  readonly #driver: SpeakerDriver;
  readonly #cluster: ReturnType<typeof openClusterSource>;
  readonly #startedWallMs: number;
  #config: NodeConfig;
  #model: ClusterModel;
  #configStatus: NonNullable<StatusView["config"]>;
  #podInterface: PodInterface | undefined;
  #api: ApiServer | undefined;
  #probes: Probes | undefined;
  #endOfRibWait: Timer | undefined;
  #listenAddresses: string[] = [];

  constructor(options: NodeAgentOptions) {
    const { config, cluster, log, clock } = options;
    this.#options = options;
    this.#logger = log.logger;
    this.#clock = clock;
    this.#config = config;
    this.#model = cluster;
    this.#startedWallMs = clock.wallMs();
    this.#turns = new EventLoopTurns(clock);
    this.#configStatus = this.#configRead([]);
    this.#netlink = openKernelNetlink();
    this.#felix = new Felix({
      ...felixSettings(config, cluster),
      isPictureWhole: () => this.#unspoken().length === 0,
      netlink: this.#netlink,
      sysctl: procSysctl,
      clock,
      logger: this.#logger,
    });
    this.#driver = this.#createDriver();
    this.#cluster = openClusterSource(config, clock);
  }

  #createDriver(): SpeakerDriver {
    const { node } = this.#config;
    const own = {
      4: node.address,
      ...(node.address6 !== undefined && { 6: node.address6 }),
    };
    const identifier = parseIpv4(node.routerId) ?? 0;
    const { recording } = this.#options;
    const speakerLogger = this.#logger.child({ room: "bgp" });
    return new SpeakerDriver({
      config: {
        asn: node.asn,
        identifier,
        clusterId: identifier,
        ownAddresses: Object.values(own),
        subnets: ownSubnets(),
        decision: this.#config.bestPath,
        nextHopSelf: own,
      },
      tcp: nodeTcp,
      clock: this.#clock,
      random: nodeRandom,
      ...(recording !== undefined && { createSpeaker: recording.createSpeaker }),
      localAddress: own,
      links: ownLinks,
      refused: logRefusals(speakerLogger, this.#clock),
      observer: observeSpeaker({
        logger: speakerLogger,
        hub: this.#hub,
        clock: this.#clock,
        driver: () => this.#driver,
        also: {
          bestPathsChanged: (rib, changes) =>
            feedRoutes(this.#driver.speaker, this.#felix, rib, changes),
          endOfRib: () => this.#pictureChanged(),
        },
      }),
    });
  }

  /** Starts everything, the programmer first, since what it finds in the kernel goes into our OPENs. */
  async start(): Promise<void> {
    const { listen, api, metrics, timers } = this.#config;
    await this.#watchPodInterface();
    await this.#felix.start();
    publishFelix(this.#felix, this.#hub, this.#clock);
    const adopted = this.#felix.status().adopted > 0;
    this.#driver.speaker.setRestarting(adopted, adopted);
    if (adopted) {
      this.#driver.speaker.endOfRibDeferral.begin(
        deferralWithin(timers.endOfRibWaitSeconds, false),
      );
    }
    this.#driver.setKeys(nodeTcpKeys(this.#config, this.#model));
    this.#listenAddresses = await listenOn(this.#driver, listen);
    this.#applyTopology();
    this.#endOfRibWait = this.#clock.after(timers.endOfRibWaitSeconds * 1000, () =>
      this.#complete("the wait for End-of-RIB is over"),
    );
    this.#pictureChanged();
    const views = createViews(() => this.#statusSources(), this.#hub, this.#felix);
    this.#api = await startApiServer({
      views,
      clock: this.#clock,
      logger: this.#logger.child({ room: "api" }),
      socketPath: api.socket,
      ...(api.listen !== undefined && { tcp: { host: api.listen.address, port: api.listen.port } }),
    });
    if (metrics.listen !== undefined) {
      this.#probes = await startProbes({
        listen: metrics.listen,
        sources: () => this.#statusSources(),
        views,
        logger: this.#logger.child({ room: "metrics" }),
        awaited: () => this.#awaited(),
      });
    }
    await this.#cluster.start((update) => this.#clusterChanged(update));
    this.#turns.start();
    this.#logger.info(
      {
        listen: this.#listenAddresses,
        api: this.#api.addresses,
        metrics: this.#probes?.address,
      },
      "margay node is up",
    );
  }

  /** Follows the interface that says what our pods have, where the configuration names one. */
  async #watchPodInterface(): Promise<void> {
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

  /** The node's own pod CIDRs are those of the interface. */
  #takePods(): void {
    if (this.#podInterface === undefined) return;
    const podCidrs = this.#podInterface.prefixes(this.#model.podPools);
    this.#config = { ...this.#config, node: { ...this.#config.node, podCidrs } };
  }

  #podsChanged(): void {
    // Before the API is there the start is not through, which takes them by itself.
    if (this.#api === undefined) return;
    const before = { config: this.#config, cluster: this.#model };
    this.#takePods();
    this.#changed(before);
  }

  #statusSources(): StatusSources {
    return {
      nodeName: this.#config.node.name,
      role: "node",
      startedWallMs: this.#startedWallMs,
      driver: this.#driver,
      listenAddresses: this.#listenAddresses,
      clock: this.#clock,
      turns: this.#turns,
      felix: this.#felix,
      config: this.#configStatus,
    };
  }

  /** Makes the speaker keep just the peers that the topology wants, and originate our prefixes. */
  #applyTopology(): void {
    const { speaker } = this.#driver;
    applyTcpKeys(this.#driver, nodeTcpKeys(this.#config, this.#model), this.#logger);
    applyPeers(
      speaker,
      nodePeerSettings(this.#config, this.#model),
      nodeRanges(this.#config, this.#model),
    );
    const own = prefixesToOriginate(this.#config, this.#model);
    speaker.originate(own);
    this.#felix.setLocalPrefixes(own);
    this.#felix.setTunnelSettings(tunnelSettings(this.#config));
    this.#felix.setPoolPolicies(poolPolicies(this.#config, this.#model), this.#config);
    this.#felix.setNodeSubnets(nodeSubnets(this.#model));
  }

  /** Once every peer has said all it has to say, what nobody confirmed may go. */
  #pictureChanged(): void {
    if (this.#unspoken().length === 0) this.#complete("every peer has sent End-of-RIB");
    this.#felix.pictureChanged();
  }

  /** Peers whose tables are not, or no longer, known as a whole. */
  #unspoken(): Peer[] {
    return [...this.#driver.speaker.peers()].filter((peer) => !peer.hasSentEndOfRib);
  }

  /** Peers whose tables are still to come, after a start. */
  #awaited(): string[] {
    if (this.#endOfRibWait === undefined) return [];
    return this.#unspoken().map(({ settings }) => `waiting for the routes of ${settings.name}`);
  }

  #complete(why: string): void {
    if (this.#endOfRibWait === undefined) return;
    this.#endOfRibWait.cancel();
    this.#endOfRibWait = undefined;
    this.#logger.debug({}, why);
    // From here on a session that comes back is no restart of ours, and the kernel forwards throughout.
    this.#driver.speaker.setRestarting(false, true);
    this.#felix.pictureComplete();
  }

  #clusterChanged(update: ClusterUpdate): void {
    if ("problems" in update) return this.#refuse(update.problems);
    this.#report(update.warnings);
    const before = { config: this.#config, cluster: this.#model };
    this.#model = update.model;
    this.#changed(before);
  }

  /** Reads all files again (SIGHUP). A mistake in any leaves everything as it is, and says so. */
  async reload(): Promise<void> {
    const loaded = loadNodeConfig(this.#options.configPath);
    if (!loaded.ok) return this.#refuse(loaded.errors);
    this.#report(loaded.warnings);
    const before = { config: this.#config, cluster: this.#model };
    // Identity, sockets and the look of kernel routes stand until the next start; the rest is replaced.
    const { node, peers, ranges, timers, mesh, encapsulation, tunnel, ipip, log } = loaded.config;
    const { podCidrs, podCidrsFrom, podCidrsInterface } = node;
    this.#config = {
      ...this.#config,
      node: { ...this.#config.node, podCidrs, podCidrsFrom, podCidrsInterface },
      peers,
      ranges,
      timers,
      mesh,
      ...{ encapsulation, tunnel, ipip },
      log,
    };
    this.#model = loaded.cluster;
    if (!this.#options.logLevelFixed) this.#options.log.setLevel(log.level);
    this.#configStatus = this.#configRead([]);
    for (const change of diffConfig(before, loaded)) {
      if (change.effect === "restart") {
        this.#logger.warn({ setting: change.path }, `${change.path} changes at the next start`);
      }
    }
    await this.#watchPodInterface();
    this.#changed(before);
    await this.#cluster.reload();
  }

  #changed(before: { config: NodeConfig; cluster: ClusterModel }): void {
    const changes = diffConfig(before, { config: this.#config, cluster: this.#model });
    this.#configStatus = this.#configRead([]);
    this.#tellConfig();
    if (changes.length === 0) return;
    this.#logger.info({ changes: changes.map(({ path }) => path) }, "configuration changed");
    this.#applyTopology();
    // The peer that was still waited for may be the one that is gone.
    this.#pictureChanged();
  }

  #report(problems: readonly ConfigProblem[]): void {
    for (const problem of problems) this.#logger.warn({}, formatProblem(problem));
  }

  #refuse(problems: readonly ConfigProblem[]): void {
    for (const problem of problems) this.#logger.error({}, formatProblem(problem));
    this.#logger.error({}, "the configuration was refused: the running one stays in force");
    this.#configStatus = this.#configRead(problems.map(formatProblem));
    this.#tellConfig();
  }

  #configRead(problems: readonly string[]): NonNullable<StatusView["config"]> {
    return {
      file: this.#options.configPath,
      lastReload: timestampFromMs(this.#clock.wallMs()),
      lastReloadOk: problems.length === 0,
      problems: [...problems],
    };
  }

  #tellConfig(): void {
    if (!this.#hub.wants(EventKind.CONFIG)) return;
    const time = timestampFromMs(this.#clock.wallMs());
    const value = { config: this.#configStatus };
    this.#hub.publish(EventKind.CONFIG, { time, change: { case: "config", value } });
  }

  /**
   * Stops in the reverse order. Routes stay in the kernel and peers with graceful restart are left without a word, so that
   * they keep ours; with `cleanup` peers are told, and the routes go.
   */
  async stop(options: { readonly cleanup: boolean }): Promise<void> {
    await this.#cluster.stop();
    this.#podInterface?.close();
    await this.#probes?.close();
    await this.#api?.close();
    this.#endOfRibWait?.cancel();
    this.#turns.stop();
    await this.#driver.stop({ silently: !options.cleanup });
    this.#options.recording?.close();
    await this.#felix.stop(options);
    this.#netlink.close();
    this.#logger.info(
      {},
      options.cleanup ? "stopped, routes removed" : "stopped; routes stay in the kernel",
    );
  }
}
