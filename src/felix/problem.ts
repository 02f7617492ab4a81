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

/** EINTR, EIO, EAGAIN, ENOMEM, EBUSY, ENOBUFS: no event tells when these are over, so that only trying again can. */
const passing: ReadonlySet<number> = new Set([4, 5, 11, 12, 16, 105]);

/** Does the kernel's refusal come from a moment's shortage rather than from what was asked? */
export function isPassing(errno: number): boolean {
  return passing.has(errno);
}

/** What to do about an errno that a route or a link met with; `undefined` when that is not known. */
export function remedyFor(errno: number): string | undefined {
  if (errno === 1 || errno === 13) return "run margay as root or with CAP_NET_ADMIN";
  if (errno === 12) return "the machine is out of memory";
  return undefined;
}
