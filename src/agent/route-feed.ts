import { Afi, Safi } from "../bgp/iana.ts";
import { familyKey } from "../bgp/message/codec-context.ts";
import type { PathAttributes } from "../bgp/attribute/path-attributes.ts";
import { isLinkLocalText, zoneOf } from "../net/ip-address.ts";
import type { FamilyRib } from "../bgp/rib/family-rib.ts";
import type { LocRibChanges } from "../bgp/rib/loc-rib.ts";
import { PathReason } from "../bgp/rib/path-reason.ts";
import { PathSource } from "../bgp/rib/source.ts";
import type { Speaker } from "../bgp/speaker.ts";
import type { Felix } from "../felix/felix.ts";

const unicastKeys: ReadonlySet<number> = new Set(
  [Afi.ipv4, Afi.ipv6].map((afi) => familyKey(afi, Safi.unicast)),
);

/** Tells the programmer what the Decision Process chose: every selected path that is not our own is a route. */
export function feedRoutes(
  speaker: Speaker,
  felix: Pick<Felix, "setRoute" | "removeRoute">,
  rib: FamilyRib,
  changes: LocRibChanges,
): void {
  if (!unicastKeys.has(rib.family.key)) return;
  const nextHops = new NextHopReader(speaker);
  const feed = (id: number): void => {
    const prefix = rib.prefixes.prefix(id);
    const attributes = rib.locRib.attributes(id);
    const nextHop = attributes < 0 ? undefined : nextHops.read(attributes, rib.locRib.peer(id));
    const isOurs = rib.locRib.source(id) === PathSource.local;
    if (isOurs || nextHop === undefined) felix.removeRoute(prefix);
    else felix.setRoute({ prefix, nextHops: [nextHop, ...nextHops.beside(rib, id)].sort() });
  };
  for (let index = 0; index < changes.length; index++) feed(changes.prefix(index));
  for (const id of changes.spread) feed(id);
}

/** Paths that came in one UPDATE share their attributes: decoded once a turn. */
class NextHopReader {
  readonly #speaker: Speaker;
  readonly #known = new Map<number, PathAttributes>();

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  /** The next hop of a path; a link-local one with its device. On a session of link-local addresses it counts before a global one. */
  read(attributes: number, peer: number): string | undefined {
    let known = this.#known.get(attributes);
    if (known === undefined) {
      known = this.#speaker.attributes.attributes(attributes);
      this.#known.set(attributes, known);
    }
    const { nextHop, linkLocalNextHop } = known;
    if (nextHop === undefined || !nextHop.includes(":")) return nextHop;
    const { address } = this.#speaker.ribPeer(peer);
    const zone = zoneOf(address);
    const linkLocal = isLinkLocalText(nextHop) ? nextHop : zone && linkLocalNextHop;
    if (linkLocal === undefined) return nextHop;
    return `${linkLocal}%${zone ?? this.#speaker.peer(address)?.localEnd.device ?? ""}`;
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
