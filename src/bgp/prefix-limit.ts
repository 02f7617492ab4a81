/** How many paths we hold of a peer at most, per family, whatever the import policy makes of them (RFC 4486 §4). */
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
}

/** What an observer is told. */
export interface PrefixLimitEvent {
  readonly kind: "near" | "exceeded";
  /** `familyKey` */
  readonly family: number;
  readonly paths: number;
  readonly limit: PrefixLimit;
}
