import { hostname as nodeHostname } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { findMember } from "../cluster/model/cluster-model.ts";
import { type ClusterReading, readClusterFile } from "./cluster-file.ts";
import { readDraft } from "./draft.ts";
import { effectiveConfig } from "./effective-config.ts";
import { type Environment, withEnvironment } from "./environment.ts";
import { checkMembership } from "./membership-checks.ts";
import { checkNode, type NodeDraft } from "./node-checks.ts";
import type { LoadedConfig } from "./node-config.ts";
import { nodeSchema } from "./node-schema.ts";
import { PasswordFiles } from "./password-files.ts";
import { type ConfigProblem, sortProblems } from "./problem.ts";
import { readSchema } from "./read-schema.ts";
import { Report } from "./report.ts";
import { readSourceFile } from "./source-file.ts";

/** What a load takes from the machine; each has the machine's own as default. */
export interface LoadOptions {
  readonly environment?: Environment;
  readonly hostname?: string;
}

/**
 * Reads the node's file and its cluster's, and all that is wrong with either at once. Never throws.
 * @param path of the node's YAML file
 */
export function loadNodeConfig(path: string, options: LoadOptions = {}): LoadedConfig {
  const file = readSourceFile(path);
  if ("problem" in file) return failed([file.problem]);
  if (file.source.problems.length > 0) return failed(file.source.problems);
  const source = withEnvironment(file.source, options.environment ?? process.env);
  const result = readSchema(nodeSchema, source);
  const draft = readDraft(nodeSchema, source.value);
  const report = new Report(source);
  const passwords = new PasswordFiles(dirname(path));
  checkNode(draft, report, passwords);
  const clusterPath = clusterFileOf(draft, path);
  const cluster = clusterPath === undefined ? undefined : readCluster(clusterPath, report);
  const name = draft.node.name ?? options.hostname ?? nodeHostname();
  if (cluster !== undefined) compare({ draft, name, cluster, report });
  const problems = [
    ...("problems" in result ? result.problems : []),
    ...report.problems,
    ...(cluster?.problems ?? []),
  ];
  const model = cluster?.model;
  const member = model && findMember(model, name);
  if ("problems" in result || clusterPath === undefined || problems.some(isError) || !member) {
    return failed(problems);
  }
  const config = effectiveConfig(result.value, member, { clusterPath, passwords });
  return { ok: true, config, cluster: model, warnings: sortProblems(problems) };
}

function isError(problem: ConfigProblem): boolean {
  return problem.severity === "error";
}

function failed(problems: readonly ConfigProblem[]): LoadedConfig {
  const sorted = sortProblems(problems);
  return {
    ok: false,
    errors: sorted.filter(isError),
    warnings: sorted.filter((problem) => !isError(problem)),
  };
}

function clusterFileOf(draft: NodeDraft, nodePath: string): string | undefined {
  const { file } = draft.cluster;
  if (file === undefined) return undefined;
  return isAbsolute(file) ? file : join(dirname(nodePath), file);
}

/** A cluster file that is not there is a mistake of the line that names it. */
function readCluster(path: string, report: Report): ClusterReading {
  const reading = readClusterFile(path);
  if (reading.source !== undefined) return reading;
  for (const { message } of reading.problems) {
    report.error(["cluster", "file"], `${path} ${message}`);
  }
  return { problems: [] };
}

interface Parts {
  readonly draft: NodeDraft;
  readonly name: string;
  readonly cluster: ClusterReading;
  readonly report: Report;
}

function compare({ draft, name, cluster, report }: Parts): void {
  if (cluster.draft === undefined || cluster.source === undefined) return;
  checkMembership({
    config: draft,
    name,
    cluster: cluster.draft,
    report,
    clusterPlaces: new Report(cluster.source),
  });
}
