import { basename } from "node:path";
import { farOff } from "./campaign.ts";
import {
  type Cell,
  cellOf,
  convergence,
  figures,
  isWrong,
  measured,
  sumOfPhases,
} from "./cells.ts";
import { plot } from "./plot.ts";
import type { Turns } from "./daemons/daemon.ts";
import type { Daemon, Results } from "./results.ts";
import { median } from "./statistics.ts";
import { type Measure, plotted, type Scenario, scenarios } from "./scenarios.ts";

/** The daemon that the others are compared with. */
const ourKey = "margay";

/** A row of cells, one for each daemon. */
interface Row {
  readonly title: string;
  readonly cellOf: (daemon: string) => Cell;
  readonly format: (value: number) => string;
}

function seconds(value: number): string {
  return value < 1 ? `${figures(value * 1000)} ms` : `${figures(value)} s`;
}

/** Those that came to run. */
function scenariosOf(results: Results): readonly Scenario[] {
  const ran = new Set(results.runs.map(({ scenario }) => scenario));
  return results.scenarios
    .filter((name) => ran.has(name))
    .map((name) => scenarios.get(name))
    .filter((one) => one !== undefined);
}

function table(daemons: readonly Daemon[], rows: readonly Row[], withRatios: boolean): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(["", ...daemons.map(({ name }) => (name === ourKey ? `**${name}**` : name))]),
    line(["---", ...daemons.map(() => "---:")]),
    ...rows.map(({ title, cellOf: cellFor, format }) => {
      const ours = cellFor(ourKey).value;
      return line([
        title,
        ...daemons.map(({ key }) => {
          const cell = cellFor(key);
          const isCompared = withRatios && key !== ourKey && ours !== undefined;
          return cellText(cell, format, isCompared ? ours : undefined);
        }),
      ]);
    }),
  ].join("\n");
}

function cellText(cell: Cell, format: (value: number) => string, ours?: number): string {
  if (cell.value === undefined) return cell.remark;
  const ratio = ours === undefined || ours === 0 ? "" : ` (${figures(cell.value / ours)} ×)`;
  const remark = cell.remark === "" ? "" : ` ⚠ ${cell.remark}`;
  return `${format(cell.value)}${ratio}${remark}`;
}

function timeRow(results: Results, scenario: Scenario, measure: Measure): Row {
  return {
    title: measure.title,
    cellOf: (daemon) => {
      const cell = cellOf(results, scenario.name, daemon, measured(measure));
      // Why there is no time is said once, in the scenario's first row.
      const isFirst = measure === scenario.measures[0];
      return cell.value === undefined && !isFirst ? { ...cell, remark: "–" } : cell;
    },
    format: measure.value === "seconds" ? seconds : (value) => `${figures(value)} ms`,
  };
}

function scenarioRows(
  results: Results,
  read: Parameters<typeof cellOf>[3],
  format: (value: number) => string,
): readonly Row[] {
  return scenariosOf(results).map(({ name }) => ({
    title: name,
    cellOf: (daemon) => {
      const cell = cellOf(results, name, daemon, read);
      return cell.value === undefined ? { ...cell, remark: "–" } : { ...cell, remark: "" };
    },
    format,
  }));
}

/** How often cells were measured: `most` times, but for those that are listed by how often they were. */
function samplesText(results: Results): string {
  const counts = scenariosOf(results).flatMap((scenario) =>
    results.daemons.map((daemon) => ({
      name: `${scenario.name} of ${daemon.name}`,
      samples: convergence(results, scenario, daemon.key).samples,
    })),
  );
  const bySamples = [...Map.groupBy(counts, ({ samples }) => samples)]
    .filter(([samples]) => samples > 0)
    .toSorted(([a], [b]) => b - a);
  const [[most] = [0], ...fewer] = bySamples;
  const text = `Medians of ${most} ${most === 1 ? "run" : "runs"}`;
  if (fewer.length === 0) return `${text}.`;
  const lists = fewer.map(
    ([samples, cells]) => `${samples} of ${cells.map(({ name }) => name).join(", ")}`,
  );
  return `${text}; ${lists.join("; ")}.`;
}

/** What was wrong in what a daemon sent, per daemon. */
function faults(results: Results): readonly string[] {
  return results.runs.flatMap(({ daemon, report, scenario }) => {
    if (report === undefined || !isWrong(report)) return [];
    const counts = Object.entries(report.violations).filter(([, count]) => count > 0);
    return [`- ${daemon} in ${scenario}: ${counts.map((entry) => entry.join(" ")).join(", ")}`];
  });
}

/** Convergence time against clients, or undefined when too little was measured to draw. */
export function convergencePlot(results: Results): string | undefined {
  const series = results.daemons.map(({ key, name }) => ({
    name,
    points: plotted.flatMap((scenario) => {
      const y = convergence(results, scenario, key).value;
      return y === undefined ? [] : [{ x: scenario.size, y }];
    }),
  }));
  if (series.every(({ points }) => points.length < 2)) return undefined;
  return plot(series, {
    title: "Until all clients hold all routes",
    xTitle: "clients, each announcing four /26 at one signal (2,000: one each)",
    yTitle: "seconds",
    xMarks: plotted.map(({ size }) => size),
  });
}

function heading(results: Results): string {
  const { date, daemons, loadAverage, machine, minutes } = results;
  const versions = daemons.filter(({ key }) => key !== "floor" && key !== "frr-tuned");
  return `# Benchmarks

Made by \`npm run bench\` on ${date.slice(0, 10)} in ${Math.ceil(minutes)} minutes, all daemons side by side in one run: ${versions
    .map(({ name, version }) => `${name} ${version}`)
    .join(", ")}.
${machine.processor}, ${machine.processors} processors, ${machine.memoryGib} GiB; ${machine.system}, Linux ${machine.kernel}, Node ${machine.node}.
Load average before and after: ${loadAverage.map((load) => load.toFixed(2)).join(" and ")}. Seconds differ from machine to machine
and from hour to hour; the ratios within one run are what counts.`;
}

function method({ daemons, timeoutSeconds }: Results): string {
  const tuned = daemons.some(({ key }) => key === "frr-tuned")
    ? " FRR holds a first dump back for longer the more peers it has; `coalesce-time 1000` is how its users shorten that."
    : "";
  return `Every daemon runs alone in a network namespace, as an iBGP route reflector that all clients connect to and that installs
no routes. The tester in \`bench/tester/\` plays the clients: it encodes all it will say beforehand, notes the octets that come
and when, and checks afterwards that every client held exactly the prefixes it must, each with its own next hop, ORIGINATOR_ID,
CLUSTER_LIST and attributes. **floor** is the tester against a reflector that keeps no RIB: what tester, TCP and Node.js take by
themselves.${tuned} Daemon and tester have precedence over all
else on the machine (a niceness of -10). A phase may take ${timeoutSeconds} s; who does not get there is not asked again, nor for more
clients, nor is who has taken so long for fewer. Who is slow, or takes more than ${farOff} times as
long as margay, is measured fewer times.`;
}

function times(results: Results): string {
  const rows = scenariosOf(results).flatMap((scenario) =>
    scenario.measures.map((measure) => timeRow(results, scenario, measure)),
  );
  const what = scenariosOf(results).map(({ description, name }) => `- **${name}**: ${description}`);
  return `## Time

${table(results.daemons, rows, true)}

In parentheses: as a multiple of margay's. ${samplesText(results)}

${what.join("\n")}`;
}

function resources(results: Results): string {
  const mebibytes = (octets: number): string => `${figures(octets / 2 ** 20)} MiB`;
  const peak = scenarioRows(
    results,
    ({ failure, peakRssOctets }) => (failure === undefined ? peakRssOctets : undefined),
    mebibytes,
  );
  const cpu = scenarioRows(
    results,
    sumOfPhases(({ cpuSeconds }) => cpuSeconds),
    seconds,
  );
  const own = scenarioRows(
    results,
    sumOfPhases(({ testerCpuSeconds }) => testerCpuSeconds),
    seconds,
  );
  return `## Memory

The most physical memory that the daemon's processes ever held (VmHWM), start and both phases.

${table(results.daemons, peak, true)}

## Processor time

Of the daemon's processes in the measured phases, connecting and waiting left out. It is counted in hundredths of a second.

${table(results.daemons, cpu, false)}

Of the tester, for comparison, without its checking:

${table(results.daemons, own, false)}`;
}

/** How long those who count their turns took for one; undefined where nobody does. */
function turnTimes({ runs, scenarios: names }: Results): string | undefined {
  const rows = names.flatMap((name) => {
    const turns = runs
      .filter(({ scenario }) => scenario === name)
      .flatMap((run) => run.turns ?? []);
    if (turns.length === 0) return [];
    const of = (read: (one: Turns) => number): string => `${figures(median(turns.map(read)))} ms`;
    return [`| ${name} | ${of(({ p99Ms }) => p99Ms)} | ${of(({ maximumMs }) => maximumMs)} |`];
  });
  if (rows.length === 0) return undefined;
  return `## Turns of the event loop

What margay says of itself (\`margay status\`): in a turn no other socket is read and no timer fires, so it is what a keepalive may
be late. Of all turns of a run 99 in 100 took no longer than the first, and the longest the second; medians. That is with all
clients' connecting, and with the end of the tester, when all sessions are lost at once.

|  | p99 | longest |
| --- | ---: | ---: |
${rows.join("\n")}`;
}

/** The whole document, in Markdown. `plotFile` is the plot's name beside it, if there is one. */
export function documentOf(results: Results, plotFile: string | undefined): string {
  const wrong = faults(results);
  const turns = turnTimes(results);
  const parts = [
    heading(results),
    method(results),
    ...(results.runs.length === 0 ? [] : [times(results)]),
    ...(plotFile === undefined
      ? []
      : [
          `## Convergence against clients

![Convergence time against number of clients](${basename(plotFile)})

A line ends where its daemon did not get there in ${results.timeoutSeconds} s.`,
        ]),
    ...(results.runs.length === 0 ? [] : [resources(results)]),
    ...(turns === undefined ? [] : [turns]),
    ...(wrong.length === 0 ? [] : [`## Wrong routes\n\n${wrong.join("\n")}`]),
    ...results.micro.map(({ text, title }) => `## ${title}\n\n\`\`\`\n${text.trimEnd()}\n\`\`\``),
  ];
  return `${parts.join("\n\n")}\n`;
}
