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
import { TableDump } from "./table-dump.ts";
import { type Slab, slabBytes } from "./slab-packer.ts";

/** What an update group reads of the RIBs of its family. */
export interface GroupTables extends EncoderTables {
  readonly pace: Pace;
  /** The paths of all prefixes; where nobody has asked for them yet, ranking them begins. */
  readonly ranked: () => RankedPaths;
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

/**
 * The Adj-RIB-Out of all peers with one export profile, for one family: not a table but a log of encoded messages, in
 * which every member has its place. A change is encoded once and written to every member, less what the member itself
 * announced.
 *
 * A new member first gets a dump of the table, shared with those who came about the same time, then the log from where
 * the dump was begun. Since the log then only repeats or overtakes what the dump said, the member ends with the table.
 * A member that falls too far behind leaves the log; a set of prefixes remembers what it has missed, and it is fed from
 * the table as fast as it reads.
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
  #log: Slab[] = [];
  /** Sequence number of the oldest slab held. */
  #logStart = 0;
  #logOctets = 0;
  /** Octets ever put into the log. */
  #loggedOctets = 0;
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

  /** Nothing is remembered about prefixes: their ids may be released. */
  get isQuiet(): boolean {
    if (this.#log.length > 0 || this.#dump?.isRunning === true) return false;
    for (const member of this.#members.values()) {
      if (member.missed !== undefined || member.dump !== undefined) return false;
    }
    return true;
  }

  /** Octets held for members that have not taken them yet. */
  get retainedOctets(): number {
    let octets = this.#logOctets;
    for (const dump of this.#dumps()) octets += dump.octets;
    return octets;
  }

  #dumps(): Set<TableDump> {
    const dumps = new Set<TableDump>();
    if (this.#dump !== undefined) dumps.add(this.#dump);
    for (const { dump } of this.#members.values()) if (dump !== undefined) dumps.add(dump);
    return dumps;
  }

  /** Where the group's memory is, in octets. */
  memory(): GroupMemory {
    let dumpBytes = 0;
    for (const dump of this.#dumps()) dumpBytes += dump.bytes;
    let missedCount = 0;
    for (const { missed } of this.#members.values()) missedCount += missed?.size ?? 0;
    return {
      logBytes: this.#log.reduce((bytes, slab) => bytes + slabBytes(slab), 0),
      dumpBytes,
      missedBytes: missedCount * bytesPerMissed,
      encoderBytes: this.#encoder.bytes,
    };
  }

  /** Octets encoded that a member has yet to be sent. */
  waitingOctets(member: GroupMember): number {
    const { dump, missed } = member;
    const ofDump = dump?.slabs.slice(member.dumpIndex) ?? [];
    const slabs = missed === undefined ? [...ofDump, ...this.#unread(member)] : ofDump;
    return slabs.reduce((sum, { octets }) => sum + octets.length, 0);
  }

  /** What of the log a member has yet to read. */
  #unread({ cursor }: GroupMember): readonly Slab[] {
    return this.#log.slice(Math.max(0, cursor - this.#logStart));
  }

  get #logEnd(): number {
    return this.#logStart + this.#log.length;
  }

  /** Takes a peer in and starts its table dump, followed by End-of-RIB. */
  join(member: GroupMember): void {
    this.#members.set(member.peer, member);
    member.cursor = this.#logEnd;
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
    const missed = member.missed ?? detach(member, this.#unread(member), this.#tables.locRib);
    for (let prefix = 0; prefix < this.#tables.prefixes.end; prefix++) {
      if (this.#export.has(prefix) || to.#export.has(prefix)) missed.add(prefix);
    }
    this.leave(member.peer);
    to.#adopt(member);
  }

  #adopt(member: GroupMember): void {
    this.#isAtRest = false;
    this.#members.set(member.peer, member);
    if (member.tableEndAt !== undefined) member.tableEndAt = this.#logEnd;
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
    member.tableEndAt = this.#logEnd;
    if (member.missed !== undefined) {
      for (let prefix = 0; prefix < this.#tables.prefixes.end; prefix++) {
        if (this.#tables.locRib.attributes(prefix) >= 0) member.missed.add(prefix);
      }
      return;
    }
    // What is held back is in a fresh dump alone.
    if (this.#dump?.mayBeJoined(this.#loggedOctets) !== true || !this.#isAllLogged) {
      this.#dump = this.#beginDump();
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
    if (member.isFirstTable) member.tableEndAt = this.#logEnd;
  }

  /** All paths have been ranked: who waits for the table has it at the end of the log as it is now. */
  rankingCompleted(): void {
    if (this.#ranked === undefined) return;
    this.#wakeUp();
    for (const member of this.#members.values()) {
      if (member.tableEndAt !== undefined) member.tableEndAt = this.#logEnd;
    }
  }

  /** The identifier under which members are sent a path, a row of the Adj-RIB-In; `undefined` where they are not, or without one. */
  pathIdOf(prefix: number, row: number): number | undefined {
    return this.#export.pathIdOf(prefix, row);
  }

  /** Is nothing held back by the pacer? */
  get #isAllLogged(): boolean {
    return this.#pacer === undefined || this.#pacer.isEmpty;
  }

  #beginDump(): TableDump {
    const log = { sequence: this.#logEnd, octets: this.#loggedOctets };
    return new TableDump(log, this.#tables.prefixes.end, this.#limits);
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
    for (const member of this.#members.values()) {
      if (member.missed === undefined) continue;
      for (const prefix of slab.prefixes) member.missed.add(prefix);
    }
    this.#log.push(slab);
    this.#logOctets += slab.octets.length;
    this.#loggedOctets += slab.octets.length;
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
    if (round.blocked.length > 0) this.#limitLag();
    this.#trim();
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
      if (dump?.isRunning === true && !isBlocked && dumpIndex === dump.slabs.length) {
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
      while (member.dumpIndex < dump.slabs.length) {
        if (!sendSlab(dump.slabs[member.dumpIndex++] as Slab, member)) return false;
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
      if (member.cursor === this.#logEnd) return false;
      if (!sendSlab(this.#log[member.cursor++ - this.#logStart] as Slab, member)) return false;
    }
  }

  #mayEndTable({ tableEndAt, isFirstTable, endOfRibHeld, cursor }: GroupMember): boolean {
    if (tableEndAt === undefined || cursor < tableEndAt) return false;
    if (isFirstTable && endOfRibHeld) return false;
    if (this.#ranked?.isComplete === false) return false;
    // What was held back when the member asked for the table is behind that place in the log.
    return this.#pacer === undefined || (this.#pacer.isEmpty && cursor === this.#logEnd);
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
      member.cursor = this.#logEnd;
    }
    return slice.length === 0 || sendSlab(this.#encoder.encode(noPrefixes), member);
  }

  #limitLag(): void {
    if (this.retainedOctets <= this.#limits.lagOctets) return;
    for (const member of this.#members.values()) {
      if (!member.isBlocked || member.missed !== undefined) continue;
      detach(member, this.#unread(member), this.#tables.locRib);
    }
  }

  /** Drops what every member has taken. */
  #trim(): void {
    let oldest = this.#logEnd;
    let dumpInUse = false;
    for (const member of this.#members.values()) {
      if (member.dump === this.#dump) dumpInUse = true;
      if (member.missed === undefined) oldest = Math.min(oldest, member.cursor);
    }
    const dump = this.#dump;
    if (dump !== undefined && !dumpInUse) {
      const isWorthKeeping = !dump.isRunning && dump.mayBeJoined(this.#loggedOctets);
      if (!isWorthKeeping) this.#dump = undefined;
      else oldest = Math.min(oldest, dump.logSequence);
    }
    while (this.#logStart < oldest) {
      const slab = this.#log.shift() as Slab;
      this.#logOctets -= slab.octets.length;
      this.#logStart++;
    }
  }
}
