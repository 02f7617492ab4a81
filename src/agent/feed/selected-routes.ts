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
): void {
  if (!unicastKeys.has(rib.family.key)) return;
  const nextHops = new NextHopReader(speaker);
  const tell = (id: number): void => {
    const intent = selectedRoute(rib, id, nextHops);
    if (intent === undefined) feed.removeRoute(rib.prefixes.prefix(id));
    else feed.setRoute(intent);
  };
  for (let index = 0; index < changes.length; index++) tell(changes.prefix(index));
  for (const id of changes.spread) tell(id);
}

/** Every route that is selected now. What changes while it is iterated may come in either state, or not at all. */
export function* selectedRoutes(speaker: Speaker): Generator<RouteIntent> {
  for (const rib of speaker.ribs.values()) {
    if (!unicastKeys.has(rib.family.key)) continue;
    const nextHops = new NextHopReader(speaker);
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
  return {
    prefix: rib.prefixes.prefix(id),
    nextHops: [nextHop, ...nextHops.beside(rib, id)].sort(),
  };
}

/** What the attribute store keeps of a next hop is the address itself, if it is IPv4; another is decoded, once a turn. */
class NextHopReader {
  readonly #speaker: Speaker;
  readonly #known = new Map<number, PathAttributes>();

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  /** The next hop of a path. */
  read(attributes: number, peer: number): string | undefined {
    const { attributes: store } = this.#speaker;
    if (!store.has(attributes, AttributeTrait.ipv6NextHop)) {
      const address = store.nextHopKey(attributes);
      return address === 0 ? undefined : formatIpv4(address);
    }
    let known = this.#known.get(attributes);
    if (known === undefined) {
      known = store.attributes(attributes);
      this.#known.set(attributes, known);
    }
    return nextHopOnLink(known, this.#speaker.ribPeer(peer));
  }

  /** Next hops of the paths that are used beside the best one. */
  beside({ locRib, paths }: FamilyRib, prefix: number): string[] {
    if (!locRib.isSpread(prefix)) return [];
    const found: string[] = [];
    for (let row = paths.first(prefix); row >= 0; row = paths.next(row)) {
      if (paths.reason(row) !== PathReason.multipath) continue;
      const nextHop = this.read(paths.attributes(row), paths.peer(row));
      if (nextHop !== undefined) found.push(nextHop);
    }
    return found;
  }
}
