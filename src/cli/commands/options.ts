import { UsageError } from "../failure.ts";
import type { ClientArguments, LogLevel } from "./arguments.ts";

export const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];

/** `--log-level`, of who has a configuration that says so too. */
export const logLevelOption = {
  choices: logLevels,
  requiresArg: true,
  describe: "Instead of what the configuration says",
} as const;

/** `--cleanup` of who programs routes. */
export const cleanupOption = {
  type: "boolean",
  default: false,
  describe: "Remove our routes from the kernel at the end; otherwise they stay",
} as const;

interface ConfigFile {
  readonly type: "string";
  readonly demandOption: true;
  readonly requiresArg: true;
  readonly describe: string;
}

/** `--config FILE` */
export function configFile(describe: string): ConfigFile {
  return { type: "string", demandOption: true, requiresArg: true, describe };
}

/** Reads a whole number in a range; anything else is a mistake of the user. */
export function wholeNumber(
  name: string,
  minimum: number,
  maximum: number,
): (value: string | number | undefined) => number {
  return (value) => {
    const number = Number(value);
    if (
      typeof value !== "boolean" &&
      Number.isInteger(number) &&
      number >= minimum &&
      number <= maximum
    ) {
      return number;
    }
    throw new UsageError(
      `--${name} takes a whole number from ${minimum} to ${maximum}, not "${value}".`,
    );
  };
}

/** Reads seconds, whole or not; anything else is a mistake of the user. */
export function seconds(name: string): (value: string | number | undefined) => number {
  return (value) => {
    const number = Number(value);
    if (typeof value !== "boolean" && number >= 0 && number < Number.POSITIVE_INFINITY) {
      return number;
    }
    throw new UsageError(`--${name} takes seconds, like 12.5, not "${value}".`);
  };
}

/** `--record FILE` */
export const recordOption = {
  type: "string",
  requiresArg: true,
  describe: "Append all that happens to the speaker to this file, for margay replay; no passwords",
} as const;

const outputs: readonly ClientArguments["output"][] = ["table", "wide", "json"];

const group = "Connection and output:";

/** How to print. */
export const outputOptions = {
  output: {
    group,
    alias: "o",
    requiresArg: true,
    choices: outputs,
    default: "table",
    describe: "How to print",
  },
  "no-headers": {
    group,
    type: "boolean",
    default: false,
    describe: "Tables without their first line",
  },
} as const;

/** The options of every command that talks to a daemon. */
export const clientOptions = {
  socket: {
    group,
    type: "string",
    requiresArg: true,
    describe: "Unix socket of the daemon; else $MARGAY_SOCKET, else /run/margay/margay.sock",
  },
  host: {
    group,
    type: "string",
    requiresArg: true,
    describe: "unix:PATH or ws://127.0.0.1:PORT; else $MARGAY_HOST",
  },
  timeout: {
    group,
    describe: "Seconds to wait for the daemon",
    requiresArg: true,
    default: 10,
    coerce: wholeNumber("timeout", 1, 3600),
  },
  ...outputOptions,
} as const;

/** `[PREFIX]` */
export const prefixPositional = {
  type: "string",
  describe: "A prefix (that one) or an address (its longest match)",
} as const;

/** How to match `[PREFIX]`. */
export const matchOptions = {
  longer: {
    type: "boolean",
    default: false,
    describe: "The prefix and all more specific ones",
  },
  exact: {
    type: "boolean",
    default: false,
    describe: "An address as /32 or /128 rather than its longest match",
  },
} as const;

/** For yargs' `check` beside `matchOptions`. */
export function checkMatch({ exact, longer }: { exact: boolean; longer: boolean }): true {
  if (exact && longer) throw new UsageError("--exact and --longer exclude each other.");
  return true;
}

/** `-w` */
export const watchOptions = {
  watch: {
    alias: "w",
    type: "boolean",
    default: false,
    describe: "Go on with the changes; with -o json every line is an event",
  },
} as const;
