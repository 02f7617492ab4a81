import { parseArgs } from "node:util";
import type { TopologyName } from "./topology.ts";

export interface LabOptions {
  readonly topology: TopologyName;
  /** Stay up when the tour is over. */
  readonly keep: boolean;
  /** Only take down what stayed. */
  readonly down: boolean;
}

export const USAGE = `npm run lab [-- OPTIONS]
  --topology mesh|reflector   all nodes peer with each other (default), or each with one route reflector
  --keep                      leave everything running; says how to look around
  --down                      take down what --keep left
  --native                    on this kernel even if it has no ipip: pods across the router do not reach each other then`;

/** @throws Error whose message is for the user */
export function readOptions(args: readonly string[]): LabOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      topology: { type: "string", default: "mesh" },
      keep: { type: "boolean", default: false },
      down: { type: "boolean", default: false },
      native: { type: "boolean", default: false }, // for scripts/lab.sh, which chose the kernel
    },
  });
  const { topology, keep, down } = values;
  if (topology !== "mesh" && topology !== "reflector") {
    throw new Error(`--topology takes mesh or reflector, not "${topology}"`);
  }
  return { topology, keep, down };
}
