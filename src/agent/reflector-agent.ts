import { type ApiServer, startApiServer } from "../api/server.ts";
import { ipv4Unicast, ipv6Unicast } from "../bgp/family/index.ts";
import type { PeerSettings } from "../bgp/peer.ts";
import { type Prefix, prefixContainsAddress } from "../net/prefix.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { formatIpv4, parseIpAddress } from "../net/ip-address.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { nodeTcp } from "../platform/node-tcp.ts";
import { nodeRandom } from "../platform/random.ts";
import { SpeakerDriver } from "../session/speaker-driver.ts";
import { EventHub } from "./event-hub.ts";
import { EventLoopLag } from "./event-loop-lag.ts";
import { observeSpeaker } from "./speaker-observer.ts";
import { createViews } from "./speaker-views.ts";

export interface ReflectorAgentOptions {
  readonly listen: { readonly address: string; readonly port: number };
  readonly asn: number;
  /** Unsigned 32-bit. */
  readonly identifier: number;
  /** Unsigned 32-bit. */
  readonly clusterId: number;
  /** Clients may come from these ranges. */
  readonly accept: readonly Prefix[];
  readonly holdTimeSeconds: number;
  /** Path of the API's unix socket; none without. */
  readonly socketPath?: string | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Offered to clients, so that they keep our routes while we restart. */
const gracefulRestartSeconds = 120;

/** A route reflector: a speaker without a programmer, that takes any client from its ranges and dials nobody. */
export class ReflectorAgent {
  readonly #options: ReflectorAgentOptions;
  readonly #hub = new EventHub();
  readonly #lag: EventLoopLag;
  readonly #driver: SpeakerDriver;
  readonly #startedWallMs: number;
  #api: ApiServer | undefined;

  constructor(options: ReflectorAgentOptions) {
    const { asn, identifier, clusterId, listen, logger, clock } = options;
    this.#options = options;
    this.#startedWallMs = clock.wallMs();
    this.#lag = new EventLoopLag(clock);
    this.#driver = new SpeakerDriver({
      config: { asn, identifier, clusterId, ownAddresses: [listen.address], nextHopSelf: {} },
      tcp: nodeTcp,
      clock,
      random: nodeRandom,
      refused: (address, reason) => logger.warn({ peer: address }, `refused: ${reason}`),
      observer: observeSpeaker({ logger, hub: this.#hub, clock, driver: () => this.#driver }),
    });
    this.#driver.speaker.setDynamicPeers((address) => this.#client(address));
    // A reflector is not on the packets' way: its restart never interrupts forwarding.
    this.#driver.speaker.setRestarting(false, true);
  }

  #client(address: string): PeerSettings | undefined {
    const octets = parseIpAddress(address);
    const { accept, asn, holdTimeSeconds } = this.#options;
    if (octets === undefined || !accept.some((range) => prefixContainsAddress(range, octets))) {
      return undefined;
    }
    return {
      address,
      port: 179,
      name: address,
      kind: "client",
      asn,
      passive: true,
      client: true,
      families: [ipv4Unicast, ipv6Unicast],
      importPrefixes: "any",
      importNever: [],
      exportOwnOnly: false,
      holdTimeSeconds,
      connectRetrySeconds: 5,
      idleHoldSeconds: 1,
      idleHoldMaximumSeconds: 60,
      gracefulRestartSeconds,
    };
  }

  async start(): Promise<void> {
    const { listen, socketPath, clock, logger } = this.#options;
    const port = await this.#driver.listen(listen.address, listen.port);
    const listenAddresses = [formatEndpoint(listen.address, port)];
    const sources = {
      nodeName: formatIpv4(this.#options.identifier),
      role: "reflector",
      startedWallMs: this.#startedWallMs,
      driver: this.#driver,
      listenAddresses,
      clock,
      lag: this.#lag,
    } as const;
    if (socketPath !== undefined) {
      const views = createViews(() => sources, this.#hub, undefined);
      this.#api = await startApiServer({ views, clock, logger, socketPath });
    }
    logger.info(
      { listen: listenAddresses, api: this.#api?.addresses ?? [] },
      "margay reflector is up",
    );
  }

  /** Leaves without a word, so that clients with graceful restart keep the routes until we are back. */
  async stop(): Promise<void> {
    await this.#api?.close();
    this.#lag.stop();
    await this.#driver.stop({ silently: true });
  }
}
