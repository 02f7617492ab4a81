import { attempt } from "../../test/support/run.ts";

/** The first number like 2.0.12 in what a command says of itself, or undefined if there is no such command. */
export async function versionOf(argv: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await attempt(argv);
    return /\d+\.\d+(?:\.\d+)*/.exec(stdout + stderr)?.[0];
  } catch {
    return undefined; // it cannot be started
  }
}
