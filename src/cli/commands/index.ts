/**
 * THE table of commands. A verb is one row here and one file `./<verb>.ts` beside it, which exports
 *
 *     export async function run(args: NodeArguments): Promise<number>
 *
 * and returns the exit code (../exit-code.ts; docs/ERRORS.md). The row describes the options, so that `margay --help`
 * and completion load no command: the file of a verb is imported only when it runs. `run` writes data on stdout and
 * everything else on stderr, never calls `process.exit`, and returns only when its work is over: a daemon's `run` ends
 * after its signal handlers have stopped it. For a mistake of the user throw `UsageError` (../failure.ts), which
 * ends in one sentence on stderr and exit code 2; any other error ends in its message and exit code 1.
 */
import type { Argv } from "yargs";
import { UsageError } from "../failure.ts";
import { daemons } from "./daemons.ts";
import { command, type CommandRow } from "./row.ts";
import {
  checkMatch,
  clientOptions,
  configFile,
  matchOptions,
  outputOptions,
  prefixPositional,
  seconds,
  watchOptions,
  wholeNumber,
} from "./options.ts";

const peerActions = ["disable", "enable", "reset", "soft-in", "soft-out"] as const;
const watchKinds = ["peers", "routes", "fib", "config"] as const;
const shells = ["bash", "zsh", "fish"] as const;
const configActions = ["check", "show", "schema"] as const;
const MAXIMUM_ASN = 2 ** 32 - 1;

export const commands: readonly CommandRow[] = [
  ...daemons,
  command({
    usage: "status",
    describe: "The daemon as a whole: peers, routes, kernel, configuration, what to mend.",
    examples: [
      ["status", ""],
      ["status --check", "one line; exit code 1 when something is unhealthy"],
      ["status -o json | jq .fib", ""],
    ],
    options: (parser: Argv) =>
      parser
        .option("check", {
          type: "boolean",
          default: false,
          describe: "Exit with 1 when a peer is down, a route is refused or a reload has failed",
        })
        .options(clientOptions),
    load: () => import("./status.ts"),
  }),
  command({
    usage: "peers",
    describe: "The BGP peers and their sessions.",
    examples: [
      ["peers", ""],
      ["peers -o wide", "with timers, messages and TCP endpoints"],
      ["peers -w", "and then as they change"],
    ],
    options: (parser: Argv) => parser.options(watchOptions).options(clientOptions),
    load: () => import("./peers.ts"),
  }),
  command({
    usage: "peer <address> [action]",
    describe:
      "Everything about one peer: what was negotiated, and why it was last down. Or does something to its session.",
    examples: [
      ["peer 192.168.1.3", ""],
      ["peer node-b -o json", ""],
      ['peer node-b disable --message "back at noon"', "no session until enable"],
      ["peer node-b soft-in", "import policy again; asks the peer to send its routes again"],
    ],
    options: (parser: Argv) =>
      parser
        .positional("address", {
          type: "string",
          demandOption: true,
          describe: "Address or name of the peer",
        })
        .positional("action", { choices: peerActions, describe: "What to do; else it is shown" })
        .option("message", {
          type: "string",
          requiresArg: true,
          describe: "Tells the peer why, with disable and reset",
        })
        .options(clientOptions)
        .check(({ action, message }) => {
          if (message === undefined || action !== undefined) return true;
          throw new UsageError("--message goes with disable and reset.");
        }),
    load: () => import("./peer.ts"),
  }),
  command({
    usage: "routes [prefix]",
    describe: "The Loc-RIB: every path to every prefix, and why it won or lost.",
    examples: [
      ["routes", "all"],
      ["routes 10.233.2.0/24", "the paths to this prefix"],
      ["routes 10.233.2.7", "the longest match of this address"],
      ["routes 10.233.0.0/16 --longer", "everything inside"],
    ],
    options: (parser: Argv) =>
      parser
        .positional("prefix", prefixPositional)
        .options(matchOptions)
        .options(watchOptions)
        .options(clientOptions)
        .check(checkMatch),
    load: () => import("./routes.ts"),
  }),
  command({
    usage: "fib [prefix]",
    describe: "What we want in the kernel, what is there, and what stands in the way.",
    examples: [
      ["fib", ""],
      ["fib -o wide", "with the kernel's own routes"],
      ["fib 10.233.2.7", "the longest match of this address"],
      ["fib confirm", "remove routes that are kept because too many were to go at once"],
    ],
    options: (parser: Argv) =>
      parser
        .positional("prefix", prefixPositional)
        .options(matchOptions)
        .options(watchOptions)
        .options(clientOptions)
        .check(checkMatch),
    load: () => import("./fib.ts"),
  }),
  command({
    usage: "watch [kinds..]",
    describe: "Changes as they happen, until interrupted.",
    examples: [
      ["watch", "everything"],
      ["watch peers fib", "sessions and kernel routes"],
      ["watch -o json | jq -c .peer", "JSON Lines"],
    ],
    options: (parser: Argv) =>
      parser
        .positional("kinds", {
          array: true,
          choices: watchKinds,
          describe: "Which; else all",
        })
        .options(clientOptions),
    load: () => import("./watch.ts"),
  }),
  command({
    usage: "explain <address>",
    describe: "Why an address is reached as it is, from the session to the kernel.",
    examples: [["explain 10.233.2.7", "session → path → decision → segment → kernel"]],
    options: (parser: Argv) =>
      parser
        .positional("address", {
          type: "string",
          demandOption: true,
          describe: "A destination address",
        })
        .options(clientOptions),
    load: () => import("./explain.ts"),
  }),
  command({
    usage: "plan",
    describe: "What a configuration would change in this kernel, as ip commands; changes nothing.",
    examples: [
      ["plan --config /etc/margay/node.yaml", "with the routes that the daemon has selected"],
      ["plan --config new.yaml --offline", "with those of the cluster's members"],
    ],
    options: (parser: Argv) =>
      parser
        .option("config", configFile("The node's YAML file; docs/CONFIG.md"))
        .option("offline", { type: "boolean", default: false, describe: "Ask no daemon" })
        .option("socket", {
          type: "string",
          requiresArg: true,
          describe: "Unix socket of the daemon; else that of the configuration",
        })
        .option("timeout", clientOptions.timeout),
    load: () => import("./plan.ts"),
  }),
  command({
    usage: "cleanup",
    describe: "Remove our routes from the kernel of this machine; needs no daemon.",
    examples: [["cleanup --dry-run", "show what would go"]],
    options: (parser: Argv) =>
      parser
        .option("protocol", {
          default: 77,
          requiresArg: true,
          describe: "Routing protocol number that our routes bear",
          coerce: wholeNumber("protocol", 1, 255),
        })
        .option("dry-run", { type: "boolean", default: false, describe: "Remove nothing" }),
    load: async () => ({ run: (await import("./cleanup.ts")).cleanup }),
  }),
  command({
    usage: "config <action> [file]",
    describe: "Check or show a configuration file, or print the JSON Schema of one.",
    examples: [
      ["config check node.yaml", "every mistake, with file:line:column; exit code 2"],
      ["config show node.yaml", "with all defaults filled in"],
      ["config schema > margay.schema.json", "for editors"],
    ],
    options: (parser: Argv) =>
      parser
        .positional("action", { choices: configActions, demandOption: true, describe: "What" })
        .positional("file", {
          type: "string",
          describe: "The file; for schema nothing, or one of the words cluster, speaker",
        })
        .check(({ action, file }) => {
          if (action === "schema" || file !== undefined) return true;
          throw new UsageError(`config ${action} takes a FILE.`);
        }),
    load: () => import("./config.ts"),
  }),
  command({
    usage: "decode [file]",
    describe: "Print the BGP messages of a file as JSON, one a line; needs no daemon.",
    examples: [
      ["decode messages.hex", "one message a line, in hexadecimal digits"],
      [
        "decode session.pcap | jq -c 'select(.type == \"update\")'",
        "pcap and pcapng; TCP port 179",
      ],
      ["decode rib.20260101.0000.gz", "MRT: BGP4MP, TABLE_DUMP_V2"],
    ],
    options: (parser: Argv) =>
      parser
        .positional("file", { type: "string", describe: "The file; stdin without, or with -" })
        .option("as4", {
          type: "boolean",
          default: false,
          describe: "AS numbers have four octets, where the file does not tell; the default",
        })
        .option("no-as4", {
          type: "boolean",
          default: false,
          describe: "AS numbers have two octets, where the file does not tell",
        })
        .option("addpath", {
          type: "boolean",
          default: false,
          describe: "Prefixes have path identifiers, where the file does not tell",
        })
        .check(({ as4, noAs4 }) => {
          if (as4 && noAs4) throw new UsageError("--as4 and --no-as4 exclude each other.");
          return true;
        }),
    load: () => import("./decode.ts"),
  }),
  command({
    usage: "replay <file>",
    describe:
      "Give a speaker the inputs that --record wrote down; print its RIBs and a digest of what each peer was sent.",
    examples: [
      ["replay margay.rec", "exit code 1 when it did something else than when it was recorded"],
      ["replay margay.rec --until 12.5", "as it was 12.5 seconds after its start"],
    ],
    options: (parser: Argv) =>
      parser
        .positional("file", {
          type: "string",
          demandOption: true,
          describe: "The recording; it may be compressed with gzip",
        })
        .option("until", {
          requiresArg: true,
          describe: "Seconds from the start of the run at which to stop",
          coerce: seconds("until"),
        })
        .option("run", {
          requiresArg: true,
          describe: "Which of the runs in the file, from 1; else the last",
          coerce: wholeNumber("run", 1, MAXIMUM_ASN),
        })
        .options(outputOptions),
    load: () => import("./replay.ts"),
  }),
  command({
    usage: "completion <shell>",
    describe: "Print a completion script.",
    examples: [
      ["completion bash > /etc/bash_completion.d/margay", ""],
      ["completion fish | source", ""],
    ],
    options: (parser: Argv) =>
      parser.positional("shell", { choices: shells, demandOption: true, describe: "For which" }),
    load: () => import("./completion.ts"),
  }),
];
