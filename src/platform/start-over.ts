import { closeSync, existsSync, openSync } from "node:fs";
import { type Capability, keepCapabilities } from "./capabilities.ts";

/** What a daemon wants of the process that it runs in. */
interface Daemon {
  readonly capabilities: readonly Capability[];
  /** It is to be small: there is one on every node. */
  readonly isSmall: boolean;
}

/** By the verb of the command line. */
const daemons: Readonly<Record<string, Daemon>> = {
  node: { capabilities: ["NET_ADMIN", "NET_BIND_SERVICE"], isSmall: true },
  felix: { capabilities: ["NET_ADMIN"], isSmall: true },
  speaker: { capabilities: ["NET_BIND_SERVICE"], isSmall: false },
  reflector: { capabilities: ["NET_BIND_SERVICE"], isSmall: false },
};

/**
 * What V8 and Node.js take from the command line alone, each by a word that tells whether the user has chosen. A young generation of
 * the usual size would be most of the memory. Of several compiler's threads each is woken up for a moment and has to be made room
 * for: with one a single route takes a fifth less time, and many take as long.
 */
const SMALL: Readonly<Record<string, string>> = {
  "semi-space": "--max-semi-space-size=4",
  "v8-pool": "--v8-pool-size=1",
};
/** The C library reads at the start of a process how many arenas it may have; those of the compiler's threads would keep 25 MB. */
const ARENAS = "MALLOC_ARENA_MAX";
/** In the environment of a process that has started over. */
const MARK = "MARGAY_HAS_STARTED_OVER";

/**
 * Makes the process another one, with the same id, that is as its daemon wants it: without the capabilities that it does
 * not need, which no thread can take from another, with a small heap and one arena. Returns where nothing is to be done, or cannot be.
 * @param argv of the process
 */
export function startOver(argv: readonly string[]): void {
  const { env } = process;
  const isSecond = env[MARK] !== undefined;
  delete env[MARK];
  const daemon = daemons[argv[2] ?? ""];
  if (isSecond || daemon === undefined || process.execve === undefined) return;
  const flags = daemon.isSmall ? unchosenFlags() : [];
  const files = [process.execPath, ...argv.slice(1).map((word) => word.replace(/^-.*?=/, ""))];
  const isLess = keepCapabilities(daemon.capabilities, readabilityOf(files));
  if (flags.length === 0 && !isLess && env[ARENAS] !== undefined) return;
  try {
    const words = [process.argv0, ...flags, ...process.execArgv, ...argv.slice(1)];
    process.execve(process.execPath, words, { [ARENAS]: "1", ...env, [MARK]: "1" });
  } catch {
    // Not allowed here: the daemon runs as it is.
  }
}

function unchosenFlags(): string[] {
  const { NODE_OPTIONS: options = "" } = process.env;
  const chosen = [...process.execArgv, options].join(" ");
  return Object.entries(SMALL).flatMap(([word, flag]) => (chosen.includes(word) ? [] : [flag]));
}

/** Tells whether what can be read of these files now can still be read, each time that it is asked. */
function readabilityOf(words: readonly string[]): () => boolean {
  const files = words.filter((word) => existsSync(word) && isReadable(word));
  return () => files.every(isReadable);
}

function isReadable(file: string): boolean {
  try {
    closeSync(openSync(file, "r"));
    return true;
  } catch {
    return false;
  }
}
