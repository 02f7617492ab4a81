import type { Family } from "../family/family.ts";
import { EgressAttributes } from "./egress.ts";
import type { ExportProfile } from "./export-profile.ts";
import type { LocRib } from "./loc-rib.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PrefixBuckets } from "./prefix-buckets.ts";
import type { PrefixTable } from "./prefix-table.ts";
import { isClassic, type Slab, SlabPacker } from "./slab-packer.ts";
import type { RibPeer } from "./source.ts";
import { Withdrawals } from "./withdrawals.ts";

const forNobody: Slab["only"] = new Map();

/** What an encoder reads of the RIBs of its family. */
export interface EncoderTables {
  readonly family: Family;
  readonly prefixes: PrefixTable;
  readonly attributes: PathAttributeStore;
  readonly locRib: LocRib;
  readonly peer: (index: number) => RibPeer;
}

/**
 * Encodes prefixes as the peers of one profile get them: gathered by their attributes, and packed into full messages. Path
 * identifiers are 0 without ADD-PATH.
 */
export class GroupEncoder {
  readonly #tables: EncoderTables;
  readonly #packer: SlabPacker;
  readonly #onlyPacker: SlabPacker;
  readonly #egress: EgressAttributes;
  readonly #buckets = new PrefixBuckets();
  readonly #withdrawn = new Withdrawals();
  /** Withdrawn from one peer alone. */
  readonly #overtaken = new Map<number, Withdrawals>();

  constructor(tables: EncoderTables, profile: ExportProfile) {
    this.#tables = tables;
    const { family, prefixes, attributes } = tables;
    const { maximumMessageOctets, addPaths } = profile;
    this.#packer = new SlabPacker(family, prefixes, maximumMessageOctets, addPaths > 0);
    this.#onlyPacker = new SlabPacker(family, prefixes, maximumMessageOctets, addPaths > 0);
    this.#egress = new EgressAttributes(attributes, family, profile, isClassic(family));
  }

  get bytes(): number {
    return this.#packer.bytes + this.#onlyPacker.bytes + this.#buckets.bytes;
  }

  /** Has the next `encode` announce a path to a prefix. */
  announce(prefix: number, attributes: number, peer: number, source: number, pathId: number): void {
    this.#buckets.add(prefix, attributes, peer, source, pathId);
  }

  /** Has the next `encode` withdraw a path to a prefix. */
  withdraw(prefix: number, pathId: number): void {
    this.#withdrawn.add(prefix, pathId);
  }

  /** The same, from one peer alone: the new path is its own, after one of somebody else that it was sent. */
  overtake(peer: number, prefix: number, pathId: number): void {
    let withdrawals = this.#overtaken.get(peer);
    if (withdrawals === undefined) this.#overtaken.set(peer, (withdrawals = new Withdrawals()));
    withdrawals.add(prefix, pathId);
  }

  /**
   * Encodes what was to be withdrawn, then what was to be announced.
   * @param prefixes all that the slab speaks of
   */
  encode(prefixes: Int32Array): Slab {
    if (!this.#withdrawn.isEmpty) {
      this.#packer.withdraw(this.#withdrawn);
      this.#withdrawn.clear();
    }
    for (let bucket = 0; bucket < this.#buckets.size; bucket++) {
      const peer = this.#buckets.peer(bucket);
      const isSayable = this.#egress.encode(
        this.#buckets.attributes(bucket),
        this.#buckets.source(bucket),
        this.#tables.peer(peer),
      );
      this.#buckets.open(bucket);
      if (isSayable) this.#packer.announce(this.#egress, peer, this.#buckets);
      else this.#packer.withdraw(this.#buckets);
    }
    this.#buckets.clear();
    return { ...this.#packer.take(), prefixes, only: this.#encodeOvertaken() };
  }

  #encodeOvertaken(): Slab["only"] {
    if (this.#overtaken.size === 0) return forNobody;
    const only = new Map<number, Uint8Array>();
    for (const [peer, withdrawals] of this.#overtaken) {
      this.#onlyPacker.withdraw(withdrawals);
      only.set(peer, this.#onlyPacker.take().octets);
    }
    this.#overtaken.clear();
    return only;
  }
}
