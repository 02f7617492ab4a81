/** Where something stands in a file, as editors count. */
export interface Place {
  /** As the user named it; `environment` for what an environment variable gave. */
  readonly file: string;
  /** From 1; absent when the file as a whole is meant. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
}

/** One mistake (or doubt) in the configuration. */
export interface ConfigProblem extends Place {
  /** A warning does not keep the configuration from being used. */
  readonly severity: "error" | "warning";
  /** `members[1].podCidrs[0]`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, a colon, what would be right. */
  readonly message: string;
}

/** Keys and indexes that lead from the root of a document to a value. */
export type ConfigPath = readonly (string | number)[];

/** `members[1].podCidrs[0]` */
export function formatPath(path: ConfigPath): string {
  return path
    .map((step, index) =>
      typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${step}`,
    )
    .join("");
}

/** `cluster.yaml:7:5`, with what is known of it. */
export function formatPlace(place: Place): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
}

/** `file:line:col: path: what is wrong: what would be right`, in one line. */
export function formatProblem(problem: ConfigProblem): string {
  const warning = problem.severity === "warning" ? "warning" : "";
  return [formatPlace(problem), warning, problem.path, problem.message]
    .filter((part) => part !== "")
    .join(": ");
}

/** One line per problem, by file (in the order of their first problem) and place. */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  return sortProblems(problems).map(formatProblem).join("\n");
}

/** By file in the order given, then by line and column. */
export function sortProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const files = [...new Set(problems.map((problem) => problem.file))];
  return problems.toSorted(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}
