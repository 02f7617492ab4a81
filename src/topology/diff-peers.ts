import type { Prefix } from "../net/prefix.ts";
import type { PeerWanted } from "./peers-wanted.ts";

/** A peer that stays and is wanted otherwise. */
export interface PeerChange {
  readonly before: PeerWanted;
  readonly after: PeerWanted;
  /** What differs, in the order of `PeerWanted`. */
  readonly fields: readonly (keyof PeerWanted)[];
  /**
   * The session must start anew (another AS number, or another kind of peer, which decides what is announced);
   * all else applies to the session as it is.
   */
  readonly sessionReset: boolean;
}

export interface PeersDiff {
  readonly added: readonly PeerWanted[];
  readonly removed: readonly PeerWanted[];
  readonly changed: readonly PeerChange[];
}

const resettingFields: readonly (keyof PeerWanted)[] = ["asn", "exportOwnOnly"];

/** What changed between two lists of wanted peers, which are told apart by address. */
export function diffPeers(before: readonly PeerWanted[], after: readonly PeerWanted[]): PeersDiff {
  const old = new Map(before.map((peer) => [peer.address, peer]));
  const kept = new Set(after.map(({ address }) => address));
  const changed = after.flatMap((peer): PeerChange[] => {
    const previous = old.get(peer.address);
    const fields = previous === undefined ? [] : changedFields(previous, peer);
    if (previous === undefined || fields.length === 0) return [];
    const sessionReset = fields.some((field) => resettingFields.includes(field));
    return [{ before: previous, after: peer, fields, sessionReset }];
  });
  return {
    added: after.filter(({ address }) => !old.has(address)),
    removed: before.filter(({ address }) => !kept.has(address)),
    changed,
  };
}

function changedFields(before: PeerWanted, after: PeerWanted): (keyof PeerWanted)[] {
  // The keys of an object literal of this type, so no others.
  const fields = Object.keys(after) as (keyof PeerWanted)[];
  return fields.filter((field) => comparable(before[field]) !== comparable(after[field]));
}

function comparable(value: PeerWanted[keyof PeerWanted]): string {
  if (!isPrefixes(value)) return String(value);
  return value.map(({ text }) => text).join(" ");
}

function isPrefixes(value: PeerWanted[keyof PeerWanted]): value is readonly Prefix[] {
  return Array.isArray(value);
}
