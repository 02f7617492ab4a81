import type { LocalEnd } from "../bgp/next-hop-self.ts";

/** What a speaker asks the world outside. (Not the time, which comes with each input.) */
export interface Answers {
  readonly noAnswerHint: string | undefined;
  readonly localEnd: LocalEnd;
  readonly write: boolean;
  readonly unsentOctets: number;
  readonly random: number | undefined;
  /** Whether a slice of work may go on. */
  readonly mayContinue: boolean;
  /** What speaks against a connection that was accepted. */
  readonly objection: string | undefined;
}

export type Question = keyof Answers;

/** Answers that are not written down. */
export const usualAnswers: Answers = {
  noAnswerHint: undefined,
  localEnd: {},
  write: true,
  unsentOctets: 0,
  random: undefined,
  mayContinue: true,
  objection: undefined,
};

/** Counts by name. */
export class Counts {
  readonly #counts = new Map<string, number>();

  /** @returns how many came before with this name */
  next(name: string): number {
    const count = this.#counts.get(name) ?? 0;
    this.#counts.set(name, count + 1);
    return count;
  }

  clear(): void {
    this.#counts.clear();
  }
}
