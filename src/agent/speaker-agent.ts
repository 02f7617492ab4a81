import { diffSpeaker } from "../config/diff-config.ts";
import { ownAddresses } from "../config/listen.ts";
import { loadSpeaker } from "../config/load-speaker.ts";
import { type ConfigProblem, formatProblem } from "../config/problem.ts";
import type { SpeakerSettings } from "../config/speaker-settings.ts";
import { parseIpv4 } from "../net/ip-address.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import { ownLinks } from "../platform/own-links.ts";
import { nodeTcp } from "../platform/node-tcp.ts";
import type { LogControl } from "../platform/pino-logger.ts";
import { nodeRandom } from "../platform/random.ts";
import { SpeakerDriver } from "../session/speaker-driver.ts";
import { applyPeers } from "./apply-peers.ts";
import { deferralWithin } from "./end-of-rib-deferral.ts";
import { EventHub } from "./event-hub.ts";
import { EventLoopTurns } from "./event-loop-turns.ts";
import { listenOn } from "./listen-on.ts";
import { sayWhetherRestarted } from "./own-restart.ts";
import { PeerMemory } from "./peer-memory.ts";
import { ribLimits } from "./rib-limits.ts";
import { speakerPeerSettings, speakerRanges } from "./peer-settings.ts";
import { logRefusals } from "./refusal-log.ts";
import { ownSubnets } from "./own-subnets.ts";
import type { RecordingFile } from "./recording-file.ts";
import { Services } from "./services.ts";
import { observeSpeaker } from "./speaker-observer.ts";
import { createViews } from "./speaker-views.ts";
import { applyTcpKeys, tcpKeys } from "./tcp-keys.ts";

export interface SpeakerAgentOptions {
  readonly role: "reflector" | "speaker";
  readonly settings: SpeakerSettings;
  /** Path of the YAML that the settings are from, read again at each reload; none of what the command line says. */
  readonly configPath?: string;
  readonly log: LogControl;
  /** The log level comes from the command line and no reload changes it. */
  readonly logLevelFixed: boolean;
  readonly clock: Clock;
  /** What happens to the speaker is written there. */
  readonly recording?: RecordingFile | undefined;
}

/** A speaker without a programmer: a route reflector, a route server, the control plane of a transit router. */
export class SpeakerAgent {
  readonly #options: SpeakerAgentOptions;
  readonly #hub = new EventHub();
  readonly #turns: EventLoopTurns;
  readonly #driver: SpeakerDriver;
  readonly #startedWallMs: number;
  readonly #memory: PeerMemory | undefined;
  readonly #restartTime: Timer | undefined;
  #settings: SpeakerSettings;
  #services: Services | undefined;

  constructor(options: SpeakerAgentOptions) {
    const { settings, log, clock } = options;
    const { logger } = log;
    this.#options = options;
    this.#settings = settings;
    this.#startedWallMs = clock.wallMs();
    this.#turns = new EventLoopTurns(clock);
    if (settings.peersFile !== undefined) {
      this.#memory = new PeerMemory(settings.peersFile, clock, logger);
    }
    const own = ownAddresses(settings.listen);
    const named = Object.values(own);
    this.#driver = new SpeakerDriver({
      config: {
        asn: settings.asn,
        // Both are dotted quads: the configuration has seen to it.
        identifier: parseIpv4(settings.routerId) as number,
        clusterId: parseIpv4(settings.clusterId) as number,
        clientToClient: settings.clientToClient,
        ownAddresses: named.length > 0 ? named : ownLinks().map(({ address }) => address),
        subnets: ownSubnets(),
        decision: settings.bestPath,
        limits: ribLimits(settings.slowPeers),
        nextHopSelf: own,
      },
      tcp: nodeTcp,
      clock,
      random: nodeRandom,
      ...(options.recording !== undefined && { createSpeaker: options.recording.createSpeaker }),
      localAddress: own,
      links: ownLinks,
      refused: logRefusals(logger, clock),
      observer: observeSpeaker({
        logger,
        hub: this.#hub,
        clock,
        driver: () => this.#driver,
        also: {
          established: ({ isDynamic, address }) => isDynamic && this.#memory?.remember(address),
          peerRemoved: ({ address }) => this.#memory?.forget(address),
        },
      }),
    });
    const { endOfRibWaitSeconds, gracefulRestartSeconds } = settings.timers;
    const remembered = this.#memory?.addresses.length ?? 0;
    const earlier = { remembered, restartSeconds: gracefulRestartSeconds };
    this.#restartTime = sayWhetherRestarted(this.#driver.speaker, earlier, clock);
    this.#driver.speaker.endOfRibDeferral.begin(deferralWithin(endOfRibWaitSeconds, true));
  }

  async start(): Promise<void> {
    const { log, clock } = this.#options;
    this.#driver.setKeys(tcpKeys(this.#settings));
    const listenAddresses = await listenOn(this.#driver, this.#settings.listen);
    this.#apply();
    for (const address of this.#memory?.addresses ?? []) this.#driver.speaker.recall(address);
    const sources = {
      nodeName: this.#settings.routerId,
      role: this.#options.role,
      startedWallMs: this.#startedWallMs,
      driver: this.#driver,
      listenAddresses,
      clock,
      turns: this.#turns,
    };
    this.#services = await Services.start({
      configured: this.#settings,
      views: createViews(() => sources, this.#hub, undefined),
      sources: () => sources,
      // What peers still have to say reaches the others as it comes: there is nothing to wait for.
      awaited: () => [],
      clock,
      logger: log.logger,
    });
    this.#turns.start();
    log.logger.info(
      { listen: listenAddresses, ...this.#services.addresses },
      `margay ${this.#options.role} is up`,
    );
  }

  #apply(): void {
    const { speaker } = this.#driver;
    const { originate } = this.#settings;
    speaker.originate(
      [],
      originate.map(({ prefix, nextHop, med, ...attributes }) => ({
        prefix,
        nextHop,
        attributes: originatedAttributes({ med, ...attributes }),
      })),
    );
    applyTcpKeys(this.#driver, tcpKeys(this.#settings), this.#options.log.logger);
    applyPeers(speaker, speakerPeerSettings(this.#settings), speakerRanges(this.#settings));
  }

  /** Reads the file again (SIGHUP). A mistake leaves everything as it is, and says so. */
  reload(): void {
    const { configPath, log } = this.#options;
    if (configPath === undefined) {
      return log.logger.info({}, "there is no configuration file to read again");
    }
    const loaded = loadSpeaker(configPath);
    if (!loaded.ok) return this.#refuse(loaded.errors);
    for (const problem of loaded.warnings) log.logger.warn({}, formatProblem(problem));
    const changes = diffSpeaker(this.#settings, loaded.settings);
    for (const { path, effect } of changes) {
      if (effect === "restart")
        log.logger.warn({ setting: path }, `${path} changes at the next start`);
    }
    // Identity and sockets stand until the next start; the rest is replaced.
    const { asn, routerId, clusterId, clientToClient, listen, api, metrics, peersFile } =
      this.#settings;
    this.#settings = {
      ...loaded.settings,
      asn,
      routerId,
      clusterId,
      clientToClient,
      listen,
      api,
      metrics,
      peersFile,
    };
    if (!this.#options.logLevelFixed) log.setLevel(this.#settings.log.level);
    if (changes.length === 0) return;
    log.logger.info({ changes: changes.map(({ path }) => path) }, "configuration changed");
    this.#apply();
  }

  #refuse(problems: readonly ConfigProblem[]): void {
    const { logger } = this.#options.log;
    for (const problem of problems) logger.error({}, formatProblem(problem));
    logger.error({}, "the configuration was refused: the running one stays in force");
  }

  /** Leaves without a word, so that peers with graceful restart keep the routes until we are back. */
  async stop(): Promise<void> {
    this.#restartTime?.cancel();
    await this.#services?.close();
    this.#turns.stop();
    await this.#driver.stop({ silently: true });
    this.#options.recording?.close();
    this.#memory?.flush();
  }
}

function originatedAttributes(
  route: Omit<SpeakerSettings["originate"][number], "prefix" | "nextHop">,
) {
  const { med, localPref, communities, largeCommunities, extendedCommunities } = route;
  return {
    localPref,
    ...(med !== undefined && { multiExitDisc: med }),
    ...(communities.length > 0 && { communities }),
    ...(largeCommunities.length > 0 && { largeCommunities }),
    ...(extendedCommunities.length > 0 && { extendedCommunities }),
  };
}
