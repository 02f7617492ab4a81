import type { Family } from "../family/family.ts";
import type { Pace } from "./advertisement-pacer.ts";
import { AdjRibIn } from "./adj-rib-in.ts";
import { AttributeTrait } from "./attribute-summary.ts";
import { defaultDecision, type DecisionOptions, DecisionProcess } from "./decision-process.ts";
import { type ExportProfile, profileKey } from "./export-profile.ts";
import type { GroupMember } from "./group-member.ts";
import { type ImportPolicy, oversizedFlags } from "./import-policy.ts";
import { LlgrStaleMarks, withLlgrStale } from "./long-lived-stale.ts";
import { LocRib, LocRibChanges } from "./loc-rib.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { RankedPathChanges, RankedPaths } from "./ranked-paths.ts";
import { RowSweeps } from "./row-sweeps.ts";
import { PrefixTable } from "./prefix-table.ts";
import type { RibPeer } from "./source.ts";
import { defaultRibLimits, type RibLimits } from "./rib-limits.ts";
import { UpdateGroup } from "./update-group.ts";

/** Prefixes decided and encoded at a time: a few milliseconds of work. */
const prefixesPerTurn = 8192;

/** Prefix ids released at a time: about a millisecond of work. */
const prefixesPerTidying = 8192;

/** A dump kept for peers to come goes once such a part of the prefixes waits for its ids to be released. */
const partInTheWay = 1 / 8;

/** Making another attribute block, in removals of a path. */
const costOfMaking = 4;

/** All RIBs of one address family: Adj-RIBs-In, Loc-RIB and the update groups that are the Adj-RIBs-Out. */
export class FamilyRib {
  readonly family: Family;
  readonly prefixes: PrefixTable;
  readonly paths: AdjRibIn;
  readonly locRib: LocRib;
  /** Members that have missed more than may be remembered: their sessions are to end. Whoever does that clears it. */
  readonly outgrown = new Set<number>();
  readonly #attributes: PathAttributeStore;
  readonly #peer: (index: number) => RibPeer;
  readonly #limits: RibLimits;
  readonly #pace: Pace;
  readonly #groups = new Map<string, UpdateGroup>();
  readonly #changes = { best: new LocRibChanges(), ranked: new RankedPathChanges() };
  readonly #decision: DecisionProcess;
  readonly #sweeps = new RowSweeps();
  /** From when the first peer comes that is sent several paths to a prefix until the last has gone. */
  #ranked: RankedPaths | undefined;
  /** Those of former times, until they are dismantled. */
  readonly #formerlyRanked: RankedPaths[] = [];

  constructor(
    family: Family,
    attributes: PathAttributeStore,
    peer: (index: number) => RibPeer,
    pace: Pace,
    limits: RibLimits = defaultRibLimits,
    decision: DecisionOptions = defaultDecision,
  ) {
    this.family = family;
    this.#pace = pace;
    this.#limits = limits;
    this.#attributes = attributes;
    this.#peer = peer;
    this.prefixes = new PrefixTable(family.version);
    this.paths = new AdjRibIn(attributes);
    this.#decision = new DecisionProcess(this.paths, attributes, peer, decision);
    this.locRib = new LocRib(this.paths, attributes, this.#decision, peer);
  }

  groups(): Iterable<UpdateGroup> {
    return this.#groups.values();
  }

  /** Octets that the selected paths, the queue of those to decide and what follows from it occupy. */
  get locRibBytes(): number {
    let { bytes } = this.locRib;
    for (const ranked of this.#formerlyRanked) bytes += ranked.bytes;
    return bytes + this.#changes.best.bytes + (this.#ranked?.bytes ?? 0);
  }

  /** When `turn` has announcements to make next, be there changes or not; milliseconds, infinite for never. */
  get advertisementDueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const group of this.#groups.values()) dueMs = Math.min(dueMs, group.advertisementDueMs);
    return dueMs;
  }

  /** Has changes that are not decided yet. */
  get isUnsettled(): boolean {
    return this.locRib.dirtyCount > 0 || !this.#sweeps.isIdle;
  }

  /** Removes a peer's paths, all or only the stale ones, in the turns to come. */
  removePeer(peer: number, onlyStale: boolean): void {
    const visit = (row: number): void => {
      if (onlyStale && !this.paths.isStale(row)) return;
      const prefix = this.paths.prefix(row);
      this.paths.removeRow(row);
      this.locRib.markDirty(prefix);
    };
    this.#sweeps.add({ peer, rows: this.paths.scan(peer), cost: 1, visit });
  }

  /** Marks all paths of a peer stale (RFC 4724 §4.2). */
  markStale(peer: number): void {
    this.settle(peer);
    this.paths.markStale(peer);
  }

  /**
   * Makes a peer's stale paths long-lived ones in the turns to come (RFC 9494 §4.2): LLGR_STALE is attached, which makes
   * each a last resort; those with NO_LLGR, or without room for it, go.
   */
  makeLongLived(peer: number, whenDone: () => void = () => {}): void {
    const marks = new LlgrStaleMarks(this.#attributes, this.family);
    const visit = (row: number): void => {
      if (!this.paths.isStale(row) || this.paths.isLongLived(row)) return;
      const prefix = this.paths.prefix(row);
      const block = this.paths.attributes(row);
      const marked = this.#attributes.has(block, AttributeTrait.noLlgr) ? -1 : marks.mark(block);
      if (marked < 0) this.paths.removeRow(row);
      else this.paths.makeLongLived(row, marked);
      this.locRib.markDirty(prefix);
    };
    const done = (): void => {
      marks.release();
      whenDone();
    };
    this.#sweeps.add({ peer, rows: this.paths.scan(peer), cost: costOfMaking, visit, done });
  }

  /** Judges all paths of a peer by another import policy in the turns to come; its session does not notice. */
  refilter(peer: number, policy: ImportPolicy): void {
    const visit = (row: number): void => this.#judge(row, policy);
    this.#sweeps.add({ peer, rows: this.paths.scan(peer), cost: costOfMaking, visit });
  }

  #judge(row: number, policy: ImportPolicy): void {
    const store = this.#attributes;
    const prefix = this.paths.prefix(row);
    const received = store.inContext(this.paths.received(row), policy.rules.allowedOwnAsns);
    const applied = this.#applied(policy, row, received);
    const used = applied < 0 ? received : applied;
    const blockFlags = applied < 0 ? oversizedFlags : policy.judge(store, received);
    const verdict = policy.flags(this.prefixes, prefix, blockFlags);
    // Neither must go while the row changes over from one to the other.
    store.retain(received);
    store.retain(used);
    const isRefused = this.paths.isLongLived(row) && store.has(used, AttributeTrait.noLlgr);
    if (isRefused) this.paths.removeRow(row);
    const isNews =
      isRefused || this.paths.rejudge(row, used, used === received ? -1 : received, verdict);
    if (isNews) this.locRib.markDirty(prefix);
    store.release(used);
    store.release(received);
  }

  /**
   * Does at once what is left to do with all paths of a peer. To be called before its paths change in another way: when
   * its session comes up, not for every route.
   */
  settle(peer: number): void {
    this.#sweeps.settle(peer);
  }

  /** The block to use of a path; nobody holds a reference to a new one yet. -1 where there is none. */
  #applied(policy: ImportPolicy, row: number, received: number): number {
    const store = this.#attributes;
    const used = policy.apply(store, this.family, received);
    if (used < 0 || !this.paths.isLongLived(row)) return used;
    if (store.has(used, AttributeTrait.llgrStale)) return used;
    store.retain(used);
    const marked = withLlgrStale(store, this.family, used);
    store.release(used);
    return marked;
  }

  /** Takes a member into the group of its profile, which is made at need. */
  join(profile: ExportProfile, member: GroupMember): UpdateGroup {
    const group = this.#group(profile);
    group.join(member);
    return group;
  }

  /** Takes a member from its group into that of another profile, under its session: it is told what differs. */
  move(from: UpdateGroup, profile: ExportProfile, member: GroupMember): UpdateGroup {
    const to = this.#group(profile);
    if (to === from) return from;
    from.release(member, to);
    this.#endEmpty(from);
    return to;
  }

  #group(profile: ExportProfile): UpdateGroup {
    const key = profileKey(profile);
    let group = this.#groups.get(key);
    if (group === undefined) {
      // A new group starts from what has been distributed; what still waits reaches it with everybody else.
      group = new UpdateGroup(
        {
          family: this.family,
          prefixes: this.prefixes,
          attributes: this.#attributes,
          locRib: this.locRib,
          peer: this.#peer,
          pace: this.#pace,
          ranked: () => this.#rank(),
          missed: (peer, count) => {
            if (count > this.#mostMissed) this.outgrown.add(peer);
          },
        },
        profile,
        this.#limits,
      );
      this.#groups.set(key, group);
    }
    return group;
  }

  /** So many prefixes may be kept for peers to hear that they are gone: for ever new ones would make it ever more. */
  get #mostMissed(): number {
    return 2 * this.locRib.size + this.#limits.missedPrefixes;
  }

  /** The paths of all prefixes; at first they are decided anew, to be ranked. */
  #rank(): RankedPaths {
    if (this.#ranked !== undefined) return this.#ranked;
    for (let prefix = 0; prefix < this.prefixes.end; prefix++) {
      if (this.paths.first(prefix) >= 0) this.locRib.markDirty(prefix);
    }
    this.#ranked = new RankedPaths(this.paths, this.#attributes, this.#decision, this.#peer);
    return this.#ranked;
  }

  /** The identifier under which some peer is sent a path, a row of `paths`; `undefined` where none is. */
  sentPathId(prefix: number, row: number): number | undefined {
    for (const group of this.#groups.values()) {
      const pathId = group.pathIdOf(prefix, row);
      if (pathId !== undefined) return pathId;
    }
    return undefined;
  }

  leave(group: UpdateGroup, peer: number): void {
    group.leave(peer);
    this.#endEmpty(group);
  }

  /** Forgets a group without members, and with the last that is sent several paths to a prefix how they rank. */
  #endEmpty(group: UpdateGroup): void {
    if (group.memberCount > 0) return;
    this.#groups.delete(profileKey(group.profile));
    if (this.#ranked === undefined) return;
    for (const { profile } of this.#groups.values()) if (profile.addPaths > 0) return;
    this.#formerlyRanked.push(this.#ranked);
    this.#ranked = undefined;
  }

  /**
   * Decides and distributes what has changed since the last call, once what was distributed before has been written to all
   * members: while that takes several turns, changes gather, and each member is written to once for all of them.
   * @param observe told of every prefix whose best path is another one now, or is used beside others, before the old one
   * is forgotten
   * @param mayContinue asked between members; once it says no, the others wait for the next call
   * @returns whether work is left that does not wait for a socket
   */
  turn(
    observe: (changes: LocRibChanges) => void,
    mayContinue: () => boolean = () => true,
  ): boolean {
    this.#sweeps.advance(this.#limits.sweptPerTurn);
    if (this.locRib.dirtyCount > 0 && !this.#isWriting) {
      const { best, ranked } = this.#changes;
      this.#ranked?.decide(this.locRib.waiting(prefixesPerTurn), ranked);
      this.locRib.decide(best, prefixesPerTurn);
      if (best.length + ranked.length > 0) {
        for (const group of this.#groups.values()) group.distribute(this.#changes);
      }
      if (best.length + best.spread.length > 0) observe(best);
      this.locRib.release(best);
      best.clear();
      this.#ranked?.release(ranked);
      ranked.clear();
    }
    if (this.#ranked?.isComplete === false && !this.isUnsettled) {
      this.#ranked.isComplete = true;
      for (const group of this.#groups.values()) group.rankingCompleted();
    }
    let more = this.isUnsettled;
    for (const group of this.#groups.values()) more = group.pump(mayContinue) || more;
    return more;
  }

  /** Are members in the middle of being written to, where else changes and newcomers wait, who may as well gather? */
  get isFeeding(): boolean {
    for (const group of this.#groups.values()) if (group.isFeeding) return true;
    return false;
  }

  get #isWriting(): boolean {
    for (const group of this.#groups.values()) if (group.isWriting) return true;
    return false;
  }

  /**
   * Gives back what is not needed any more, a slice at a time, for when there is nothing better to do: above all, the ids of
   * prefixes that nobody offers, and nobody is to hear of. @returns whether more is left
   */
  tidy(): boolean {
    const [formerly] = this.#formerlyRanked;
    if (formerly !== undefined) {
      if (!formerly.dismantle(prefixesPerTidying)) this.#formerlyRanked.shift();
      return true;
    }
    const waiting = this.locRib.pathlessCount + this.locRib.withheldCount;
    if (waiting === 0 || this.isUnsettled) return false;
    const missed: ReadonlySet<number>[] = [];
    for (const group of this.#groups.values()) {
      if (waiting > this.#mostMissed) group.abandonLog();
      else if (waiting >= this.prefixes.size * partInTheWay) group.forgetUnreadDump();
      if (!group.isQuiet) return false;
      missed.push(...group.missed());
    }
    return this.#releaseIds(missed);
  }

  /** @param missed by members that lost their places in the log, and are to hear of it yet */
  #releaseIds(missed: readonly ReadonlySet<number>[]): boolean {
    const { locRib } = this;
    const isMissed = (prefix: number): boolean => missed.some((set) => set.has(prefix));
    const missedCount = missed.reduce((count, { size }) => count + size, 0);
    const most = Math.ceil(prefixesPerTidying / (1 + missed.length));
    for (let count = 0; count < most; count++) {
      if (locRib.pathlessCount === 0) {
        // At most as many as are missed still have to wait: it is worth trying once half of them do not.
        if (locRib.withheldCount <= 2 * missedCount) break;
        locRib.retryWithheld();
      }
      const prefix = locRib.takePathless(isMissed);
      if (prefix < 0) continue;
      this.prefixes.release(prefix);
      this.#ranked?.forget(prefix);
    }
    if (locRib.pathlessCount > 0 || locRib.withheldCount > 2 * missedCount) return true;
    locRib.shrink();
    if (missed.length === 0) this.#ranked?.shrink();
    return false;
  }
}
