import { RefreshSubtype } from "../iana.ts";
import { encodeEndOfRib } from "../message/end-of-rib.ts";
import { AddPathExport } from "./add-path-export.ts";
import { AdvertisementPacer, type Pace } from "./advertisement-pacer.ts";
import { BestPathExport } from "./best-path-export.ts";
import type { ExportProfile } from "./export-profile.ts";
import { type EncoderTables, GroupEncoder } from "./group-encoder.ts";
import type { Audience, GroupExport, RibChanges } from "./group-export.ts";
import { defaultRibLimits, type RibLimits } from "./rib-limits.ts";
import { detach, type GroupMember, sendSlab } from "./group-member.ts";
import type { RankedPaths } from "./ranked-paths.ts";
import { localPeer } from "./source.ts";
import { SlabLog } from "./slab-log.ts";
import type { Slab } from "./slab-packer.ts";
import { TableDump } from "./table-dump.ts";

/** What an update group reads of the RIBs of its family. */
export interface GroupTables extends EncoderTables {
  readonly pace: Pace;
  /** The paths of all prefixes; where nobody has asked for them yet, ranking them begins. */
  readonly ranked: () => RankedPaths;
  /** Told how many prefixes a member has missed by now. */
  readonly missed: (peer: number, count: number) => void;
}

/** Where the memory of an update group is, in octets. */
export interface GroupMemory {
  readonly logBytes: number;
  readonly dumpBytes: number;
  readonly missedBytes: number;
  readonly encoderBytes: number;
}

/** One look at every member. */
interface Round {
  readonly members: Iterator<GroupMember, undefined>;
  isMoreLeft: boolean;
  /** Those whose sockets were full. */
  readonly blocked: GroupMember[];
}

/** What an entry of a `Set` of numbers takes in V8, its share of buckets and of room to grow included. */
const bytesPerMissed = 32;

const noPrefixes = new Int32Array(0);

/** A member for whom less than this part of what may be held is held does not lag. */
const smallestPart = 16;

/**
 * The Adj-RIB-Out of all peers with one export profile, for one family: not a table but a log of encoded messages, in
 * which every member has its place. A change is encoded once and written to every member, less what the member itself
 * announced.
 *
 * A new member first gets a dump of the table, shared with those who came about the same time, then the log from where
 * the dump was begun. Since the log then only repeats or overtakes what the dump said, the member ends with the table.
 * A member that falls too far behind leaves the log; a set of prefixes remembers what it has missed, and it is fed from
 * the table as fast as it reads. One that misses more than that is worth begins anew, with another session.
 */
export class UpdateGroup {
  readonly profile: ExportProfile;
  readonly #tables: GroupTables;
  readonly #limits: RibLimits;
  readonly #members = new Map<number, GroupMember>();
  readonly #encoder: GroupEncoder;
  readonly #export: GroupExport;
  /** Where members are sent several paths to a prefix. */
  readonly #ranked: RankedPaths | undefined;
  readonly #audience: Audience;
  readonly #endOfRib: Uint8Array;
  /** Of groups with a MinRouteAdvertisementInterval. */
  readonly #pacer: AdvertisementPacer | undefined;
  readonly #log = new SlabLog();
  /** The latest dump, while new members may join it; the earlier ones live as long as somebody reads them. */
  #dump: TableDump | undefined;
  /** No member has anything to be sent, so that there is nothing to pump. */
  #isAtRest = true;
  /** Something came since the round began, which members it had passed by then have yet to be sent. */
  #hasNews = false;
  /** Members could have taken more at the end of the last round. */
  #isMoreLeft = false;
  /** Under way, when there was no time for all members in one turn. */
  #round: Round | undefined;

  constructor(tables: GroupTables, profile: ExportProfile, limits: RibLimits = defaultRibLimits) {
    this.#tables = tables;
    this.profile = profile;
    this.#limits = limits;
    const { minRouteAdvertisementIntervalSeconds: interval } = profile;
    if (interval > 0) this.#pacer = new AdvertisementPacer(interval, tables.pace);
    this.#encoder = new GroupEncoder(tables, profile);
    this.#ranked = profile.addPaths > 0 ? tables.ranked() : undefined;
    this.#export =
      this.#ranked === undefined
        ? new BestPathExport(tables, profile, this.#encoder)
        : new AddPathExport(tables, this.#ranked, profile, this.#encoder);
    this.#audience = { pacer: this.#pacer, mayRead: (peer) => this.#mayRead(peer) };
    this.#endOfRib = encodeEndOfRib(tables.family.afi, tables.family.safi);
  }

  get memberCount(): number {
    return this.#members.size;
  }

  /** Paths that a member has been sent or is about to be. */
  advertisedTo(peer: number): number {
    return this.#export.advertisedTo(peer);
  }

  /** Some members are still to be written to, for which there was no time. */
  get isWriting(): boolean {
    return this.#round !== undefined;
  }

  /** Some members are still to be written to, or can take more of their table at once. */
  get isFeeding(): boolean {
    return this.isWriting || this.#isMoreLeft;
  }

  /** Nothing is remembered about prefixes, but what members have `missed`: the ids of all others may be released. */
  get isQuiet(): boolean {
    if (!this.#log.isEmpty || this.#dump?.isRunning === true) return false;
    for (const { dump } of this.#members.values()) if (dump !== undefined) return false;
    return true;
  }

  /** Of the members that have lost their places in the log. */
  *missed(): Generator<ReadonlySet<number>> {
    for (const { missed } of this.#members.values()) if (missed !== undefined) yield missed;
  }

  /** Octets of memory that log and dumps take, for members that have not taken them yet or may still come. */
  get retainedBytes(): number {
    return this.#log.bytes + this.#dumpBytes;
  }

  get #dumpBytes(): number {
    let bytes = 0;
    for (const dump of this.#dumps()) bytes += dump.slabs.bytes;
    return bytes;
  }

  #dumps(): Set<TableDump> {
    const dumps = new Set<TableDump>();
    if (this.#dump !== undefined) dumps.add(this.#dump);
    for (const { dump } of this.#members.values()) if (dump !== undefined) dumps.add(dump);
    return dumps;
  }

  /** Where the group's memory is, in octets. */
  memory(): GroupMemory {
    let missedCount = 0;
    for (const { size } of this.missed()) missedCount += size;
    return {
      logBytes: this.#log.bytes,
      dumpBytes: this.#dumpBytes,
      missedBytes: missedCount * bytesPerMissed,
      encoderBytes: this.#encoder.bytes,
    };
  }

  /** Octets encoded that a member has yet to be sent. */
  waitingOctets({ dump, dumpIndex, cursor, missed }: GroupMember): number {
    const ofLog = missed === undefined ? this.#log.octetsFrom(cursor) : 0;
    return ofLog + (dump?.slabs.octetsFrom(dumpIndex) ?? 0);
  }

  /** Octets of memory held that a member has yet to read. */
  #backlog({ dump, dumpIndex, cursor }: GroupMember): number {
    return this.#log.bytesFrom(cursor) + (dump?.slabs.bytesFrom(dumpIndex) ?? 0);
  }

  /** Takes a peer in and starts its table dump, followed by End-of-RIB. */
  join(member: GroupMember): void {
    this.#members.set(member.peer, member);
    member.cursor = this.#log.end;
    this.#feedTable(member);
  }

  leave(peer: number): void {
    this.#members.delete(peer);
    this.#trim();
  }

  /**
   * Lets a member go to a group of another profile, with what it has to hear of there: what it had still to be sent here,
   * and all that this group has told it, or that one would.
   */
  release(member: GroupMember, to: UpdateGroup): void {
    const missed = member.missed ?? detach(member, this.#log, this.#tables.locRib);
    for (let prefix = 0; prefix < this.#tables.prefixes.end; prefix++) {
      if (this.#export.has(prefix) || to.#export.has(prefix)) missed.add(prefix);
    }
    this.leave(member.peer);
    to.#adopt(member);
  }

  #adopt(member: GroupMember): void {
    this.#isAtRest = false;
    this.#members.set(member.peer, member);
    if (member.tableEndAt !== undefined) this.#setTableEnd(member);
  }

  /** Sends a member the whole table again (RFC 2918 §4), after the first one is through (RFC 7313 §4). */
  refresh(member: GroupMember): void {
    if (member.isFirstTable) {
      member.isRefreshAsked = true;
      return;
    }
    member.isRefreshDue = member.demarcate !== undefined;
    this.#feedTable(member);
  }

  #feedTable(member: GroupMember): void {
    this.#wakeUp();
    // Whoever joins a dump begun earlier has the table once it has read the log since, too.
    this.#setTableEnd(member);
    if (member.missed !== undefined) {
      for (let prefix = 0; prefix < this.#tables.prefixes.end; prefix++) {
        if (this.#tables.locRib.attributes(prefix) >= 0) member.missed.add(prefix);
      }
      return;
    }
    // What is held back is in a fresh dump alone.
    if (this.#dump?.mayBeJoined(this.#log) !== true || !this.#isAllLogged) {
      this.#dump = new TableDump(this.#log, this.#tables.prefixes.end, this.#limits);
    }
    member.dump = this.#dump;
    member.dumpIndex = 0;
    // What the log withdraws and the member has yet to hear of is not in the dump: it still has to come.
    member.cursor = Math.min(member.cursor, this.#dump.logSequence);
  }

  /** Lets a member have the End-of-RIB that was held back, after all that is in the table by now. */
  releaseEndOfRib(member: GroupMember): void {
    this.#wakeUp();
    member.endOfRibHeld = false;
    if (member.isFirstTable) this.#setTableEnd(member);
  }

  /** All paths have been ranked: who waits for the table has it at the end of the log as it is now. */
  rankingCompleted(): void {
    if (this.#ranked === undefined) return;
    this.#wakeUp();
    for (const member of this.#members.values()) {
      if (member.tableEndAt !== undefined) this.#setTableEnd(member);
    }
  }

  /** The table that a member has yet to hear of is what has been logged by now, and what is held back by now. */
  #setTableEnd(member: GroupMember): void {
    member.tableEndAt = this.#log.end;
    member.tableHeldFor = this.#pacer?.lastRound;
  }

  /** The identifier under which members are sent a path, a row of the Adj-RIB-In; `undefined` where they are not, or without one. */
  pathIdOf(prefix: number, row: number): number | undefined {
    return this.#export.pathIdOf(prefix, row);
  }

  /** Is nothing held back by the pacer? */
  get #isAllLogged(): boolean {
    return this.#pacer === undefined || this.#pacer.isEmpty;
  }

  /** Encodes the changes of a turn into the log, once for all members. */
  distribute(changes: RibChanges): void {
    const touched = this.#export.distribute(changes, this.#audience);
    if (touched.length > 0) this.#append(this.#encoder.encode(touched));
  }

  /** Is the peer a member, or may it become one that reads the log from here? */
  #mayRead(peer: number): boolean {
    return this.#members.has(peer) || (this.#dump !== undefined && peer !== localPeer);
  }

  #append(slab: Slab): void {
    this.#wakeUp();
    for (const { peer, missed } of this.#members.values()) {
      if (missed === undefined) continue;
      for (const prefix of slab.prefixes) missed.add(prefix);
      this.#tables.missed(peer, missed.size);
    }
    this.#log.append(slab);
  }

  /**
   * Writes what each member can take now. @param mayContinue asked between members; once it says no, the next call goes on
   * with the others @returns whether work is left that does not wait for a socket
   */
  pump(mayContinue: () => boolean): boolean {
    if (this.#isAtRest) return false;
    this.#round ??= this.#beginRound();
    const round = this.#round;
    for (let served = 1; ; served++) {
      const { value: member } = round.members.next();
      if (member === undefined) break;
      if (!member.isBlocked) round.isMoreLeft = this.#feed(member) || round.isMoreLeft;
      if (member.isBlocked) round.blocked.push(member);
      if (served % this.#limits.membersPerLook === 0 && !mayContinue()) return true;
    }
    this.#round = undefined;
    this.#trim();
    if (round.blocked.length > 0) this.#limitLag();
    // A socket may have drained since the round passed it.
    this.#isMoreLeft = round.isMoreLeft || round.blocked.some(({ isBlocked }) => !isBlocked);
    const more = this.#isMoreLeft || this.#hasNews;
    this.#isAtRest = !more && round.blocked.length === 0 && this.#isAllLogged;
    return more;
  }

  #beginRound(): Round {
    const isMoreLeft = this.#pacer !== undefined && this.#advertise(this.#pacer);
    for (const dump of this.#awaitedDumps()) this.#extendDump(dump);
    this.#hasNews = false;
    return { members: this.#members.values(), isMoreLeft, blocked: [] };
  }

  /** There is something for members, of whom a round may have passed some already. */
  #wakeUp(): void {
    this.#isAtRest = false;
    this.#hasNews = true;
  }

  /** Encodes what has been held back long enough. @returns whether there is more of it */
  #advertise(pacer: AdvertisementPacer): boolean {
    const due = pacer.take(this.#limits.prefixesPerSlice);
    for (const prefix of due) this.#export.announce(prefix);
    if (due.length > 0) this.#append(this.#encoder.encode(Int32Array.from(due)));
    for (const member of this.#members.values()) {
      if (member.tableHeldFor === undefined || !pacer.isOver(member.tableHeldFor)) continue;
      member.tableHeldFor = undefined;
      if (member.tableEndAt !== undefined) member.tableEndAt = this.#log.end;
    }
    return pacer.hasMore;
  }

  /** When `pump` has something to do next, be there changes or not; milliseconds, infinite for never. */
  get advertisementDueMs(): number {
    return this.#pacer?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** Dumps that somebody has read as far as they go. */
  #awaitedDumps(): Iterable<TableDump> {
    let awaited: Set<TableDump> | undefined;
    for (const { dump, dumpIndex, isBlocked } of this.#members.values()) {
      if (dump?.isRunning === true && !isBlocked && dumpIndex === dump.slabs.end) {
        awaited ??= new Set();
        awaited.add(dump);
      }
    }
    return awaited ?? [];
  }

  #extendDump(dump: TableDump): void {
    const prefixes: number[] = [];
    const end = Math.min(dump.end, dump.nextPrefix + this.#limits.prefixesPerSlice);
    for (let prefix = dump.nextPrefix; prefix < end; prefix++) {
      if (this.#export.announce(prefix)) prefixes.push(prefix);
    }
    dump.nextPrefix = end;
    if (prefixes.length > 0) dump.add(this.#encoder.encode(Int32Array.from(prefixes)));
  }

  /** @returns whether the member could take more at once */
  #feed(member: GroupMember): boolean {
    if (member.isRefreshDue) {
      member.isRefreshDue = false;
      if (member.demarcate?.(RefreshSubtype.begin) === false) return false;
    }
    const { dump, missed } = member;
    if (dump !== undefined) {
      while (member.dumpIndex < dump.slabs.end) {
        if (!sendSlab(dump.slabs.at(member.dumpIndex++), member)) return false;
      }
      if (dump.isRunning) return true;
      member.dump = undefined;
    }
    if (missed !== undefined) {
      if (!this.#feedMissed(member, missed)) return false;
      if (missed.size > 0) return true;
    }
    for (;;) {
      if (this.#mayEndTable(member)) {
        member.tableEndAt = undefined;
        const mayGoOn = this.#endTable(member);
        if (!mayGoOn || member.tableEndAt !== undefined) return mayGoOn;
      }
      if (member.cursor === this.#log.end) return false;
      if (!sendSlab(this.#log.at(member.cursor++), member)) return false;
    }
  }

  #mayEndTable(member: GroupMember): boolean {
    const { tableEndAt, tableHeldFor, isFirstTable, endOfRibHeld, cursor } = member;
    if (tableEndAt === undefined || tableHeldFor !== undefined || cursor < tableEndAt) return false;
    if (isFirstTable && endOfRibHeld) return false;
    return this.#ranked?.isComplete !== false;
  }

  /** Tells a member that it has the table; a refresh asked for meanwhile begins. @returns as `GroupMember.send` */
  #endTable(member: GroupMember): boolean {
    if (!member.isFirstTable) return member.demarcate?.(RefreshSubtype.end) ?? true;
    member.isFirstTable = false;
    const mayGoOn = member.send([this.#endOfRib], 1);
    if (member.isRefreshAsked) {
      member.isRefreshAsked = false;
      this.refresh(member);
    }
    return mayGoOn;
  }

  /** Feeds a member that lost its place in the log from the table, a slice at a time. @returns as `GroupMember.send` */
  #feedMissed(member: GroupMember, missed: Set<number>): boolean {
    const slice: number[] = [];
    for (const prefix of missed) {
      if (slice.length === this.#limits.prefixesPerSlice) break;
      slice.push(prefix);
      this.#export.tell(prefix, member.peer);
    }
    for (const prefix of slice) missed.delete(prefix);
    if (missed.size === 0) {
      member.missed = undefined;
      member.cursor = this.#log.end;
    }
    return slice.length === 0 || sendSlab(this.#encoder.encode(noPrefixes), member);
  }

  /**
   * Where more is held than may be, members lose their places in the log: those first for whom most of it is held, and none
   * for whom it is little, since a list of what it has missed would take as much.
   */
  #limitLag(): void {
    const { lagOctets } = this.#limits;
    if (this.retainedBytes <= lagOctets) return;
    this.forgetUnreadDump();
    for (let part = 1; part <= smallestPart && this.retainedBytes > lagOctets; part *= 2) {
      this.#detachBlocked(lagOctets / part);
    }
  }

  /** Has members leave the log that wait for their sockets, if more than this is held for them. */
  #detachBlocked(bytes: number): void {
    for (const member of this.#members.values()) {
      if (!member.isBlocked || member.missed !== undefined) continue;
      if (this.#backlog(member) > bytes) detach(member, this.#log, this.#tables.locRib);
    }
    this.#trim(false);
  }

  /** Has everybody leave the log who does not read it at once, since what it speaks of is gone. */
  abandonLog(): void {
    this.#detachBlocked(-1);
  }

  /** Lets go of a dump that nobody reads, and so of the log since it began. */
  forgetUnreadDump(): void {
    if (this.#dump !== undefined) this.#trim(false);
  }

  /** Lets go of what every member has taken. @param keepsDump a dump that nobody reads may stay for those to come */
  #trim(keepsDump = true): void {
    let oldest = this.#log.end;
    let isDumpRead = false;
    /** Of dumps that nobody may join any more, how far all their readers are. */
    const read = new Map<TableDump, number>();
    for (const { cursor, dump, dumpIndex, missed } of this.#members.values()) {
      if (missed === undefined && cursor < oldest) oldest = cursor;
      if (dump === undefined) continue;
      if (dump === this.#dump) isDumpRead = true;
      else read.set(dump, Math.min(read.get(dump) ?? dumpIndex, dumpIndex));
    }
    if (this.#dump !== undefined) {
      const isUseful = isDumpRead || (keepsDump && !this.#dump.isRunning);
      if (!isUseful || !this.#dump.mayBeJoined(this.#log)) this.#dump = undefined;
      else oldest = Math.min(oldest, this.#dump.logSequence);
    }
    this.#log.trim(oldest);
    for (const [{ slabs }, sequence] of read) slabs.trim(sequence);
  }
}
