import type { PathCounts } from "./rib/adj-rib-in.ts";

/** How many paths we hold of a peer at most, per family, whatever the import policy makes of them (RFC 4486 §4); see `countedPaths`. */
export interface PrefixLimit {
  readonly limit: number;
  /** Of the limit; from there on it is warned of, 1 to 100. */
  readonly warningPercent: number;
  /** Past the limit: end the session, refuse what is new, or say so only. */
  readonly action: "stop" | "discard" | "warn";
  /** After which a session that was ended may come back; 0 for when the operator says so. */
  readonly restartSeconds: number;
}

/** What has become of a peer's limit for one family in this session. */
export interface PrefixLimitState {
  isWarned: boolean;
  isExceeded: boolean;
  /** Announcements refused. */
  discarded: number;
  /** Of these, some that the peer has not been asked for since, … */
  isMissing: boolean;
  /** … and shall be, as there is room again. */
  awaitsRefresh: boolean;
}

/**
 * Paths of a peer that count against a limit: not such as are stale, since after a restart, or in a refresh, the peer may announce
 * others in their place. More stale ones than the limit is do count, or one refresh begun after another would gather them.
 */
export function countedPaths({ paths, stale }: PathCounts, limit: number): number {
  return paths - Math.min(stale, limit);
}

/** What an observer is told. */
export interface PrefixLimitEvent {
  readonly kind: "near" | "exceeded";
  /** `familyKey` */
  readonly family: number;
  readonly paths: number;
  readonly limit: PrefixLimit;
}
