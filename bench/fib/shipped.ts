import { readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const built = pathToFileURL(join(import.meta.dirname, "../../dist/")).href;

/**
 * A program of this directory as JavaScript over `dist/`, as margay is shipped: Node.js's own reading of TypeScript would
 * cost it memory and time. Returns the file's path, which is in `scratch`.
 */
export function shipped(file: string, scratch: string): string {
  const source = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, file), "utf8"));
  const program = join(scratch, `${basename(file, ".ts")}.mjs`);
  writeFileSync(
    program,
    source.replaceAll(/"\.\.\/\.\.\/src\/(.+)\.ts"/g, (_, path) => `"${built}${path}.js"`),
  );
  return program;
}
