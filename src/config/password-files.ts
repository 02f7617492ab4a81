import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { passwordProblem } from "./password.ts";
import { Secret } from "./secret.ts";

/** What a password file came to. */
export interface PasswordReading {
  readonly secret?: Secret;
  /** Why there is none. */
  readonly problem?: string;
  /** What is doubtful about one that can be read. */
  readonly warning?: string;
}

/** The password files that one configuration names, each read once. */
export class PasswordFiles {
  readonly #directory: string;
  readonly #readings = new Map<string, PasswordReading>();

  /** @param directory where relative paths start */
  constructor(directory: string) {
    this.#directory = directory;
  }

  path(file: string): string {
    return isAbsolute(file) ? file : join(this.#directory, file);
  }

  /** The first line of a file. Never throws. */
  read(file: string): PasswordReading {
    const path = this.path(file);
    const reading = this.#readings.get(path) ?? readPasswordFile(path);
    this.#readings.set(path, reading);
    return reading;
  }
}

const othersMayRead = 0o044;

function readPasswordFile(path: string): PasswordReading {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(path, "utf8");
    ({ mode } = statSync(path));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { problem: `${path} cannot be read (${code})` };
  }
  const [line = ""] = text.split(/\r?\n/);
  const problem = passwordProblem(line);
  if (problem !== undefined) return { problem: `the first line of ${path} ${problem}` };
  const secret = new Secret(line);
  if ((mode & othersMayRead) === 0) return { secret };
  return { secret, warning: `others may read ${path}: chmod 600 it` };
}
