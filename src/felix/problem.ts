import { NetlinkError } from "../netlink/errno.ts";

/** Something that keeps a route out of the kernel, in words, and what to do about it. */
export interface Problem {
  /** Positive, where the kernel gave one. */
  readonly errno: number | undefined;
  readonly text: string;
  /** What a person can do; `undefined` when it mends itself. */
  readonly remedy: string | undefined;
}

/** The problem that a caught error is; an error that is none of the kernel's is thrown on. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof NetlinkError)) throw error;
  return { errno: error.errno, text: error.message, remedy: remedyFor(error.errno) };
}

/** What to do about an errno that a route or a link met with; `undefined` when that is not known. */
export function remedyFor(errno: number): string | undefined {
  if (errno === 1 || errno === 13) return "run margay as root or with CAP_NET_ADMIN";
  if (errno === 12) return "the machine is out of memory";
  return undefined;
}
