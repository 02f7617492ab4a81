/**
 * `npm run bench`: measures what is installed side by side and writes docs/BENCHMARKS.md; `--help` says more. What it
 * needs is installed and built by scripts/bench.sh.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { Campaign, isWhole } from "./campaign.ts";
import { contenders } from "./daemons/index.ts";
import type { Contender } from "./daemons/daemon.ts";
import { convergencePlot, documentOf } from "./document.ts";
import { figures } from "./cells.ts";
import { machineFacts } from "./machine.ts";
import { type Options, readOptions, usage, UsageError } from "./options.ts";
import type { Daemon, MicroBenchmark, Results, Run } from "./results.ts";
import { measure } from "./run.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function installed(wanted: readonly string[]): Promise<readonly Daemon[]> {
  const found: Daemon[] = [];
  for (const contender of contenders) {
    const { key, name } = contender;
    if (!wanted.includes(key)) continue;
    const version = await contender.version();
    if (version === undefined) say(`${name} is not installed: left out`);
    else found.push({ key, name, version });
  }
  return found;
}

/** The programs that need no daemon, as they are run by hand. */
function microBenchmarks({ isQuick }: Options): readonly MicroBenchmark[] {
  const programs = [
    { title: "Codec", argv: ["codec.ts", isQuick ? "0.1" : "1"] },
    { title: "RIB", argv: isQuick ? ["rib.ts", "200000", "1"] : ["rib.ts"] },
    { title: "FIB", argv: isQuick ? ["fib.ts", "20000", "1"] : ["fib.ts"] },
  ];
  return programs.map(({ argv: [file = "", ...rest], title }) => {
    say(title);
    const argv = [join(import.meta.dirname, file), ...rest];
    return { title, text: execFileSync(process.execPath, argv, { encoding: "utf8" }) };
  });
}

function outcome({ failure, report }: Run): string {
  if (report === undefined) return `failed: ${failure}`;
  const phases = report.phases.map(({ latency, name, seconds }) => {
    const value = latency === undefined ? seconds : latency.p50Ms / 1000;
    return `${name} ${value === undefined ? "incomplete" : `${figures(value)} s`}`;
  });
  return [...phases, ...(report.failure === undefined ? [] : [report.failure])].join(", ");
}

/** Rounds over all scenarios and daemons, so that a busy moment of the machine meets all alike. */
async function runAll(
  options: Options,
  daemons: readonly Daemon[],
  deadlineMs: number,
  note: (runs: readonly Run[]) => void,
): Promise<void> {
  const campaign = new Campaign(scenarios);
  const pairs = options.scenarios.flatMap((name) =>
    daemons.map(({ key }): [Scenario, Contender] => [
      scenarios.get(name) as Scenario, // options hold known names only
      contenders.find((one) => one.key === key) as Contender,
    ]),
  );
  for (let round = 1; round <= options.runs; round++) {
    for (const [scenario, contender] of pairs) {
      if (contender.isMeasuredIn?.(scenario.family) === false) continue;
      if (!campaign.isWorthwhile(contender.key, scenario)) continue;
      if (performance.now() >= deadlineMs) return;
      const run = await measure(contender, scenario, options.timeoutSeconds);
      campaign.runs.push(run);
      note(campaign.runs);
      const mark = isWhole(run) ? "" : "! ";
      say(`${round}  ${scenario.name}  ${contender.name}  ${mark}${outcome(run)}`);
    }
  }
}

async function measureAll(options: Options): Promise<Results> {
  const startMs = performance.now();
  const deadlineMs = startMs + options.minutes * 60_000;
  const before = loadavg()[0] ?? 0;
  const daemons = await installed(options.daemons);
  const micro = options.withMicro ? microBenchmarks(options) : [];
  const resultsOf = (runs: readonly Run[]): Results => ({
    date: new Date().toISOString(),
    machine: machineFacts(),
    loadAverage: [before, loadavg()[0] ?? 0],
    minutes: (performance.now() - startMs) / 60_000,
    timeoutSeconds: options.timeoutSeconds,
    daemons,
    scenarios: options.scenarios,
    runs,
    micro,
  });
  let results = resultsOf([]);
  // After every run, so that one that is interrupted is not lost.
  const note = (runs: readonly Run[]): void => {
    results = resultsOf(runs);
    writeFileSync(options.json, `${JSON.stringify(results, undefined, 1)}\n`);
  };
  note([]);
  await runAll(options, daemons, deadlineMs, note);
  return results;
}

function writeDocument(results: Results, output: string | undefined): void {
  const drawing = convergencePlot(results);
  if (output === undefined) {
    process.stdout.write(documentOf(results, undefined));
    return;
  }
  const plotFile = output.replace(/(?:\.md)?$/, ".svg");
  if (drawing !== undefined) writeFileSync(plotFile, drawing);
  writeFileSync(output, documentOf(results, drawing === undefined ? undefined : plotFile));
  say(`wrote ${output}${drawing === undefined ? "" : ` and ${plotFile}`}`);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(usage);
    return;
  }
  const { from, output } = options;
  const results =
    from === undefined
      ? await measureAll(options)
      : (JSON.parse(readFileSync(from, "utf8")) as Results); // written by `measureAll`
  writeDocument(results, output);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(`${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
