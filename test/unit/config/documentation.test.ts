import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { environmentOverrides } from "../../../src/config/environment.ts";
import { type ConfigFileKind, configJsonSchema } from "../../../src/config/json-schema.ts";
import { loadNodeConfig } from "../../../src/config/load.ts";
import { loadSpeaker } from "../../../src/config/load-speaker.ts";
import { formatProblems } from "../../../src/config/problem.ts";
import { configDirectory } from "./config-files.ts";

const root = join(import.meta.dirname, "../../..");
const documentation = readFileSync(join(root, "docs/CONFIG.md"), "utf8");

interface JsonSchema {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
}

interface Setting {
  readonly path: string;
  /** As the documentation should have it; undefined where code computes it. */
  readonly fallback: string | undefined;
}

/** Every setting of a file, with its default as the schema has it. */
function settingsOf(schema: JsonSchema, at = "", required = true): Setting[] {
  const children = Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    settingsOf(child, at === "" ? key : `${at}.${key}`, schema.required?.includes(key) ?? false),
  );
  if (schema.properties !== undefined) return children;
  const items = schema.items?.properties === undefined ? [] : settingsOf(schema.items, `${at}[]`);
  const { default: value } = schema;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const fallback = value === undefined ? (required ? "required" : undefined) : `\`${text}\``;
  return [{ path: at, fallback }, ...items];
}

/** Rows `| key | default | … |` of the section under this heading. */
function rowsUnder(heading: string): Map<string, string> {
  const section = documentation.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.matchAll(/^\| `([^`]+)` \| ([^|]*) \| [^|]+ \|$/gm);
  return new Map([...rows].map(([, key = "", value = ""]) => [key, value.trim()]));
}

/** Options stand in one place, whether they are a peer's, a group's or a range's. */
const optionRows = rowsUnder("Options of a peer");

function optionOf(path: string): string {
  return path.replace(/^(peers|ranges)\[\]\./, "");
}

test("docs/CONFIG.md has no option of a peer that is none", () => {
  const options = new Set(
    settingsOf(configJsonSchema("speaker")).map(({ path }) => optionOf(path)),
  );
  assert.deepEqual(
    [...optionRows.keys()].filter((key) => !options.has(key)),
    [],
  );
});

for (const [kind, heading] of [
  ["node", "The node's file"],
  ["cluster", "The cluster file"],
  ["speaker", "The speaker's file"],
] satisfies [ConfigFileKind, string][]) {
  test(`docs/CONFIG.md has every setting of the ${kind} file, its default, and nothing else`, () => {
    const settings = settingsOf(configJsonSchema(kind));
    assert.ok(settings.length > 10);
    const rows = rowsUnder(heading);
    for (const { path, fallback } of settings) {
      const documented = rows.get(path) ?? optionRows.get(optionOf(path));
      assert.ok(documented !== undefined, `${path} is not documented`);
      if (fallback !== undefined) assert.equal(documented, fallback, path);
      else assert.notEqual(documented, "required", path);
    }
    const known = new Set([
      ...settings.map(({ path }) => path),
      "both",
      "higher",
      "lower",
      "calico",
    ]);
    assert.deepEqual(
      [...rows.keys()].filter((key) => !known.has(key)),
      [],
    );
  });
}

test("docs/CONFIG.md has every environment variable and what it overrides", () => {
  for (const [variable, path] of Object.entries(environmentOverrides)) {
    assert.ok(documentation.includes(`| \`${variable}\` | \`${path.join(".")}\` |`), variable);
  }
});

test("the examples of docs/CONFIG.md load without a word", (t) => {
  const blocks = [...documentation.matchAll(/^```yaml\n# (\S+)\n([^]*?)^```$/gm)];
  const nodes = blocks.filter(([, name]) => name === "node.yaml").map(([, , text = ""]) => text);
  const clusters = blocks
    .filter(([, name]) => name === "cluster.yaml")
    .map(([, , text = ""]) => text);
  assert.ok(nodes.length >= 2);
  assert.equal(nodes.length, clusters.length);
  for (const [index, node] of nodes.entries()) {
    const files = { "node.yaml": node, "cluster.yaml": clusters[index] ?? "" };
    assertLoads(join(configDirectory(t, files), "node.yaml"));
  }
});

test("the speakers of docs/CONFIG.md load without a word", (t) => {
  const blocks = [...documentation.matchAll(/^```yaml\n# speaker.yaml\n([^]*?)^```$/gm)];
  assert.ok(blocks.length >= 2);
  for (const [, text = ""] of blocks) {
    const loaded = loadSpeaker(join(configDirectory(t, { "speaker.yaml": text }), "speaker.yaml"));
    assert.equal(formatProblems(loaded.ok ? loaded.warnings : loaded.errors), "");
  }
});

test("the examples of lab/examples load without a word", () => {
  const files = globSync("lab/examples/*/node.yaml", { cwd: root });
  assert.ok(files.length >= 3);
  for (const file of files) assertLoads(join(root, file));
});

function assertLoads(path: string): void {
  const result = loadNodeConfig(path, { environment: {}, hostname: "a1" });
  const problems = result.ok ? result.warnings : [...result.errors, ...result.warnings];
  assert.equal(formatProblems(problems), "", path);
}
