import { type ConfigPath, type ConfigProblem, formatPath, formatPlace } from "./problem.ts";
import type { Located } from "./read-schema.ts";

/** Collects what the checks between values find in one file. */
export class Report {
  readonly #source: Located;
  readonly problems: ConfigProblem[] = [];

  constructor(source: Located) {
    this.#source = source;
  }

  error(path: ConfigPath, message: string): void {
    this.#add("error", path, message);
  }

  warn(path: ConfigPath, message: string): void {
    this.#add("warning", path, message);
  }

  /** Does the file say anything here, rightly or not? */
  isGiven(path: ConfigPath): boolean {
    let value = this.#source.value;
    for (const step of path) {
      if (typeof value !== "object" || value === null) return false;
      value = Reflect.get(value, step);
    }
    return value !== undefined;
  }

  /** `cluster.yaml:7:5`, for messages that name a second place. */
  at(path: ConfigPath): string {
    return formatPlace(this.#source.place(path));
  }

  #add(severity: ConfigProblem["severity"], path: ConfigPath, message: string): void {
    const place = this.#source.place(path);
    this.problems.push({ ...place, severity, path: formatPath(path), message });
  }
}
