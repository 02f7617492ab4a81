import { Afi, Safi } from "../../bgp/iana.ts";
import { familyKey } from "../../bgp/message/codec-context.ts";
import type { PathAttributes } from "../../bgp/attribute/path-attributes.ts";
import { AttributeTrait } from "../../bgp/rib/attribute-summary.ts";
import type { FamilyRib } from "../../bgp/rib/family-rib.ts";
import type { LocRibChanges } from "../../bgp/rib/loc-rib.ts";
import { nextHopOnLink } from "../../bgp/rib/next-hop-on-link.ts";
import { PathReason } from "../../bgp/rib/path-reason.ts";
import { PathSource } from "../../bgp/rib/source.ts";
import type { Speaker } from "../../bgp/speaker.ts";
import type { RouteIntent } from "../../felix/intent.ts";
import { formatIpv4 } from "../../net/ip-address.ts";
import { decodeSegmentClaim, type SegmentClaim } from "../../net/segment-claim.ts";
import type { Logger } from "../../platform/logger.ts";
import type { RouteFeed } from "./route-feed.ts";

const unicastKeys: ReadonlySet<number> = new Set(
  [Afi.ipv4, Afi.ipv6].map((afi) => familyKey(afi, Safi.unicast)),
);

type Routes = Pick<RouteFeed, "setRoute" | "removeRoute">;

/** Tells of what the Decision Process chose: every selected path that is not our own is a route. */
export function feedRoutes(
  speaker: Speaker,
  feed: Routes,
  rib: FamilyRib,
  changes: LocRibChanges,
  logger: Pick<Logger, "debug">,
): void {
  if (!unicastKeys.has(rib.family.key)) return;
  const nextHops = new NextHopReader(speaker, logger);
  const tell = (id: number): void => {
    const intent = selectedRoute(rib, id, nextHops);
    if (intent === undefined) feed.removeRoute(rib.prefixes.prefix(id));
    else feed.setRoute(intent);
  };
  for (let index = 0; index < changes.length; index++) tell(changes.prefix(index));
  for (const id of changes.spread) tell(id);
}

/** Every route that is selected now. What changes while it is iterated may come in either state, or not at all. */
export function* selectedRoutes(
  speaker: Speaker,
  logger: Pick<Logger, "debug">,
): Generator<RouteIntent> {
  for (const rib of speaker.ribs.values()) {
    if (!unicastKeys.has(rib.family.key)) continue;
    const nextHops = new NextHopReader(speaker, logger);
    for (let id = 0; id < rib.prefixes.end; id++) {
      const intent = selectedRoute(rib, id, nextHops);
      if (intent !== undefined) yield intent;
    }
  }
}

function selectedRoute(
  rib: FamilyRib,
  id: number,
  nextHops: NextHopReader,
): RouteIntent | undefined {
  const attributes = rib.locRib.attributes(id);
  if (attributes < 0 || rib.locRib.source(id) === PathSource.local) return undefined;
  const nextHop = nextHops.read(attributes, rib.locRib.peer(id));
  if (nextHop === undefined) return undefined;
  const beside = nextHops.beside(rib, id);
  const claims = nextHops.claims(attributes, nextHop, beside);
  return {
    prefix: rib.prefixes.prefix(id),
    nextHops: [nextHop, ...beside.map((path) => path.nextHop)].sort(),
    ...(claims.length > 0 && { claims }),
  };
}

/** A path that is used beside the best one. */
interface PathBeside {
  readonly nextHop: string;
  readonly attributes: number;
}

const noClaims: readonly SegmentClaim[] = [];

/**
 * What the attribute store keeps of a next hop is the address itself, if it is IPv4; another is decoded, once a turn. So are
 * the claims of nodes, of blocks that have extended communities.
 */
class NextHopReader {
  readonly #speaker: Speaker;
  readonly #logger: Pick<Logger, "debug">;
  readonly #known = new Map<number, PathAttributes>();
  readonly #claims = new Map<number, readonly SegmentClaim[]>();

  constructor(speaker: Speaker, logger: Pick<Logger, "debug">) {
    this.#speaker = speaker;
    this.#logger = logger;
  }

  /** The next hop of a path. */
  read(attributes: number, peer: number): string | undefined {
    const { attributes: store } = this.#speaker;
    if (!store.has(attributes, AttributeTrait.ipv6NextHop)) {
      const address = store.nextHopKey(attributes);
      return address === 0 ? undefined : formatIpv4(address);
    }
    return nextHopOnLink(this.#decoded(attributes), this.#speaker.ribPeer(peer));
  }

  /** What the next hops of a prefix's paths say of themselves. */
  claims(
    attributes: number,
    nextHop: string,
    beside: readonly PathBeside[],
  ): readonly SegmentClaim[] {
    const first = this.#claimsOf(attributes, nextHop);
    if (beside.length === 0) return first;
    return [...first, ...beside.flatMap((path) => this.#claimsOf(path.attributes, path.nextHop))];
  }

  #claimsOf(attributes: number, nextHop: string): readonly SegmentClaim[] {
    const { attributes: store } = this.#speaker;
    if (!store.has(attributes, AttributeTrait.hasExtendedCommunities)) return noClaims;
    let claims = this.#claims.get(attributes);
    if (claims === undefined) {
      const { extendedCommunities = [] } = this.#decoded(attributes);
      const claim = decodeSegmentClaim(nextHop, extendedCommunities, (text) =>
        this.#logger.debug({ nextHop }, `what a node says of its segment is ignored: ${text}`),
      );
      claims = claim === undefined ? noClaims : [claim];
      this.#claims.set(attributes, claims);
    }
    return claims;
  }

  #decoded(attributes: number): PathAttributes {
    let known = this.#known.get(attributes);
    if (known === undefined) {
      known = this.#speaker.attributes.attributes(attributes);
      this.#known.set(attributes, known);
    }
    return known;
  }

  /** The paths that are used beside the best one. */
  beside({ locRib, paths }: FamilyRib, prefix: number): PathBeside[] {
    if (!locRib.isSpread(prefix)) return [];
    const found: PathBeside[] = [];
    for (let row = paths.first(prefix); row >= 0; row = paths.next(row)) {
      if (paths.reason(row) !== PathReason.multipath) continue;
      const attributes = paths.attributes(row);
      const nextHop = this.read(attributes, paths.peer(row));
      if (nextHop !== undefined) found.push({ nextHop, attributes });
    }
    return found;
  }
}
