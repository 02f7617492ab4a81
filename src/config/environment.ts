import { type ConfigPath, formatPath } from "./problem.ts";
import type { Located } from "./read-schema.ts";

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What differs between nodes that share one file, and what one changes for a single run. */
export const environmentOverrides: Readonly<Record<string, ConfigPath>> = {
  MARGAY_NODE_NAME: ["node", "name"],
  MARGAY_NODE_ADDRESS: ["node", "address"],
  MARGAY_API_SOCKET: ["api", "socket"],
  MARGAY_LOG_LEVEL: ["log", "level"],
};

/** The same data with the environment's values in place of the file's. An empty variable counts as not set. */
export function withEnvironment(source: Located, environment: Environment): Located {
  const given = Object.entries(environmentOverrides).flatMap(([variable, path]) => {
    const value = environment[variable];
    return value === undefined || value === "" ? [] : [{ variable, path, value }];
  });
  if (given.length === 0 || !isMapping(source.value)) return source;
  const value: Record<string, unknown> = { ...source.value };
  for (const { path, value: text } of given) {
    const [section = "", key = ""] = path.map(String);
    const before = value[section] ?? {};
    // A section that is not a mapping is a mistake of the file, to be reported as such.
    if (isMapping(before)) value[section] = { ...before, [key]: text };
  }
  const variables = new Map(given.map(({ path, variable }) => [formatPath(path), variable]));
  return {
    value,
    place: (path) => {
      const variable = variables.get(formatPath(path));
      return variable === undefined ? source.place(path) : { file: `environment ${variable}` };
    },
    keyPlace: (path) => source.keyPlace(path),
  };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
