import { z } from "zod";
import { hiddenText, Secret } from "./secret.ts";

/** Octets that Linux takes for a TCP-MD5 key (tcp(7)). */
const longestPassword = 80;

/** What is wrong with a TCP-MD5 password, as a predicate; never the password itself. */
export function passwordProblem(text: string): string | undefined {
  const octets = new TextEncoder().encode(text).length;
  if (octets === 0) return "is empty: give the password";
  if (octets > longestPassword) {
    return `has ${octets} octets: the kernel takes at most ${longestPassword}`;
  }
  if (text === hiddenText) return `is what stands for a password that is not shown: give it`;
  return undefined;
}

/** A TCP-MD5 password. Unlike those of other fields, its messages do not show what was given. */
export function password(): z.ZodPipe<z.ZodString, z.ZodTransform<Secret, string>> {
  const error = ({ input }: { readonly input?: unknown }): string =>
    input === null ? "has no value: give the password" : "is not text: put it in quotes";
  return z.string({ error }).transform((text, context): Secret => {
    const problem = passwordProblem(text);
    if (problem === undefined) return new Secret(text);
    context.addIssue({ code: "custom", message: problem, input: undefined });
    return z.NEVER;
  });
}
