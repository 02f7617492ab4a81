import { firstMeasured } from "./cells.ts";
import type { Contender } from "./daemons/daemon.ts";
import { isWhole, type Run } from "./results.ts";
import type { Scenario } from "./scenarios.ts";
import { median } from "./statistics.ts";

/** What one cell of the tables may take in all: who is slow is measured fewer times. */
const cellSeconds = 30;

/** Who takes so many times as long as `reference` is far off: more runs would not tell more. */
export const farOff = 8;

/** Whom the others are compared with. */
const reference = "margay";

export interface CampaignLimits {
  /** Runs of a scenario against a daemon. */
  readonly runs: number;
  /** What a phase of a run may take. */
  readonly timeoutSeconds: number;
}

/** A scenario and who is measured in it. */
export interface Pairing {
  readonly scenario: Scenario;
  readonly contender: Contender;
}

/**
 * Decides what is worth running, by what has run so far: everything once; then, in rounds over all of them so that a busy
 * moment of the machine meets all alike, those whose medians are close; with the time that is left the others, in equal parts.
 */
export class Campaign {
  /** What has run so far. */
  readonly runs: Run[];
  readonly #pairings: readonly Pairing[];
  readonly #limits: CampaignLimits;

  /**
   * @param pairings in the order in which they run; of a family the smaller scenarios first
   * @param earlier runs that were made before
   */
  constructor(pairings: readonly Pairing[], limits: CampaignLimits, earlier: readonly Run[] = []) {
    this.#pairings = pairings;
    this.#limits = limits;
    this.runs = [...earlier];
  }

  /** What is to be run next, or undefined when nothing is worth it any more. */
  next(): Pairing | undefined {
    let best: Pairing | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const pairing of this.#pairings) {
      const rank = this.#rank(pairing);
      if (rank >= bestRank) continue;
      best = pairing;
      bestRank = rank;
    }
    return best;
  }

  /** The lower, the sooner it is to be run; infinite if not at all. */
  #rank(pairing: Pairing): number {
    const { runs: wanted } = this.#limits;
    const count = this.runsOf(pairing).length;
    if (count >= wanted || !this.#isWorthwhile(pairing)) return Number.POSITIVE_INFINITY;
    return count === 0 || this.#isClose(pairing) ? count : wanted + this.#secondsOf(pairing);
  }

  /** Those of one pairing. */
  runsOf({ contender, scenario }: Pairing): readonly Run[] {
    return this.#runsOf(contender.key, scenario);
  }

  #runsOf(daemon: string, { name }: Scenario): readonly Run[] {
    return this.runs.filter((run) => run.daemon === daemon && run.scenario === name);
  }

  #isWorthwhile(pairing: Pairing): boolean {
    if (this.#isHopeless(pairing)) return false;
    if (pairing.contender.key === reference) return true;
    const longest = Math.max(...this.runsOf(pairing).map(({ wallSeconds }) => wallSeconds));
    return this.#secondsOf(pairing) + longest <= cellSeconds;
  }

  /** What its runs have taken in all. */
  #secondsOf(pairing: Pairing): number {
    return this.runsOf(pairing).reduce((sum, { wallSeconds }) => sum + wallSeconds, 0);
  }

  /**
   * Has the daemon failed at what asks for the same and no more of it, or taken so long that it would not get there in time
   * even if its time grew but in step?
   */
  #isHopeless({ contender, scenario: { family, size } }: Pairing): boolean {
    return this.#pairings.some((before) => {
      const { scenario } = before;
      if (before.contender !== contender || scenario.family !== family || scenario.size > size)
        return false;
      return this.runsOf(before).some((run) => {
        const seconds = longestPhaseSeconds(run);
        return !isWhole(run) || (seconds * size) / scenario.size > this.#limits.timeoutSeconds;
      });
    });
  }

  #isClose({ contender, scenario }: Pairing): boolean {
    const ours = this.#median(reference, scenario);
    const theirs = this.#median(contender.key, scenario);
    return ours === undefined || theirs === undefined || theirs <= farOff * ours;
  }

  #median(daemon: string, scenario: Scenario): number | undefined {
    const read = firstMeasured(scenario);
    const values = this.#runsOf(daemon, scenario)
      .map(({ report }) => (report === undefined ? undefined : read(report)))
      .filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  }
}

/** The bringing up of sessions left out, which depends on how they are brought up. */
function longestPhaseSeconds({ report }: Run): number {
  const phases = report?.phases.filter(({ name }) => name !== "connect") ?? [];
  return Math.max(...phases.map(({ seconds = 0 }) => seconds));
}
