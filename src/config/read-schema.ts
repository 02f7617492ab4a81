import { z } from "zod";
import { withoutDefault } from "./schema-structure.ts";
import type { ConfigPath, ConfigProblem, Place } from "./problem.ts";
import { formatPath } from "./problem.ts";
import { didYouMean } from "./suggest.ts";

/** Raw data, and where each part of it came from. */
export interface Located {
  readonly value: unknown;
  place(path: ConfigPath): Place;
  keyPlace(path: ConfigPath): Place;
}

/** Reads data by a schema: the value, or every mistake, one per place. */
export function readSchema<Schema extends z.ZodType>(
  schema: Schema,
  source: Located,
): { value: z.output<Schema> } | { problems: ConfigProblem[] } {
  const result = schema.safeParse(source.value);
  if (result.success) return { value: result.data };
  const problems = new Map<string, ConfigProblem>();
  for (const issue of result.error.issues) {
    for (const problem of toProblems(schema, issue, source)) {
      // The first complaint about a value is the plainest; the rest follow from it.
      if (!problems.has(problem.path)) problems.set(problem.path, problem);
    }
  }
  for (const path of misspelt(schema, result.error.issues)) {
    if (problems.get(path)?.message.startsWith("missing: ")) problems.delete(path);
  }
  return { problems: [...problems.values()] };
}

/** Paths of known keys that unknown ones seem to mean: one mistake, not a missing key besides. */
function misspelt(schema: z.ZodType, issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [];
    const path = issue.path as (string | number)[];
    const known = keysOf(schemaAt(schema, path));
    return issue.keys.flatMap((key) => {
      const meant = didYouMean(key, known);
      return meant === undefined ? [] : formatPath([...path, meant]);
    });
  });
}

function toProblems(schema: z.ZodType, issue: z.core.$ZodIssue, source: Located): ConfigProblem[] {
  // Data from YAML has only text and numbers for keys.
  const path = issue.path as (string | number)[];
  if (issue.code !== "unrecognized_keys") {
    const problem = { path: formatPath(path), message: issue.message };
    return [{ ...source.place(path), severity: "error", ...problem }];
  }
  return issue.keys.map((key) => ({
    ...source.keyPlace([...path, key]),
    severity: "error",
    path: formatPath([...path, key]),
    message: unknownKey(schema, path, key),
  }));
}

function unknownKey(schema: z.ZodType, path: ConfigPath, key: string): string {
  const here = keysOf(schemaAt(schema, path));
  const meant = didYouMean(key, here);
  if (meant !== undefined) return `unknown key "${key}": did you mean "${meant}"?`;
  const elsewhere = placesOfKey(schema, key).filter(
    (place) => place !== formatPath([...path, key]),
  );
  if (elsewhere.length > 0) return `unknown key "${key}": it belongs at ${elsewhere.join(" or ")}`;
  return `unknown key "${key}": known here are ${here.join(", ")}`;
}

function schemaAt(schema: z.core.$ZodType, path: ConfigPath): z.core.$ZodType | undefined {
  let current: z.core.$ZodType | undefined = withoutDefault(schema);
  for (const step of path) {
    if (current instanceof z.ZodArray) current = withoutDefault(current.element);
    else if (current instanceof z.ZodRecord) current = withoutDefault(current.valueType);
    else if (current instanceof z.ZodObject) {
      const child: z.core.$ZodType | undefined = current.shape[step];
      current = child && withoutDefault(child);
    } else return undefined;
  }
  return current;
}

function keysOf(schema: z.core.$ZodType | undefined): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Where in the schema a key of this name is known: `timers.holdTimeSeconds`, `members[].port`. Names of the user's own lead nowhere. */
function placesOfKey(schema: z.core.$ZodType, key: string, at = ""): string[] {
  const here = withoutDefault(schema);
  if (here instanceof z.ZodArray) return placesOfKey(here.element, key, `${at}[]`);
  if (!(here instanceof z.ZodObject)) return [];
  return Object.entries<z.core.$ZodType>(here.shape).flatMap(([name, child]) => {
    const path = at === "" ? name : `${at}.${name}`;
    return [...(name === key ? [path] : []), ...placesOfKey(child, key, path)];
  });
}
