import { families } from "../bgp/family/index.ts";
import type { Peer } from "../bgp/peer.ts";
import { type IpVersion, parseIpv4 } from "../net/ip-address.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { nodeTcp } from "../platform/node-tcp.ts";
import { ownLinks } from "../platform/own-links.ts";
import { nodeRandom } from "../platform/random.ts";
import { SpeakerDriver } from "../session/speaker-driver.ts";
import { prefixesToOriginate } from "../topology/peers-wanted.ts";
import { applyPeers } from "./apply-peers.ts";
import { deferralWithin } from "./end-of-rib-deferral.ts";
import type { EventHub } from "./event-hub.ts";
import type { Picture, RouteFeed } from "./feed/route-feed.ts";
import { feedRoutes } from "./feed/selected-routes.ts";
import { listenOn } from "./listen-on.ts";
import type { NodeFiles } from "./node-files.ts";
import { AddressWatch } from "./address-watch.ts";
import { ownClaims } from "./own-claims.ts";
import { ownSubnets } from "./own-subnets.ts";
import { nodePeerSettings, nodeRanges } from "./peer-settings.ts";
import type { RecordingFile } from "./recording-file.ts";
import { ribLimits } from "./rib-limits.ts";
import { logRefusals } from "./refusal-log.ts";
import { observeSpeaker } from "./speaker-observer.ts";
import { applyTcpKeys, nodeTcpKeys } from "./tcp-keys.ts";

export interface NodeSpeakerOptions {
  readonly files: Pick<NodeFiles, "config" | "cluster">;
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What happens to the speaker is written there. */
  readonly recording?: RecordingFile | undefined;
  /** Whoever programs the routes. */
  readonly feed: RouteFeed;
}

/** The BGP side of a node: what the files say becomes peers and prefixes, what is selected goes to the feed. */
export class NodeSpeaker {
  readonly driver: SpeakerDriver;
  /** How far the selected routes can be relied on, at any time. */
  readonly picture: Picture;
  readonly #options: NodeSpeakerOptions;
  #listenAddresses: readonly string[] = [];
  #endOfRibWait: Timer | undefined;
  #isComplete = false;
  #addresses: AddressWatch | undefined;
  /** What goes along with our prefixes; `undefined` until they go out for the first time. */
  #claims: readonly Uint8Array[] | undefined;
  #unheard: readonly string[] = [];

  constructor(options: NodeSpeakerOptions) {
    this.#options = options;
    this.driver = this.#createDriver();
    const isWhole = (): boolean => this.#unspoken().length === 0;
    const isComplete = (): boolean => this.#isComplete;
    this.picture = {
      get isWhole() {
        return isWhole();
      },
      get isComplete() {
        return isComplete();
      },
    };
  }

  #createDriver(): SpeakerDriver {
    const { files, clock, hub, logger, recording, feed } = this.#options;
    const { node, bestPath, slowPeers } = files.config;
    const own = {
      4: node.address,
      ...(node.address6 !== undefined && { 6: node.address6 }),
    };
    const identifier = parseIpv4(node.routerId) ?? 0;
    const speakerLogger = logger.child({ room: "bgp" });
    return new SpeakerDriver({
      config: {
        asn: node.asn,
        identifier,
        clusterId: identifier,
        ownAddresses: Object.values(own),
        subnets: ownSubnets(),
        decision: bestPath,
        limits: ribLimits(slowPeers),
        nextHopSelf: own,
      },
      tcp: nodeTcp,
      clock,
      random: nodeRandom,
      ...(recording !== undefined && { createSpeaker: recording.createSpeaker }),
      localAddress: own,
      links: ownLinks,
      refused: logRefusals(speakerLogger, clock),
      observer: observeSpeaker({
        logger: speakerLogger,
        hub,
        clock,
        driver: () => this.driver,
        also: {
          bestPathsChanged: (rib, changes) =>
            feedRoutes(this.driver.speaker, feed, rib, changes, logger),
          endOfRib: () => this.#pictureChanged(),
          peerRemoved: () => this.#pictureChanged(),
          down: (_peer, _reason, wasEstablished) => {
            if (wasEstablished) feed.pictureChanged(this.picture);
          },
        },
      }),
    });
  }

  /** `ADDRESS:PORT` of each listener. */
  get listenAddresses(): readonly string[] {
    return this.#listenAddresses;
  }

  /**
   * Listens and dials. @param forwarding IP versions of which the kernel has had routes of an earlier life throughout, which goes
   * into our OPENs
   * @throws TcpListenError
   */
  async start(forwarding: ReadonlySet<IpVersion>): Promise<void> {
    const { files, clock, logger } = this.#options;
    const { listen, timers } = files.config;
    const kept = families.filter(({ version }) => forwarding.has(version)).map(({ key }) => key);
    const hasRestarted = forwarding.size > 0;
    this.driver.speaker.setRestarting(hasRestarted, kept);
    if (hasRestarted) {
      this.driver.speaker.endOfRibDeferral.begin(deferralWithin(timers.endOfRibWaitSeconds, false));
    }
    this.driver.setKeys(nodeTcpKeys(files.config, files.cluster));
    this.#listenAddresses = await listenOn(this.driver, listen);
    this.#addresses = new AddressWatch({ clock, logger, onChange: () => this.#claimAnew() });
    this.#endOfRibWait = clock.after(timers.endOfRibWaitSeconds * 1000, () => {
      this.#complete("the wait for End-of-RIB is over");
      this.#options.feed.pictureChanged(this.picture);
    });
    this.apply();
  }

  /** Keeps just the peers that the files want now, and originates our prefixes. */
  apply(): void {
    const { files, logger } = this.#options;
    const { config, cluster } = files;
    const { speaker } = this.driver;
    applyTcpKeys(this.driver, nodeTcpKeys(config, cluster), logger);
    applyPeers(speaker, nodePeerSettings(config, cluster), nodeRanges(config, cluster));
    this.#originate();
    // The peer that was still waited for may be the one that is gone.
    this.#pictureChanged();
  }

  /** The programmer does not hear these next hops on our segments: they are told, so that they go the other way, too. */
  setUnheard(addresses: readonly string[]): void {
    this.#unheard = addresses;
    this.#claimAnew();
  }

  /** Has what we have to say of our segments changed, others hear of it. */
  #claimAnew(): void {
    if (this.#claims !== undefined && !areAlike(this.#claims, this.#ownClaims())) this.#originate();
  }

  #ownClaims(): Uint8Array[] {
    const { address, address6 } = this.#options.files.config.node;
    const own = address6 === undefined ? [address] : [address, address6];
    return ownClaims(own, ownLinks(), this.#unheard);
  }

  /** Our prefixes, and with them what we have to say of our segments: others then judge of the way to us as we of that to them. */
  #originate(): void {
    const { config, cluster } = this.#options.files;
    this.#claims = this.#ownClaims();
    const attributes = this.#claims.length > 0 ? { extendedCommunities: this.#claims } : {};
    const routes = prefixesToOriginate(config, cluster).map((prefix) => ({ prefix, attributes }));
    this.driver.speaker.originate([], routes);
  }

  /** Peers whose tables are still to come, after a start. */
  awaited(): string[] {
    if (this.#isComplete) return [];
    return this.#unspoken().map(({ settings }) => `waiting for the routes of ${settings.name}`);
  }

  /** Leaves without a word, so that peers with graceful restart keep our routes; or with one. */
  async stop(options: { readonly silently: boolean }): Promise<void> {
    this.#addresses?.close();
    this.#endOfRibWait?.cancel();
    await this.driver.stop(options);
    this.#options.recording?.close();
  }

  /** Once every peer has said all it has to say, what nobody confirmed may go. */
  #pictureChanged(): void {
    if (this.picture.isWhole) this.#complete("every peer has sent End-of-RIB");
    this.#options.feed.pictureChanged(this.picture);
  }

  /** Peers whose tables are not, or no longer, known as a whole. */
  #unspoken(): Peer[] {
    return [...this.driver.speaker.peers()].filter((peer) => !peer.hasSentEndOfRib);
  }

  #complete(why: string): void {
    if (this.#isComplete) return;
    this.#isComplete = true;
    this.#endOfRibWait?.cancel();
    this.#options.logger.debug({}, why);
    // From here on a session that comes back is no restart of ours, and the kernel forwards throughout.
    this.driver.speaker.setRestarting(false, true);
  }
}

function areAlike(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return Buffer.concat(a).equals(Buffer.concat(b));
}
