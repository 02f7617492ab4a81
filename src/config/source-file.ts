import { readFileSync } from "node:fs";
import type { ConfigProblem } from "./problem.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

const remedies: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a directory: give a file",
  ENOTDIR: "a part of its path is not a directory",
};

/** Reads a YAML file as UTF-8, or says why it cannot be read. Never throws. */
export function readSourceFile(path: string): { source: YamlSource } | { problem: ConfigProblem } {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const problem = { file: path, severity: "error", path: "" } as const;
    return { problem: { ...problem, message: `cannot be read: ${reasonOf(error)}` } };
  }
  return { source: readYaml(path, text) };
}

function reasonOf(error: unknown): string {
  if (error instanceof TypeError) return "it is not UTF-8 text";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return remedies[code] ?? (error instanceof Error ? error.message : String(error));
}
