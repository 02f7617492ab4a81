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
 * Gives back what loading the program took: its modules' source and the young generation that grew with them, some
 * 15 MB that a daemon would keep for good. Takes some 30 milliseconds, so it is for a start, before peers are there.
 */
export function releaseStartupMemory(): void {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as CollectGarbage;
  setFlagsFromString("--no-expose-gc");
  collectGarbage({ type: "major", execution: "sync", flavor: "last-resort" });
}
