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

/** What is to be originated; without a next hop, nothing. */
interface Origination {
  /** Those of other IP versions are left out. */
  readonly prefixes: readonly Prefix[];
  readonly nextHop: string | undefined;
  readonly nowMs: number;
}

/** Makes a family's paths of our own exactly those to these prefixes. */
export function originate(
  rib: FamilyRib,
  store: PathAttributeStore,
  { prefixes, nextHop, nowMs }: Origination,
): void {
  const wanted = prefixes.filter(({ version }) => version === rib.family.version);
  const ids = new Set<number>();
  if (nextHop !== undefined && wanted.length > 0) {
    const attributes = ownAttributes(store, rib.family, nextHop);
    for (const prefix of wanted) {
      const id = rib.prefixes.intern(prefix.octets, 0, prefix.length);
      ids.add(id);
      const offer = {
        prefix: id,
        peer: localPeer,
        pathId: 0,
        attributes,
        flags: 0,
        atSeconds: Math.floor(nowMs / 1000),
      };
      if (rib.paths.announce(offer)) rib.locRib.markDirty(id);
    }
  }
  for (const row of [...rib.paths.rowsOf(localPeer)]) {
    const id = rib.paths.prefix(row);
    if (ids.has(id)) continue;
    rib.paths.removeRow(row);
    rib.locRib.markDirty(id);
  }
}

/** The block of what is originated here with a next hop of the family's IP version, as if an internal peer had sent it. */
function ownAttributes(store: PathAttributeStore, family: Family, nextHop: string): number {
  const attributes: PathAttributes = { origin: Origin.igp, asPath: [], nextHop, localPref: 100 };
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
