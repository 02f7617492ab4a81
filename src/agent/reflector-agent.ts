import { type ApiServer, startApiServer } from "../api/server.ts";
import { ipv4Unicast, ipv6Unicast } from "../bgp/family/index.ts";
import { bgpPort } from "../bgp/iana.ts";
import type { PeerSettings } from "../bgp/peer.ts";
import { type Prefix, prefixContainsAddress } from "../net/prefix.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { formatIpv4, ipVersionOf, parseIpAddress } from "../net/ip-address.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { nodeTcp } from "../platform/node-tcp.ts";
import { nodeRandom } from "../platform/random.ts";
import { SpeakerDriver } from "../session/speaker-driver.ts";
import { deferralWithin } from "./end-of-rib-deferral.ts";
import { EventHub } from "./event-hub.ts";
import { EventLoopTurns } from "./event-loop-turns.ts";
import { PeerMemory } from "./peer-memory.ts";
import { type Probes, startProbes } from "./probes.ts";
import { observeSpeaker } from "./speaker-observer.ts";
import { createViews } from "./speaker-views.ts";
import type { StatusSources } from "./status-view.ts";

export interface ReflectorAgentOptions {
  readonly listen: { readonly address: string; readonly port: number };
  readonly asn: number;
  /** Unsigned 32-bit. */
  readonly identifier: number;
  /** Unsigned 32-bit. */
  readonly clusterId: number;
  /** Clients may come from these ranges. */
  readonly accept: readonly Prefix[];
  /** Other reflectors, by canonical address: iBGP peers that are no clients of ours. */
  readonly peers: readonly { readonly address: string; readonly port: number }[];
  /** How long End-of-RIB waits for clients that come back after our restart. */
  readonly endOfRibDeferSeconds: number;
  /** Where clients are remembered, to be dialled after a restart; nowhere without. */
  readonly clientsFile?: string | undefined;
  readonly holdTimeSeconds: number;
  /** Path of the API's unix socket; none without. */
  readonly socketPath?: string | undefined;
  /** Where metrics and probes are served; nowhere without. */
  readonly metrics?: { readonly address: string; readonly port: number } | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Offered to clients, so that they keep our routes while we restart. */
const gracefulRestartSeconds = 120;

/** A route reflector: a speaker without a programmer, that takes any client from its ranges. */
export class ReflectorAgent {
  readonly #options: ReflectorAgentOptions;
  readonly #hub = new EventHub();
  readonly #turns: EventLoopTurns;
  readonly #driver: SpeakerDriver;
  readonly #startedWallMs: number;
  readonly #clients: PeerMemory | undefined;
  #api: ApiServer | undefined;
  #probes: Probes | undefined;

  constructor(options: ReflectorAgentOptions) {
    const { asn, identifier, clusterId, listen, logger, clock } = options;
    this.#options = options;
    this.#startedWallMs = clock.wallMs();
    this.#turns = new EventLoopTurns(clock);
    if (options.clientsFile !== undefined) {
      this.#clients = new PeerMemory(options.clientsFile, clock, logger);
    }
    this.#driver = new SpeakerDriver({
      config: { asn, identifier, clusterId, ownAddresses: [listen.address], nextHopSelf: {} },
      tcp: nodeTcp,
      clock,
      random: nodeRandom,
      // What another reflector knows us by; a wildcard leaves it to the kernel.
      localAddress: isWildcard(listen.address)
        ? {}
        : { [ipVersionOf(listen.address) ?? 4]: listen.address },
      refused: (address, reason) => logger.warn({ peer: address }, `refused: ${reason}`),
      observer: observeSpeaker({
        logger,
        hub: this.#hub,
        clock,
        driver: () => this.#driver,
        also: {
          established: ({ isDynamic, address }) => isDynamic && this.#clients?.remember(address),
          peerRemoved: ({ address }) => this.#clients?.forget(address),
        },
      }),
    });
    this.#driver.speaker.setDynamicPeers((address) => this.#client(address));
    // A reflector is not on the packets' way: its restart never interrupts forwarding. Whether this is a restart it does not
    // know, and it need not: a peer that is told of one would not wait for our End-of-RIB, and should.
    this.#driver.speaker.setRestarting(false, true);
    this.#driver.speaker.deferEndOfRib(deferralWithin(options.endOfRibDeferSeconds, true));
  }

  #client(address: string): PeerSettings | undefined {
    const octets = parseIpAddress(address);
    const { accept } = this.#options;
    if (octets === undefined || !accept.some((range) => prefixContainsAddress(range, octets))) {
      return undefined;
    }
    return this.#settings({ address, port: bgpPort, kind: "client", passive: true, client: true });
  }

  #settings(
    peer: Pick<PeerSettings, "address" | "port" | "kind" | "passive" | "client">,
  ): PeerSettings {
    const { asn, holdTimeSeconds } = this.#options;
    return {
      ...peer,
      name: peer.address,
      asn,
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
    const { listen, peers, socketPath, metrics, clock, logger } = this.#options;
    const port = await this.#driver.listen(listen.address, listen.port);
    for (const peer of peers) {
      const settings = { ...peer, kind: "reflector", passive: false, client: false };
      this.#driver.speaker.addPeer(this.#settings(settings));
    }
    const listenAddresses = [formatEndpoint(listen.address, port)];
    for (const address of this.#clients?.addresses ?? []) this.#driver.speaker.recall(address);
    const sources = {
      nodeName: formatIpv4(this.#options.identifier),
      role: "reflector" as const,
      startedWallMs: this.#startedWallMs,
      driver: this.#driver,
      listenAddresses,
      clock,
      turns: this.#turns,
    };
    const views = createViews(() => sources, this.#hub, undefined);
    if (socketPath !== undefined) {
      this.#api = await startApiServer({ views, clock, logger, socketPath });
    }
    if (metrics !== undefined) {
      // What clients still have to say reaches the others as it comes: there is nothing to wait for.
      const awaited = (): string[] => [];
      const read = (): StatusSources => sources;
      this.#probes = await startProbes({ listen: metrics, sources: read, views, logger, awaited });
    }
    this.#turns.start();
    logger.info(
      {
        listen: listenAddresses,
        api: this.#api?.addresses ?? [],
        metrics: this.#probes?.address,
      },
      "margay reflector is up",
    );
  }

  /** Leaves without a word, so that clients with graceful restart keep the routes until we are back. */
  async stop(): Promise<void> {
    await this.#probes?.close();
    await this.#api?.close();
    this.#turns.stop();
    await this.#driver.stop({ silently: true });
    this.#clients?.flush();
  }
}

function isWildcard(address: string): boolean {
  return parseIpAddress(address)?.every((octet) => octet === 0) === true;
}
