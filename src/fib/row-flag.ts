/** Bookkeeping of `Fib`, one bit each: there are many rows. */
export const RowFlag = {
  /** The row is in use. */
  used: 1,
  /** Of IPv6, or of another metric than most. */
  other: 1 << 1,
  /** What the kernel holds was found there, not written by us. */
  adopted: 1 << 2,
  /** In the queue of what is to be looked at. */
  queued: 1 << 3,
  inFlight: 1 << 4,
  /** Someone touched it while our own change was in flight: whose was last is unknown. */
  disturbed: 1 << 5,
  /** Wanted by nobody, and perhaps not there either: what the kernel holds is what may be there. */
  doubtful: 1 << 6,
  /** It is to be looked at again when the change in flight is through. */
  again: 1 << 7,
  /** The kernel says something is there; a scan shall tell whose, or whose goes first. */
  ownerUnknown: 1 << 8,
  /** What replaced ours bears no claim: it may be replaced in turn. */
  reclaim: 1 << 9,
  /** Its deletion is due. */
  due: 1 << 10,
  /** In the list of deletions, due or not any more. */
  listed: 1 << 11,
  /** There is a `RowTrouble` of it. */
  troubled: 1 << 12,
} as const;
