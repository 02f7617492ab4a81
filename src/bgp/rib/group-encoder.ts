import type { Family } from "../family/family.ts";
import { EgressAttributes } from "./egress.ts";
import type { ExportProfile } from "./export-profile.ts";
import type { LocRib } from "./loc-rib.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PrefixBuckets } from "./prefix-buckets.ts";
import type { PrefixTable } from "./prefix-table.ts";
import { isClassic, type Slab, SlabPacker } from "./slab-packer.ts";
import type { RibPeer } from "./source.ts";

/** What an encoder reads of the RIBs of its family. */
export interface EncoderTables {
  readonly family: Family;
  readonly prefixes: PrefixTable;
  readonly attributes: PathAttributeStore;
  readonly locRib: LocRib;
  readonly peer: (index: number) => RibPeer;
}

/** A prefix whose new path is the peer's own, after one of somebody else that the peer was sent. */
export interface Overtaken {
  readonly peer: number;
  readonly prefix: number;
}

/** Encodes prefixes as the peers of one profile get them: gathered by their attributes, and packed into full messages. */
export class GroupEncoder {
  readonly #tables: EncoderTables;
  readonly #packer: SlabPacker;
  readonly #onlyPacker: SlabPacker;
  readonly #egress: EgressAttributes;
  readonly #buckets = new PrefixBuckets();

  constructor(tables: EncoderTables, profile: ExportProfile) {
    this.#tables = tables;
    const { family, prefixes, attributes } = tables;
    this.#packer = new SlabPacker(family, prefixes, profile.maximumMessageOctets);
    this.#onlyPacker = new SlabPacker(family, prefixes, profile.maximumMessageOctets);
    this.#egress = new EgressAttributes(attributes, family, profile, isClassic(family));
  }

  get bytes(): number {
    return this.#packer.bytes + this.#onlyPacker.bytes + this.#buckets.bytes;
  }

  /** Has the next `encode` announce a prefix with its selected path. */
  announce(prefix: number): void {
    const { locRib } = this.#tables;
    this.#buckets.add(
      prefix,
      locRib.attributes(prefix),
      locRib.peer(prefix),
      locRib.source(prefix),
    );
  }

  /**
   * Encodes withdrawals, then what was to be announced.
   * @param overtaken withdrawn from the peer in question alone
   * @param prefixes all that the slab speaks of
   */
  encode(
    withdrawn: readonly number[],
    overtaken: readonly Overtaken[],
    prefixes: Int32Array,
  ): Slab {
    if (withdrawn.length > 0) {
      let at = 0;
      this.#packer.withdraw(() => (at < withdrawn.length ? (withdrawn[at++] as number) : -1));
    }
    for (let bucket = 0; bucket < this.#buckets.size; bucket++) {
      const peer = this.#buckets.peer(bucket);
      this.#egress.encode(
        this.#buckets.attributes(bucket),
        this.#buckets.source(bucket),
        this.#tables.peer(peer),
      );
      this.#buckets.open(bucket);
      this.#packer.announce(this.#egress, peer, this.#buckets.next);
    }
    this.#buckets.clear();
    return { ...this.#packer.take(), prefixes, only: this.#encodeOvertaken(overtaken) };
  }

  #encodeOvertaken(overtaken: readonly Overtaken[]): Map<number, Uint8Array> {
    const only = new Map<number, Uint8Array>();
    if (overtaken.length === 0) return only;
    const byPeer = Map.groupBy(overtaken, ({ peer }) => peer);
    for (const [peer, entries] of byPeer) {
      let at = 0;
      this.#onlyPacker.withdraw(() => entries[at++]?.prefix ?? -1);
      only.set(peer, this.#onlyPacker.take().octets);
    }
    return only;
  }
}
