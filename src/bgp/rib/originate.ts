import { parseIpAddress } from "../../net/ip-address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { Writer } from "../../wire/writer.ts";
import { encodePathAttributes } from "../attribute/encode-attributes.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import type { Family } from "../family/family.ts";
import { AttributeCode, AttributeFlag, Origin } from "../iana.ts";
import type { FamilyRib } from "./family-rib.ts";
import { contextBits, contextOfBits } from "./context-bits.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { localPeer } from "./source.ts";

/** A route of our own with attributes of its own. */
export interface OriginatedRoute {
  readonly prefix: Prefix;
  /** Canonical, of the prefix's IP version; ourselves without. */
  readonly nextHop?: string | undefined;
  /** Beside ORIGIN (IGP), an empty AS_PATH and LOCAL_PREF (100 unless given). */
  readonly attributes?: Pick<
    PathAttributes,
    "multiExitDisc" | "localPref" | "communities" | "largeCommunities"
  >;
}

/** What is to be originated. */
interface Origination {
  /** Those of other IP versions are left out. */
  readonly routes: readonly OriginatedRoute[];
  /** Of the routes that have none of their own; without either they are left out. */
  readonly nextHop: string | undefined;
  readonly nowMs: number;
}

/** Makes a family's paths of our own exactly these. */
export function originate(
  rib: FamilyRib,
  store: PathAttributeStore,
  { routes, nextHop: self, nowMs }: Origination,
): void {
  const ids = new Set<number>();
  for (const { prefix, nextHop = self, attributes: given } of routes) {
    if (prefix.version !== rib.family.version || nextHop === undefined) continue;
    const id = rib.prefixes.intern(prefix.octets, 0, prefix.length);
    ids.add(id);
    const attributes = ownBlock(store, rib.family, { nextHop, ...given });
    const atSeconds = Math.floor(nowMs / 1000);
    const offer = { prefix: id, peer: localPeer, pathId: 0, attributes, flags: 0, atSeconds };
    if (rib.paths.announce(offer)) rib.locRib.markDirty(id);
  }
  for (const row of [...rib.paths.rowsOf(localPeer)]) {
    const id = rib.paths.prefix(row);
    if (ids.has(id)) continue;
    rib.paths.removeRow(row);
    rib.locRib.markDirty(id);
  }
}

/** The block of what is originated here with a next hop of the family's IP version, as if an internal peer had sent it. */
function ownBlock(
  store: PathAttributeStore,
  family: Family,
  given: PathAttributes & { readonly nextHop: string },
): number {
  const attributes: PathAttributes = { origin: Origin.igp, asPath: [], localPref: 100, ...given };
  const { nextHop } = given;
  const bits = contextBits({ fourOctetAs: true, external: false });
  const writer = new Writer(64);
  const classic = family.version === 4;
  encodePathAttributes(attributes, contextOfBits(bits), writer, { nextHop: classic });
  if (!classic) writeMpReach(family, nextHop, writer);
  const octets = writer.view();
  const known = store.find(octets, 0, octets.length, bits);
  if (known >= 0) return known;
  return store.add(octets, { start: 0, end: octets.length, clean: true }, bits, attributes);
}

/** MP_REACH_NLRI without NLRI, as blocks are kept. */
function writeMpReach(family: Family, nextHop: string, writer: Writer): void {
  const length = parseIpAddress(nextHop)?.length ?? 0;
  writer
    .uint8(AttributeFlag.optional)
    .uint8(AttributeCode.mpReachNlri)
    .uint8(5 + length)
    .uint16(family.afi)
    .uint8(family.safi)
    .uint8(length);
  family.encodeNextHop({ nextHop }, writer);
  writer.uint8(0);
}
