/** What is done to all routes: other next hops one by one, all next hops at once, a reading of all that is there. */
export const phases = ["add", "replace", "move", "resync", "delete"] as const;
export type Phase = (typeof phases)[number];

/** One run of one contender. */
export interface Outcome {
  /** Seconds; a phase that it has not is left out. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  /** The most physical memory that it held. */
  readonly rssMib: number;
  /** Of a program with an event loop: the longest that it stood still. */
  readonly blockedMs?: number;
}
