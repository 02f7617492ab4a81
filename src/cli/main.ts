import yargs, { type Argv } from "yargs";
import { margayVersion } from "../api/version.ts";
import { commands } from "./commands/index.ts";
import { ExitCode } from "./exit-code.ts";
import { CliFailure, UsageError } from "./failure.ts";
import { usageMessage } from "./usage-message.ts";

const intro = `margay distributes the routes of a cluster's pods: it announces this node's pod CIDRs over BGP, learns
those of the others, and writes them into the kernel.

Usage: margay <command>`;

const epilogue = `Commands that ask a daemon take --socket or --host, -o table|wide|json and --no-headers.
"margay <command> --help" says more. Exit codes: 0 ok, 1 failed or unhealthy, 2 usage, 3 not found,
4 no daemon, 5 refused, 6 timeout, 130 interrupted.`;

/** Widest useful line of help. */
const HELP_COLUMNS = 110;

/**
 * Runs one command line. Sets `process.exitCode` rather than exiting, so that what was written still leaves.
 * @param argv without the program's name
 */
export async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on("error", endOnBrokenPipe);
  try {
    process.exitCode = await execute(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

async function execute(argv: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.ok;
  const parser = yargs([...argv])
    .scriptName("margay")
    .locale("en")
    .usage(intro)
    .epilogue(epilogue)
    .example("$0 node --config /etc/margay/node.yaml", "run a node")
    .example("$0 peers", "are the sessions up?")
    .example("$0 explain 10.233.2.7", "why is this address (not) reached?")
    .parserConfiguration({ "boolean-negation": false, "greedy-arrays": false })
    .version(margayVersion())
    .help()
    .alias("help", "h")
    .strict()
    .demandCommand(1, 1, 'Which command? "margay --help" lists them.')
    .exitProcess(false);
  parser.wrap(Math.min(HELP_COLUMNS, parser.terminalWidth()));
  parser.fail((message, error) => {
    // YError: yargs wraps what a `coerce` throws.
    if (error instanceof Error && error.name !== "YError") throw error;
    throw new UsageError(describeMistake(error?.message ?? message, parser, argv));
  });
  for (const row of commands) {
    row.register(parser, (code) => {
      exitCode = code;
    });
  }
  await parser.parseAsync();
  return exitCode;
}

function describeMistake(message: string, parser: Argv, argv: readonly string[]): string {
  const verbs = commands.map((row) => row.verb);
  // Public in yargs but missing from its types.
  const { key } = (parser as unknown as { getOptions(): { key: object } }).getOptions();
  const options = Object.keys(key).filter((name) => name.length > 1);
  const row = commands.find(({ verb }) => argv.includes(verb));
  const positionals = [...(row?.usage ?? "").matchAll(/[<[](\w+)/g)].map((found) => `${found[1]}`);
  const sentence = usageMessage({ message, verbs, options, positionals, argv });
  const help = row === undefined ? "margay --help" : `margay ${row.verb} --help`;
  return sentence.includes("--help") ? sentence : `${sentence} "${help}" says more.`;
}

/** Says on stderr what went wrong; returns the exit code. */
function report(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`margay: ${message}\n`);
  const { MARGAY_DEBUG: debug } = process.env;
  if (debug !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return error instanceof CliFailure ? error.exitCode : ExitCode.failed;
}

/** `margay routes | head` is no error; anything else on stdout is. */
function endOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit();
  report(error);
  process.exit(ExitCode.failed);
}
