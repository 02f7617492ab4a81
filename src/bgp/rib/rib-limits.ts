/** How much the RIBs of a family may hold, and do at a time. */
export interface RibLimits {
  /** How far sweeps over a peer's paths go in a turn: so many removals, about a millisecond, or fewer of what takes longer. */
  readonly sweptPerTurn: number;
  /** Octets of memory that an update group's log and dumps may take before the members that lag most are fed from the table instead. */
  readonly lagOctets: number;
  /** Beside twice the prefixes that there are, so many may be kept for members that lag to hear that they are gone. */
  readonly missedPrefixes: number;
  /** Prefixes encoded at a time for a table dump or a lagging member: a few milliseconds of work. */
  readonly prefixesPerSlice: number;
  /** Members written to between two looks at the time: half a millisecond of writing. */
  readonly membersPerLook: number;
  /** A dump may be kept for peers to come while it takes no more memory than this. */
  readonly keptDumpOctets: number;
  /** Log that a late joiner may have to read on top of a small dump before a fresh dump is cheaper. */
  readonly joinableLogOctets: number;
}

export const defaultRibLimits: RibLimits = {
  sweptPerTurn: 8192,
  lagOctets: 16 * 1024 * 1024,
  missedPrefixes: 65_536,
  prefixesPerSlice: 8192,
  membersPerLook: 8,
  keptDumpOctets: 8 * 1024 * 1024,
  joinableLogOctets: 64 * 1024,
};
