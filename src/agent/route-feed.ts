import { Afi, Safi } from "../bgp/iana.ts";
import { familyKey } from "../bgp/message/codec-context.ts";
import type { FamilyRib } from "../bgp/rib/family-rib.ts";
import type { LocRibChanges } from "../bgp/rib/loc-rib.ts";
import { PathSource } from "../bgp/rib/source.ts";
import type { Speaker } from "../bgp/speaker.ts";
import type { Felix } from "../felix/felix.ts";

const ipv4UnicastKey = familyKey(Afi.ipv4, Safi.unicast);

/** Tells the programmer what the Decision Process chose: every selected path that is not our own is a route. */
export function feedRoutes(
  speaker: Speaker,
  felix: Felix,
  rib: FamilyRib,
  changes: LocRibChanges,
): void {
  if (rib.family.key !== ipv4UnicastKey) return;
  // Paths that came in one UPDATE share their attributes: decoded once a turn.
  const nextHops = new Map<number, string | undefined>();
  for (let index = 0; index < changes.length; index++) {
    const id = changes.prefix(index);
    const prefix = rib.prefixes.prefix(id);
    const attributes = rib.locRib.attributes(id);
    if (attributes >= 0 && !nextHops.has(attributes)) {
      nextHops.set(attributes, speaker.attributes.attributes(attributes).nextHop);
    }
    const nextHop = nextHops.get(attributes);
    const isOurs = rib.locRib.source(id) === PathSource.local;
    if (attributes < 0 || isOurs || nextHop === undefined) felix.removeRoute(prefix);
    else felix.setRoute({ prefix, nextHops: [nextHop] });
  }
}
