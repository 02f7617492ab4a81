import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What V8 offers with `--expose-gc`. */
type CollectGarbage = (options: {
  type: "major";
  execution: "sync";
  /** Gives memory back to the system, which other collections rarely do. */
  flavor: "last-resort";
}) => void;

/**
 * Lets the heap grow to three times its size before garbage is collected. V8 counts what is in typed arrays as growth of the
 * heap, and would collect when that has grown by a third: while a million routes come, a dozen times for nothing.
 */
export function letHeapGrow(): void {
  setFlagsFromString("--heap-growing-percent=200");
}

/**
 * Gives back what loading the program took: the source of its modules and the young generation that grew with them, some
 * 15 MB that a daemon would keep for good. Compiled code goes, too. Takes some 30 milliseconds, so it is for a start, before
 * peers are there.
 */
export function releaseStartupMemory(): void {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as CollectGarbage;
  setFlagsFromString("--no-expose-gc");
  collectGarbage({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** Gives back what the compiler's threads leave in the arenas of the C library, some 20 MB: malloc_trim(3). */
export function trimArenas(): void {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    koffi.load(null).func("int malloc_trim(size_t)")(0);
  } catch {
    // Without koffi, or where the C library has none (musl), the memory stays: it does no harm.
  }
}
