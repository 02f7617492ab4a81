import type { LocRib } from "./loc-rib.ts";
import type { TableDump } from "./table-dump.ts";
import type { SlabLog } from "./slab-log.ts";
import { countMessages, type Slab } from "./slab-packer.ts";

/** One peer's place in an update group. */
export interface GroupMember {
  /** The speaker's index of the peer. */
  readonly peer: number;
  /** Writes octets in this order. @returns false when no more should be sent until `isBlocked` is cleared */
  readonly send: (parts: readonly Uint8Array[], messages: number) => boolean;
  /** Tells where a refresh begins and ends (RFC 7313); `undefined` for a peer that is not told. @returns as `send` */
  readonly demarcate: ((subtype: number) => boolean) | undefined;
  /** The socket is full; set by `send`, cleared by the speaker when the socket has drained. */
  isBlocked: boolean;
  /** The table dump it is reading, and how far. */
  dump: TableDump | undefined;
  dumpIndex: number;
  /** It has the table it is being fed once it has read the log up to this sequence number. */
  tableEndAt: number | undefined;
  /** Some of that table is held back until this round of the group's pacer is over: only then is it known where it ends. */
  tableHeldFor: number | undefined;
  /** That table is its first, which End-of-RIB follows; else a refresh. */
  isFirstTable: boolean;
  /** End-of-RIB waits for `UpdateGroup.releaseEndOfRib`. */
  endOfRibHeld: boolean;
  /** A refresh is to be demarcated before anything else is sent. */
  isRefreshDue: boolean;
  /** A refresh was asked for before the first table was through. */
  isRefreshAsked: boolean;
  /** Sequence number of the next slab of the log. */
  cursor: number;
  /** Prefixes it has yet to hear of, once it has lost its place in the log. */
  missed: Set<number> | undefined;
}

export function createMember(
  peer: number,
  send: GroupMember["send"],
  demarcate?: GroupMember["demarcate"],
): GroupMember {
  return {
    peer,
    send,
    demarcate,
    isBlocked: false,
    dump: undefined,
    dumpIndex: 0,
    tableEndAt: undefined,
    tableHeldFor: undefined,
    isFirstTable: true,
    endOfRibHeld: false,
    isRefreshDue: false,
    isRefreshAsked: false,
    cursor: 0,
    missed: undefined,
  };
}

/** Sends a member a slab: all but what it announced itself, then what is for it alone. @returns as `GroupMember.send` */
export function sendSlab(slab: Slab, member: GroupMember): boolean {
  const own = slab.own.get(member.peer);
  const only = slab.only.get(member.peer);
  if (own === undefined && only === undefined) {
    return slab.octets.length === 0 || member.send([slab.octets], slab.messages);
  }
  const parts: Uint8Array[] = [];
  let messages = slab.messages;
  let at = 0;
  for (let index = 0; own !== undefined && index < own.length; index += 2) {
    const start = own[index] as number;
    if (start > at) parts.push(slab.octets.subarray(at, start));
    at = own[index + 1] as number;
    messages -= countMessages(slab.octets, start, at);
  }
  if (at < slab.octets.length) parts.push(slab.octets.subarray(at));
  if (only !== undefined) {
    parts.push(only);
    messages += countMessages(only);
  }
  return parts.length === 0 || member.send(parts, messages);
}

/** Has a member leave the dump that it reads and the log. @returns the prefixes it has yet to hear of */
export function detach(member: GroupMember, log: SlabLog, locRib: LocRib): Set<number> {
  const missed = new Set<number>();
  const { dump, dumpIndex, cursor } = member;
  for (const prefixes of dump?.slabs.prefixesFrom(dumpIndex) ?? []) addAll(missed, prefixes);
  for (const prefixes of log.prefixesFrom(cursor)) addAll(missed, prefixes);
  if (dump !== undefined) {
    for (let prefix = dump.nextPrefix; prefix < dump.end; prefix++) {
      if (locRib.attributes(prefix) >= 0) missed.add(prefix);
    }
  }
  member.dump = undefined;
  member.missed = missed;
  return missed;
}

function addAll(missed: Set<number>, prefixes: Int32Array): void {
  for (const prefix of prefixes) missed.add(prefix);
}
