/**
 * `npm run bench`: measures what is installed side by side and writes docs/BENCHMARKS.md; `--help` says more. What it
 * needs is installed and built by scripts/bench.sh.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Campaign, type Pairing } from "./campaign.ts";
import { contenders } from "./daemons/index.ts";
import { convergencePlot, documentOf } from "./document.ts";
import { figures } from "./cells.ts";
import { machineFacts } from "./machine.ts";
import { type Options, readOptions, usage, UsageError } from "./options.ts";
import { type Daemon, isWhole, type MicroBenchmark, type Results, type Run } from "./results.ts";
import { measure } from "./run.ts";
import { scenarios } from "./scenarios.ts";

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
    { title: "FIB", argv: isQuick ? ["fib.ts", "1", "20000"] : ["fib.ts"] },
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

/** Every scenario with every daemon that is of interest in it. */
function pairingsOf(names: readonly string[], daemons: readonly Daemon[]): readonly Pairing[] {
  const interesting = contenders.filter(({ key }) => daemons.some((one) => one.key === key));
  return names
    .map((name) => scenarios.get(name))
    .filter((scenario) => scenario !== undefined)
    .flatMap((scenario) =>
      interesting
        .filter((contender) => contender.isMeasuredIn?.(scenario.family) !== false)
        .map((contender) => ({ scenario, contender })),
    );
}

/** Runs what is worth it until the deadline, and calls `note` after every run. */
async function runAll(
  campaign: Campaign,
  timeoutSeconds: number,
  deadlineMs: number,
  note: () => void,
): Promise<void> {
  while (performance.now() < deadlineMs) {
    const pairing = campaign.next();
    if (pairing === undefined) return;
    const { scenario, contender } = pairing;
    const run = await measure(contender, scenario, timeoutSeconds);
    campaign.runs.push(run);
    note();
    const mark = isWhole(run) ? "" : "! ";
    const count = campaign.runsOf(pairing).length;
    say(`${count}  ${scenario.name}  ${contender.name}  ${mark}${outcome(run)}`);
  }
}

/** What a run that ended before its time has left. @throws UsageError when that was another one */
function earlierResults(
  { isResumed, json, timeoutSeconds }: Options,
  daemons: readonly Daemon[],
): Results | undefined {
  if (!isResumed || !existsSync(json)) return undefined;
  const earlier = JSON.parse(readFileSync(json, "utf8")) as Results; // written by `measureAll`
  if (earlier.timeoutSeconds !== timeoutSeconds || !isDeepStrictEqual(earlier.daemons, daemons)) {
    throw new UsageError(`--resume: ${json} is of other daemons, versions or timeouts`);
  }
  return earlier;
}

async function measureAll(options: Options): Promise<Results> {
  const startMs = performance.now();
  const deadlineMs = startMs + options.minutes * 60_000;
  const before = loadavg()[0] ?? 0;
  const daemons = await installed(options.daemons);
  const earlier = earlierResults(options, daemons);
  const micro = earlier?.micro ?? (options.withMicro ? microBenchmarks(options) : []);
  const campaign = new Campaign(pairingsOf(options.scenarios, daemons), options, earlier?.runs);
  const resultsNow = (): Results => ({
    date: new Date().toISOString(),
    machine: machineFacts(),
    loadAverage: [earlier?.loadAverage[0] ?? before, loadavg()[0] ?? 0],
    minutes: (earlier?.minutes ?? 0) + (performance.now() - startMs) / 60_000,
    timeoutSeconds: options.timeoutSeconds,
    daemons,
    scenarios: options.scenarios,
    runs: campaign.runs,
    micro,
  });
  // After every run, so that one that is interrupted is not lost.
  const note = (): void => {
    writeFileSync(options.json, `${JSON.stringify(resultsNow(), undefined, 1)}\n`);
  };
  note();
  await runAll(campaign, options.timeoutSeconds, deadlineMs, note);
  return resultsNow();
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
