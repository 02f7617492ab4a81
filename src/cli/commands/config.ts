import { type ConfigFileKind, configJsonSchema } from "../../config/json-schema.ts";
import { loadNodeConfig } from "../../config/load.ts";
import { isSpeakerFile, loadSpeaker } from "../../config/load-speaker.ts";
import type { LoadedConfig } from "../../config/node-config.ts";
import { type ConfigProblem, formatProblems } from "../../config/problem.ts";
import { showConfig, showSpeaker } from "../../config/show-config.ts";
import type { LoadedSpeaker } from "../../config/speaker-settings.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../failure.ts";
import { writeOut } from "../output.ts";
import type { ConfigArguments } from "./arguments.ts";

/** `margay config check FILE | show FILE | schema [node|cluster|speaker]`; mistakes go to stderr, one per line, and end in exit code 2. */
export function run(args: ConfigArguments): Promise<number> {
  return args.action === "schema" ? schema(args.file) : checkOrShow(args);
}

async function schema(kind = "node"): Promise<number> {
  if (!isFileKind(kind))
    throw new UsageError(`no such kind of file: ${kind}; give node, cluster or speaker`);
  await writeOut(`${JSON.stringify(configJsonSchema(kind), undefined, 2)}\n`);
  return ExitCode.ok;
}

function isFileKind(kind: string): kind is ConfigFileKind {
  return kind === "node" || kind === "cluster" || kind === "speaker";
}

/** What loading a file came to, whichever kind it is. */
interface Outcome {
  readonly problems: readonly ConfigProblem[];
  /** How many of them keep it from being used. */
  readonly errors: number;
  /** The file in force as YAML, and in a line. */
  readonly shown: string;
  readonly summary: string;
}

async function checkOrShow({ action, file }: ConfigArguments): Promise<number> {
  if (file === undefined) throw new UsageError(`config ${action} needs the path of a file`);
  const outcome = isSpeakerFile(file) ? loadSpeakerFile(file) : loadNodeFile(file);
  const { problems, errors } = outcome;
  if (problems.length > 0) process.stderr.write(`${formatProblems(problems)}\n`);
  if (errors > 0) {
    process.stderr.write(`${file}: ${errors} to mend\n`);
    return ExitCode.usage;
  }
  await writeOut(action === "show" ? outcome.shown : `${file}: right: ${outcome.summary}\n`);
  return ExitCode.ok;
}

function loadNodeFile(file: string): Outcome {
  const loaded = loadNodeConfig(file);
  if (!loaded.ok) return failed(loaded);
  const shown = showConfig(loaded.config);
  return { problems: loaded.warnings, errors: 0, shown, summary: nodeSummary(loaded) };
}

function loadSpeakerFile(file: string): Outcome {
  const loaded = loadSpeaker(file);
  if (!loaded.ok) return failed(loaded);
  const { routerId, asn, peers, ranges } = loaded.settings;
  const summary = `speaker ${routerId} AS ${asn}, ${peers.length} peers, ${ranges.length} ranges`;
  return { problems: loaded.warnings, errors: 0, shown: showSpeaker(loaded.settings), summary };
}

function failed({ errors, warnings }: (LoadedConfig | LoadedSpeaker) & { ok: false }): Outcome {
  return { problems: [...errors, ...warnings], errors: errors.length, shown: "", summary: "" };
}

function nodeSummary({ config, cluster }: LoadedConfig & { ok: true }): string {
  const { name, address, asn, podCidrs } = config.node;
  const pods = podCidrs.map(({ text }) => text).join(", ");
  const members = `${cluster.members.length} members in a ${cluster.topology === "mesh" ? "mesh" : "cluster with reflectors"}`;
  return `${name} ${address} AS ${asn}, pods ${pods === "" ? "none" : pods}, ${members}`;
}
