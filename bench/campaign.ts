import type { Run } from "./results.ts";
import type { Scenario } from "./scenarios.ts";

/** What one cell of the tables may take in all: who is slow is measured fewer times. */
const cellSeconds = 40;

/** Did the run end with every phase complete? */
export function isWhole({ report }: Run): boolean {
  return report !== undefined && report.failure === undefined;
}

/** Decides what is worth running, by what has run so far. */
export class Campaign {
  readonly runs: Run[] = [];
  readonly #scenarios: ReadonlyMap<string, Scenario>;

  constructor(scenarios: ReadonlyMap<string, Scenario>) {
    this.#scenarios = scenarios;
  }

  /** Is this scenario to be run against this daemon, once more if it has been? */
  isWorthwhile(daemon: string, scenario: Scenario): boolean {
    const own = this.runs.filter((run) => run.daemon === daemon);
    if (own.some((run) => !isWhole(run) && this.#asksAtMost(run, scenario))) return false;
    const seconds = own
      .filter((run) => run.scenario === scenario.name)
      .map(({ wallSeconds }) => wallSeconds);
    const sum = seconds.reduce((all, one) => all + one, 0);
    return seconds.length === 0 || sum + Math.max(...seconds) <= cellSeconds;
  }

  /** Did the run ask for the same, and no more of it? */
  #asksAtMost(run: Run, { family, size }: Scenario): boolean {
    const before = this.#scenarios.get(run.scenario);
    return before?.family === family && before.size <= size;
  }
}
