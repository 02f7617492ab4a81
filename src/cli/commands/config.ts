import { type ConfigFileKind, configJsonSchema } from "../../config/json-schema.ts";
import { loadNodeConfig } from "../../config/load.ts";
import type { LoadedConfig } from "../../config/node-config.ts";
import { formatProblems } from "../../config/problem.ts";
import { showConfig } from "../../config/show-config.ts";
import { ExitCode } from "../exit-code.ts";
import { UsageError } from "../failure.ts";
import { writeOut } from "../output.ts";
import type { ConfigArguments } from "./arguments.ts";

/** `margay config check FILE | show FILE | schema [node|cluster]`; mistakes go to stderr, one per line, and end in exit code 2. */
export function run(args: ConfigArguments): Promise<number> {
  return args.action === "schema" ? schema(args.file) : checkOrShow(args);
}

async function schema(kind = "node"): Promise<number> {
  if (!isFileKind(kind))
    throw new UsageError(`no such kind of file: ${kind}; give node or cluster`);
  await writeOut(`${JSON.stringify(configJsonSchema(kind), undefined, 2)}\n`);
  return ExitCode.ok;
}

function isFileKind(kind: string): kind is ConfigFileKind {
  return kind === "node" || kind === "cluster";
}

async function checkOrShow({ action, file }: ConfigArguments): Promise<number> {
  if (file === undefined) throw new UsageError(`config ${action} needs the path of a node's file`);
  const loaded = loadNodeConfig(file);
  const problems = loaded.ok ? loaded.warnings : [...loaded.errors, ...loaded.warnings];
  if (problems.length > 0) process.stderr.write(`${formatProblems(problems)}\n`);
  if (!loaded.ok) {
    process.stderr.write(`${file}: ${loaded.errors.length} to mend\n`);
    return ExitCode.usage;
  }
  await writeOut(action === "show" ? showConfig(loaded.config) : summary(file, loaded));
  return ExitCode.ok;
}

function summary(file: string, { config, cluster }: LoadedConfig & { ok: true }): string {
  const { name, address, asn, podCidrs } = config.node;
  const pods = podCidrs.map(({ text }) => text).join(", ");
  const members = `${cluster.members.length} members in a ${cluster.topology === "mesh" ? "mesh" : "cluster with reflectors"}`;
  return `${file}: right: ${name} ${address} AS ${asn}, pods ${pods === "" ? "none" : pods}, ${members}\n`;
}
