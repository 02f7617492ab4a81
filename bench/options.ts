import { parseArgs } from "node:util";
import { contenders } from "./daemons/index.ts";
import { quickScenarios, scenarios, usualScenarios } from "./scenarios.ts";

export interface Options {
  readonly isQuick: boolean;
  /** How often each scenario runs against each daemon, if the time allows. */
  readonly runs: number;
  readonly scenarios: readonly string[];
  /** Keys. */
  readonly daemons: readonly string[];
  readonly withMicro: boolean;
  readonly timeoutSeconds: number;
  /** No run begins after so long. */
  readonly minutes: number;
  /** The document, or undefined for standard output. */
  readonly output: string | undefined;
  /** The raw results. */
  readonly json: string;
  /** Are the raw results there already the beginning of this run? */
  readonly isResumed: boolean;
  /** Raw results to make a document of, instead of measuring. */
  readonly from: string | undefined;
}

export const usage = `npm run bench [-- OPTION …]

Measures margay beside FRR, BIRD, OpenBGPD and GoBGP, as far as they are installed, each alone in a network namespace with
a tester that plays their clients, and writes docs/BENCHMARKS.md. Needs root. Takes 45 minutes at most.

  --quick              a small selection once, in two minutes, to standard output
  --runs N             runs of each scenario against each daemon; medians are shown       (default 5; quick: 1)
  --scenarios A,B,…    ${[...scenarios.keys()].join(" ").replace(/(.{60,75}) /g, "$1\n                       ")}
  --daemons A,B,…      ${contenders.map(({ key }) => key).join(" ")}
  --no-micro           without codec, RIB and FIB
  --timeout SECONDS    what a phase of a run may take; who needs longer is asked no more  (default 35; quick: 8)
  --minutes N          no run begins after so long                                        (default 43; quick: 1.5)
  --output FILE        where the document goes; its plot goes beside it                   (default docs/BENCHMARKS.md)
  --json FILE          where the raw results go                                           (default bench/results.json; quick: bench/results-quick.json)
  --resume             go on with the raw results of a run that ended before its time
  --from FILE          make the document from raw results of an earlier run
  --help               this text
`;

/** An argument that cannot be meant. */
export class UsageError extends Error {}

/** @returns undefined when help is wanted @throws UsageError */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const isQuick = values.quick === true;
  const output = values.output ?? (isQuick ? undefined : "docs/BENCHMARKS.md");
  return {
    isQuick,
    runs: positive("--runs", values.runs, isQuick ? 1 : 5),
    scenarios: names(
      "--scenarios",
      values.scenarios,
      [...scenarios.keys()],
      isQuick ? quickScenarios : usualScenarios,
    ),
    daemons: names(
      "--daemons",
      values.daemons,
      contenders.map(({ key }) => key),
    ),
    withMicro: values["no-micro"] !== true,
    timeoutSeconds: positive("--timeout", values.timeout, isQuick ? 8 : 35),
    minutes: positive("--minutes", values.minutes, isQuick ? 1.5 : 43),
    output,
    json: values.json ?? (isQuick ? "bench/results-quick.json" : "bench/results.json"),
    isResumed: values.resume === true,
    from: values.from,
  };
}

interface Values {
  readonly help?: boolean;
  readonly quick?: boolean;
  readonly "no-micro"?: boolean;
  readonly runs?: string;
  readonly scenarios?: string;
  readonly daemons?: string;
  readonly timeout?: string;
  readonly minutes?: string;
  readonly output?: string;
  readonly json?: string;
  readonly resume?: boolean;
  readonly from?: string;
}

function parse(args: readonly string[]): Values {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ help: flag, quick: flag, "no-micro": flag, resume: flag },
        ...{ runs: text, scenarios: text, daemons: text, timeout: text, minutes: text },
        ...{ output: text, json: text, from: text },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function positive(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`${option} ${text}: a number greater than 0 is meant`);
  return value;
}

/** A list of known names in the order of `known`, or else `otherwise` as it is. */
function names(
  option: string,
  text: string | undefined,
  known: readonly string[],
  otherwise: readonly string[] = known,
): readonly string[] {
  if (text === undefined) return otherwise;
  const wanted = text.split(",");
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(`${option}: no ${unknown.join(", ")}; there are ${known.join(", ")}`);
  }
  return known.filter((name) => wanted.includes(name));
}
