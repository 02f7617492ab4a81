import type { ClusterModel } from "../cluster/model/cluster-model.ts";
import { checkCluster, type ClusterDraft } from "./cluster-checks.ts";
import { type ClusterFile, clusterSchema } from "./cluster-schema.ts";
import { readDraft } from "./draft.ts";
import { type ConfigProblem, sortProblems } from "./problem.ts";
import { readSchema } from "./read-schema.ts";
import { Report } from "./report.ts";
import { readSourceFile } from "./source-file.ts";
import type { YamlSource } from "./yaml-source.ts";

/** A cluster file that was read, rightly or not. */
export interface ClusterReading {
  /** Absent when the file cannot be read at all. */
  readonly source?: YamlSource;
  /** What could be read of it; absent when it is not YAML. */
  readonly draft?: ClusterDraft;
  /** Present when `problems` holds no error. */
  readonly model?: ClusterModel;
  readonly problems: readonly ConfigProblem[];
}

/** Reads the cluster file and all that is wrong with it. Never throws. */
export function readClusterFile(path: string): ClusterReading {
  const file = readSourceFile(path);
  if ("problem" in file) return { problems: [file.problem] };
  const { source } = file;
  if (source.problems.length > 0) return { source, problems: source.problems };
  const result = readSchema(clusterSchema, source);
  const draft = readDraft(clusterSchema, source.value);
  const report = new Report(source);
  checkCluster(draft, report);
  const problems = sortProblems([
    ...("problems" in result ? result.problems : []),
    ...report.problems,
  ]);
  const usable = "value" in result && problems.every(({ severity }) => severity === "warning");
  return { source, draft, problems, ...(usable && { model: toModel(result.value) }) };
}

function toModel(file: ClusterFile): ClusterModel {
  const { asn, podPools, topology } = file;
  return {
    asn,
    podPools,
    poolSettings: file.poolSettings,
    topology,
    members: file.members.map((member) => ({ ...member, asn: member.asn ?? asn })),
    reflectors: file.reflectors.map((reflector) => ({ ...reflector, asn: reflector.asn ?? asn })),
  };
}
