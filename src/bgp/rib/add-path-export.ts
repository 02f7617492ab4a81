import { grown } from "./columns.ts";
import { ExportCount } from "./export-count.ts";
import { type ExportProfile, isExported } from "./export-profile.ts";
import type { EncoderTables, GroupEncoder } from "./group-encoder.ts";
import type { Audience, GroupExport, RibChanges } from "./group-export.ts";
import { PrefixRanges } from "./prefix-ranges.ts";
import type { RankedPathChanges, RankedPaths } from "./ranked-paths.ts";

/** Several paths of each prefix (RFC 7911): of those that may go out the best, as many as the profile says. */
export class AddPathExport implements GroupExport {
  readonly #tables: EncoderTables;
  readonly #ranked: RankedPaths;
  readonly #profile: ExportProfile;
  readonly #encoder: GroupEncoder;
  /** Prefixes inside these go out; all without. */
  readonly #ranges: PrefixRanges | undefined;
  readonly #count = new ExportCount();
  /** Of the prefix at hand: paths that were sent, as places among old ones, and the entries of those that are. */
  readonly #before: number[] = [];
  readonly #now: number[] = [];
  /** By identifier, zero between prefixes. */
  #placeOf = new Int32Array(64);

  constructor(
    tables: EncoderTables,
    ranked: RankedPaths,
    profile: ExportProfile,
    encoder: GroupEncoder,
  ) {
    this.#tables = tables;
    this.#ranked = ranked;
    this.#profile = profile;
    this.#encoder = encoder;
    this.#ranges = PrefixRanges.of(profile.policy.prefixes);
    for (let prefix = 0; prefix < tables.prefixes.end; prefix++) {
      this.#readNow(prefix);
      for (const entry of this.#now) this.#count.add(ranked.peer(entry), 1);
    }
  }

  advertisedTo(peer: number): number {
    return this.#count.without(peer);
  }

  /** Reads which paths of a prefix are sent into `#now`. */
  #readNow(prefix: number): void {
    const ranked = this.#ranked;
    const now = this.#now;
    now.length = 0;
    if (this.#ranges?.hold(this.#tables.prefixes, prefix) === false) return;
    const { addPaths } = this.#profile;
    for (let entry = ranked.first(prefix); entry >= 0; entry = ranked.next(entry)) {
      if (now.length === addPaths) return;
      if (this.#isExported(ranked.source(entry), ranked.attributes(entry))) now.push(entry);
    }
  }

  /** Reads which paths were sent of a prefix whose policy lets it out into `#before`. */
  #readBefore(changes: RankedPathChanges, index: number): void {
    const before = this.#before;
    before.length = 0;
    const { addPaths } = this.#profile;
    for (let old = changes.oldStart(index); old < changes.oldEnd(index); old++) {
      if (before.length === addPaths) return;
      if (this.#isExported(changes.source(old), changes.attributes(old))) before.push(old);
    }
  }

  #isExported(source: number, attributes: number): boolean {
    return isExported(this.#profile, source, this.#tables.attributes, attributes);
  }

  has(prefix: number): boolean {
    this.#readNow(prefix);
    return this.#now.length > 0;
  }

  announce(prefix: number): boolean {
    this.#readNow(prefix);
    for (const entry of this.#now) this.#announce(prefix, entry);
    return this.#now.length > 0;
  }

  #announce(prefix: number, entry: number): void {
    const ranked = this.#ranked;
    this.#encoder.announce(
      prefix,
      ranked.attributes(entry),
      ranked.peer(entry),
      ranked.source(entry),
      ranked.pathId(entry),
    );
  }

  tell(prefix: number, peer: number): void {
    const ranked = this.#ranked;
    this.#readNow(prefix);
    const maximum = ranked.maximumPathId(prefix);
    const isTold = this.#placesUpTo(maximum);
    for (const entry of this.#now) {
      if (ranked.peer(entry) === peer) continue;
      this.#announce(prefix, entry);
      isTold[ranked.pathId(entry)] = 1;
    }
    // Which of the others it was told once nobody remembers.
    for (let pathId = 1; pathId <= maximum; pathId++) {
      if (isTold[pathId] === 0) this.#encoder.withdraw(prefix, pathId);
    }
    isTold.fill(0, 0, maximum + 1);
  }

  distribute({ ranked: changes }: RibChanges, audience: Audience): Int32Array {
    const touched = new Int32Array(changes.length);
    let touchedCount = 0;
    for (let index = 0; index < changes.length; index++) {
      const prefix = changes.prefix(index);
      if (this.#ranges?.hold(this.#tables.prefixes, prefix) === false) continue;
      this.#readBefore(changes, index);
      this.#readNow(prefix);
      if (this.#tellChange(prefix, changes, audience)) touched[touchedCount++] = prefix;
    }
    return touchedCount === touched.length ? touched : touched.slice(0, touchedCount);
  }

  /** @returns whether there was anything to be told */
  #tellChange(prefix: number, changes: RankedPathChanges, { pacer, mayRead }: Audience): boolean {
    const ranked = this.#ranked;
    const before = this.#before;
    const placeOf = this.#placesUpTo(ranked.maximumPathId(prefix));
    for (let place = 0; place < before.length; place++) {
      placeOf[changes.pathId(before[place] as number)] = place + 1;
    }
    let isNews = false;
    for (const entry of this.#now) {
      const pathId = ranked.pathId(entry);
      const peer = ranked.peer(entry);
      const place = placeOf[pathId] as number;
      this.#count.add(peer, 1);
      if (place > 0) {
        placeOf[pathId] = 0;
        const old = before[place - 1] as number;
        const oldPeer = changes.peer(old);
        this.#count.add(oldPeer, -1);
        const isSameOwner = changes.owner(old) === ranked.owner(entry);
        if (isSameOwner && changes.attributes(old) === ranked.attributes(entry)) continue;
        // The peer whose path has the identifier now was sent the former one, and is not sent its own.
        if (oldPeer !== peer && mayRead(peer)) this.#encoder.overtake(peer, prefix, pathId);
      }
      isNews = true;
      if (pacer === undefined) this.#announce(prefix, entry);
    }
    if (isNews) pacer?.hold(prefix);
    else if (this.#now.length === 0) pacer?.drop(prefix);
    for (const old of before) {
      const pathId = changes.pathId(old);
      if (placeOf[pathId] === 0) continue;
      placeOf[pathId] = 0;
      isNews = true;
      this.#count.add(changes.peer(old), -1);
      this.#encoder.withdraw(prefix, pathId);
    }
    return isNews;
  }

  #placesUpTo(pathId: number): Int32Array {
    if (pathId >= this.#placeOf.length) this.#placeOf = grown(this.#placeOf, pathId + 1);
    return this.#placeOf;
  }

  pathIdOf(prefix: number, row: number): number | undefined {
    this.#readNow(prefix);
    const entry = this.#now.find((one) => this.#ranked.row(one) === row);
    return entry === undefined ? undefined : this.#ranked.pathId(entry);
  }
}
