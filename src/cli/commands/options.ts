import type { Argv } from "yargs";
import { UsageError } from "../failure.ts";
import type { ClientArguments, LogLevel } from "./arguments.ts";

export const logLevels: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error"];

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

const outputs: readonly ClientArguments["output"][] = ["table", "wide", "json"];

/** The options of every command that talks to a daemon. */
export function clientOptions<T>(parser: Argv<T>) {
  const group = "Connection and output:";
  return parser
    .option("socket", {
      group,
      type: "string",
      requiresArg: true,
      describe: "Unix socket of the daemon; else $MARGAY_SOCKET, else /run/margay/margay.sock",
    })
    .option("host", {
      group,
      type: "string",
      requiresArg: true,
      describe: "unix:PATH or ws://127.0.0.1:PORT; else $MARGAY_HOST",
    })
    .option("timeout", {
      group,
      describe: "Seconds to wait for the daemon",
      requiresArg: true,
      default: 10,
      coerce: wholeNumber("timeout", 1, 3600),
    })
    .option("output", {
      group,
      alias: "o",
      requiresArg: true,
      choices: outputs,
      default: "table" as ClientArguments["output"],
      describe: "How to print",
    })
    .option("no-headers", {
      group,
      type: "boolean",
      default: false,
      describe: "Tables without their first line",
    });
}

/** `[PREFIX]` and how to match it. */
export function prefixOptions<T>(parser: Argv<T>) {
  return parser
    .positional("prefix", {
      type: "string",
      describe: "A prefix (that one) or an address (its longest match)",
    })
    .option("longer", {
      type: "boolean",
      default: false,
      describe: "The prefix and all more specific ones",
    })
    .option("exact", {
      type: "boolean",
      default: false,
      describe: "An address as /32 or /128 rather than its longest match",
    })
    .check(({ exact, longer }) => {
      if (exact && longer) throw new UsageError("--exact and --longer exclude each other.");
      return true;
    });
}

/** `-w` */
export function watchOption<T>(parser: Argv<T>) {
  return parser.option("watch", {
    alias: "w",
    type: "boolean",
    default: false,
    describe: "Go on with the changes; with -o json every line is an event",
  });
}
