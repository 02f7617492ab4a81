import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { loadNodeConfig } from "../../../src/config/load.ts";
import type { LoadedConfig } from "../../../src/config/node-config.ts";
import { formatProblem, sortProblems } from "../../../src/config/problem.ts";

export const goodNode = `node: { name: a1 }
cluster: { file: cluster.yaml }
`;

export const goodCluster = `podPools: [10.233.0.0/16]
members:
  - { name: a1, address: 192.168.1.2, podCidrs: [10.233.1.0/24] }
  - { name: a2, address: 192.168.1.3, podCidrs: [10.233.2.0/24] }
`;

/** A directory of its own for one test, with these files. */
export function configDirectory(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "margay-config-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

export interface Files {
  readonly node?: string;
  readonly cluster?: string;
  readonly environment?: Record<string, string>;
}

/** Loads node.yaml and cluster.yaml with these contents; what is not given is good. */
export function load(t: TestContext, files: Files): LoadedConfig {
  const directory = configDirectory(t, {
    "node.yaml": files.node ?? goodNode,
    "cluster.yaml": files.cluster ?? goodCluster,
  });
  const options = { environment: files.environment ?? {}, hostname: "host" };
  return loadNodeConfig(join(directory, "node.yaml"), options);
}

/** Every problem as the user sees it, the directory left out. */
export function problemsOf(t: TestContext, files: Files): string[] {
  const loaded = load(t, files);
  const problems = loaded.ok ? loaded.warnings : [...loaded.errors, ...loaded.warnings];
  return sortProblems(problems).map((problem) =>
    formatProblem(problem).replaceAll(/\/\S*\/margay-config-[^/]+\//g, ""),
  );
}
