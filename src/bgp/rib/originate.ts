import type { Prefix } from "../../net/prefix.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import { Origin } from "../iana.ts";
import type { FamilyRib } from "./family-rib.ts";
import { internAttributes } from "./intern-attributes.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { localPeer } from "./source.ts";

/** A route of our own with attributes of its own. */
export interface OriginatedRoute {
  readonly prefix: Prefix;
  /** Canonical, of the prefix's IP version, or IPv6 (RFC 8950); ourselves without. */
  readonly nextHop?: string | undefined;
  /** Beside ORIGIN (IGP), an empty AS_PATH and LOCAL_PREF (100 unless given). */
  readonly attributes?: Pick<
    PathAttributes,
    "multiExitDisc" | "localPref" | "communities" | "largeCommunities" | "extendedCommunities"
  >;
}

const plain: PathAttributes = { origin: Origin.igp, asPath: [], localPref: 100 };

/** What is to be originated. */
interface Origination {
  /** Those of other IP versions are left out. */
  readonly routes: readonly OriginatedRoute[];
  /** Next hops, by IP version, of the routes that have none of their own; without either they are left out. */
  readonly self: { readonly 4?: string; readonly 6?: string };
  readonly nowMs: number;
}

/** Makes a family's paths of our own exactly these, but for such as nobody could be told, as their attributes exceed 65535 octets. */
export function originate(
  rib: FamilyRib,
  store: PathAttributeStore,
  { routes, self: own, nowMs }: Origination,
): void {
  // Those who have RFC 8950 can be told of an IPv4 route by an IPv6 address.
  const self = own[rib.family.version] ?? own[6];
  const ids = new Set<number>();
  for (const { prefix, nextHop = self, attributes: given } of routes) {
    if (prefix.version !== rib.family.version || nextHop === undefined) continue;
    const attributes = internAttributes(store, rib.family, { ...plain, nextHop, ...given });
    if (attributes < 0) continue;
    const id = rib.prefixes.intern(prefix.octets, 0, prefix.length);
    ids.add(id);
    const atSeconds = Math.floor(nowMs / 1000);
    const offer = {
      prefix: id,
      peer: localPeer,
      pathId: 0,
      attributes,
      received: -1,
      flags: 0,
      atSeconds,
    };
    if (rib.paths.announce(offer)) rib.locRib.markDirty(id);
  }
  for (const row of [...rib.paths.rowsOf(localPeer)]) {
    const id = rib.paths.prefix(row);
    if (ids.has(id)) continue;
    rib.paths.removeRow(row);
    rib.locRib.markDirty(id);
  }
}
