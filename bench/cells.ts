import { isWhole, type Results, type Run } from "./results.ts";
import type { Measure, Scenario } from "./scenarios.ts";
import { median } from "./statistics.ts";
import type { Phase, Report } from "./tester/report.ts";

const number = new Intl.NumberFormat("en");

/** Three significant digits, and no more decimals than that. */
export function figures(value: number): string {
  if (value === 0) return "0";
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return number.format(Number(value.toFixed(Math.min(decimals, 4))));
}

/** What the runs of one daemon in one scenario came to. */
export interface Cell {
  /** The median, where there is one. */
  readonly value?: number;
  /** How many runs it is the median of. */
  readonly samples: number;
  /** Why there is no value, or what is to be said with it. */
  readonly remark: string;
}

function runsOf(results: Results, scenario: string, daemon: string): readonly Run[] {
  return results.runs.filter((run) => run.scenario === scenario && run.daemon === daemon);
}

/** The median over all runs of what `read` finds in a report. */
export function cellOf(
  results: Results,
  scenario: string,
  daemon: string,
  read: (report: Report) => number | undefined,
): Cell {
  const runs = runsOf(results, scenario, daemon);
  const values = runs
    .map(({ report }) => (report === undefined ? undefined : read(report)))
    .filter((value) => value !== undefined);
  if (values.length > 0) {
    return { value: median(values), samples: values.length, remark: remarkOf(runs) };
  }
  return { samples: 0, remark: runs.length === 0 ? "–" : failureOf(results, runs) };
}

/** The phase of a report that a measure reads, and what it reads there. */
export function measured(measure: Measure): (report: Report) => number | undefined {
  return ({ phases }) => {
    const phase = phases.find(({ name }) => name === measure.phase);
    return measure.value === "seconds" ? phase?.seconds : phase?.latency?.[measure.value];
  };
}

/** What one must know of runs that have a value. */
function remarkOf(runs: readonly Run[]): string {
  const failed = runs.filter((run) => !isWhole(run)).length;
  const wrong = runs.filter(({ report }) => report !== undefined && isWrong(report)).length;
  return [
    ...(failed > 0 ? [`${failed} of ${runs.length} runs failed`] : []),
    ...(wrong > 0 ? ["wrong routes"] : []),
  ].join(", ");
}

/** Has the daemon sent what it must not? */
export function isWrong({ violations }: Report): boolean {
  return Object.values(violations).some((count) => count > 0);
}

function failureOf({ timeoutSeconds }: Results, runs: readonly Run[]): string {
  const last = runs.findLast((run) => run.report !== undefined)?.report?.phases.at(-1);
  if (last === undefined) return "failed";
  const { clients, established } = last;
  if (established < clients) {
    return `not all sessions: ${number.format(established)} of ${number.format(clients)}`;
  }
  return `> ${timeoutSeconds} s`;
}

/** The sum of what all measured phases of a run used: all but the bringing up of sessions that are then left idle. */
export function sumOfPhases(
  read: (phase: Phase) => number,
): (report: Report) => number | undefined {
  return (report) => {
    if (report.failure !== undefined) return undefined;
    const measuredPhases = report.phases.filter(({ name }) => name !== "connect");
    return measuredPhases.reduce((sum, phase) => sum + read(phase), 0);
  };
}

/** What the first measure of a scenario reads in a report: how long it took until all was everywhere. */
export function firstMeasured({
  measures,
  name,
}: Scenario): (report: Report) => number | undefined {
  const [first] = measures;
  if (first === undefined) throw new RangeError(`${name} measures nothing`);
  return measured(first);
}

/** The convergence time of a scenario. */
export function convergence(results: Results, scenario: Scenario, daemon: string): Cell {
  return cellOf(results, scenario.name, daemon, firstMeasured(scenario));
}
