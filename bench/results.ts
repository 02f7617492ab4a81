import type { Turns } from "./daemons/daemon.ts";
import type { Report } from "./tester/report.ts";

/** Did the run end with every phase complete? */
export function isWhole({ report }: Run): boolean {
  return report !== undefined && report.failure === undefined;
}

/** One run of one scenario against one daemon. */
export interface Run {
  /** The key of the daemon. */
  readonly daemon: string;
  readonly scenario: string;
  /** Absent when there was nothing to measure: `failure` says why. */
  readonly report?: Report;
  readonly failure?: string;
  /** Of a daemon that counts them. */
  readonly turns?: Turns;
  /** With starting and stopping. */
  readonly wallSeconds: number;
}

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
}

export interface Daemon {
  readonly key: string;
  readonly name: string;
  readonly version: string;
}

/** What a program of bench/ printed. */
export interface MicroBenchmark {
  readonly title: string;
  readonly text: string;
}

/** All that a document is made of. */
export interface Results {
  /** ISO 8601 */
  readonly date: string;
  readonly machine: Machine;
  /** Of one minute, before and after. */
  readonly loadAverage: readonly [before: number, after: number];
  readonly minutes: number;
  readonly timeoutSeconds: number;
  /** In the order of columns. */
  readonly daemons: readonly Daemon[];
  /** Names, in the order of rows. */
  readonly scenarios: readonly string[];
  readonly runs: readonly Run[];
  readonly micro: readonly MicroBenchmark[];
}
