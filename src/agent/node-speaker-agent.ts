import { withService } from "../api/router.ts";
import { ApiError } from "../api/api-error.ts";
import type { StatusView, Views } from "../api/views.ts";
import { StatusCode } from "../gen/margay/v1/frame_pb.ts";
import { RouteFeedService } from "../gen/margay/v1/route_feed_pb.ts";
import { EventHub } from "./event-hub.ts";
import { EventLoopTurns } from "./event-loop-turns.ts";
import { FeedServer } from "./feed/feed-server.ts";
import { selectedRoutes } from "./feed/selected-routes.ts";
import { ownRouteVersions } from "./kernel-routes.ts";
import type { NodeAgentOptions } from "./node-agent.ts";
import { NodeFiles } from "./node-files.ts";
import { NodeSpeaker } from "./node-speaker.ts";
import { Services } from "./services.ts";
import { createViews } from "./speaker-views.ts";
import type { StatusSources } from "./status-view.ts";

const programmerAway = {
  name: "programmer-away",
  text: "no programmer follows the routes: its kernel routes stay as they are",
  remedy: "run `margay felix` with the same configuration",
};

/** What only the programmer can show. */
const viewsOfProgrammer: Pick<Views, "fib" | "confirmRemovals"> = {
  fib: () => refuse(),
  confirmRemovals: async () => refuse(),
};

function refuse(): never {
  const text = "kernel routes are told of by the programmer of this speaker: run `margay felix`";
  throw new ApiError(StatusCode.NOT_FOUND, text);
}

/** The BGP side of a node in a process of its own, which may do nothing to the kernel; `margay felix` follows its routes. */
export class NodeSpeakerAgent {
  readonly #options: NodeAgentOptions;
  readonly #hub = new EventHub();
  readonly #turns: EventLoopTurns;
  readonly #files: NodeFiles;
  readonly #feed: FeedServer;
  readonly #speaker: NodeSpeaker;
  readonly #startedWallMs: number;
  #services: Services | undefined;

  constructor(options: NodeAgentOptions) {
    const { log, clock, recording } = options;
    const { logger } = log;
    this.#options = options;
    this.#startedWallMs = clock.wallMs();
    this.#turns = new EventLoopTurns(clock);
    const onChange = (): void => this.#speaker.apply();
    this.#files = new NodeFiles({ ...options, hub: this.#hub, onChange });
    this.#feed = new FeedServer({
      table: () => selectedRoutes(this.#speaker.driver.speaker, logger),
      picture: () => this.#speaker.picture,
      logger: logger.child({ room: "feed" }),
      onSilence: (silent) => this.#speaker.setUnheard(silent),
    });
    const parts = { files: this.#files, hub: this.#hub, clock, logger };
    this.#speaker = new NodeSpeaker({ ...parts, recording, feed: this.#feed });
  }

  /** Rejects with `NetlinkError`, `TcpListenError` or `ListenError`. */
  async start(): Promise<void> {
    const { clock, log } = this.#options;
    await this.#files.watchPodInterface();
    // Whether or not the programmer lives: what is in the kernel forwards.
    await this.#speaker.start(await ownRouteVersions(this.#files.config.kernel));
    const sources = (): StatusSources => this.#statusSources();
    this.#services = await Services.start({
      configured: this.#files.config,
      views: { ...createViews(sources, this.#hub, undefined), ...viewsOfProgrammer },
      sources,
      awaited: () => this.#speaker.awaited(),
      extend: (router, mayControl) =>
        withService(router, RouteFeedService, this.#feed.handlers(mayControl)),
      clock,
      logger: log.logger,
    });
    await this.#files.follow();
    this.#turns.start();
    log.logger.info(
      { listen: this.#speaker.listenAddresses, ...this.#services.addresses },
      "margay speaker of a node is up",
    );
  }

  #statusSources(): StatusSources {
    const { followers } = this.#feed;
    const warnings: StatusView["warnings"] = followers === 0 ? [programmerAway] : [];
    return {
      nodeName: this.#files.config.node.name,
      role: "speaker",
      startedWallMs: this.#startedWallMs,
      driver: this.#speaker.driver,
      listenAddresses: this.#speaker.listenAddresses,
      clock: this.#options.clock,
      turns: this.#turns,
      report: this.#feed.report,
      followers,
      config: this.#files.status,
      warnings,
    };
  }

  /** Reads all files again (SIGHUP). A mistake in any leaves everything as it is, and says so. */
  reload(): Promise<void> {
    return this.#files.reload();
  }

  /** Leaves without a word, so that peers with graceful restart keep our routes; the programmer keeps theirs. */
  async stop(): Promise<void> {
    await this.#files.stop();
    await this.#services?.close();
    this.#turns.stop();
    await this.#speaker.stop({ silently: true });
    this.#options.log.logger.info({}, "stopped; routes stay in the kernel");
  }
}
