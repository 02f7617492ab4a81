import { ExportCount } from "./export-count.ts";
import { type ExportProfile, isExported } from "./export-profile.ts";
import type { EncoderTables, GroupEncoder } from "./group-encoder.ts";
import type { Audience, GroupExport, RibChanges } from "./group-export.ts";
import { PrefixRanges } from "./prefix-ranges.ts";

/** The selected path of each prefix. */
export class BestPathExport implements GroupExport {
  readonly #tables: EncoderTables;
  readonly #profile: ExportProfile;
  readonly #encoder: GroupEncoder;
  /** Prefixes inside these go out; all without. */
  readonly #ranges: PrefixRanges | undefined;
  readonly #count = new ExportCount();

  constructor(tables: EncoderTables, profile: ExportProfile, encoder: GroupEncoder) {
    this.#tables = tables;
    this.#profile = profile;
    this.#encoder = encoder;
    this.#ranges = PrefixRanges.of(profile.policy.prefixes);
    for (let prefix = 0; prefix < tables.prefixes.end; prefix++) {
      if (this.has(prefix)) this.#count.add(tables.locRib.peer(prefix), 1);
    }
  }

  advertisedTo(peer: number): number {
    return this.#count.without(peer);
  }

  /** Does the export policy let the prefix out, whatever its path? */
  #mayExport(prefix: number): boolean {
    return this.#ranges === undefined || this.#ranges.hold(this.#tables.prefixes, prefix);
  }

  has(prefix: number): boolean {
    const { locRib, attributes } = this.#tables;
    return (
      isExported(this.#profile, locRib.source(prefix), attributes, locRib.attributes(prefix)) &&
      this.#mayExport(prefix)
    );
  }

  announce(prefix: number): boolean {
    if (!this.has(prefix)) return false;
    this.#announce(prefix);
    return true;
  }

  #announce(prefix: number): void {
    const { locRib } = this.#tables;
    this.#encoder.announce(
      prefix,
      locRib.attributes(prefix),
      locRib.peer(prefix),
      locRib.source(prefix),
      0,
    );
  }

  tell(prefix: number, peer: number): void {
    if (this.has(prefix) && this.#tables.locRib.peer(prefix) !== peer) this.#announce(prefix);
    else this.#encoder.withdraw(prefix, 0);
  }

  distribute({ best: changes }: RibChanges, { pacer, mayRead }: Audience): Int32Array {
    const { locRib, attributes } = this.#tables;
    const touched = new Int32Array(changes.length);
    let touchedCount = 0;
    for (let index = 0; index < changes.length; index++) {
      const prefix = changes.prefix(index);
      const oldPeer = changes.oldPeer(index);
      if (!this.#mayExport(prefix)) continue;
      const before = isExported(
        this.#profile,
        changes.oldSource(index),
        attributes,
        changes.oldAttributes(index),
      );
      const now = this.has(prefix);
      if (before) this.#count.add(oldPeer, -1);
      if (now) {
        const peer = locRib.peer(prefix);
        this.#count.add(peer, 1);
        if (pacer !== undefined) pacer.hold(prefix);
        else this.#announce(prefix);
        // The peer whose path is best now was sent the former one, and is not sent its own.
        if (before && oldPeer !== peer && mayRead(peer)) this.#encoder.overtake(peer, prefix, 0);
      } else if (before) {
        pacer?.drop(prefix);
        this.#encoder.withdraw(prefix, 0);
      } else continue;
      touched[touchedCount++] = prefix;
    }
    return touchedCount === touched.length ? touched : touched.slice(0, touchedCount);
  }

  pathIdOf(): undefined {}
}
