import type { Fib } from "../fib/fib.ts";
import type { FibPath, PathHop } from "../fib/path.ts";

/** Where the routes of ours lead that the kernel holds, wanted or not: gateways by interface. */
export type HeldGateways = ReadonlyMap<number, ReadonlySet<string>>;

export function heldGateways(
  fib: Pick<Fib<unknown>, "heldPaths">,
  hopsOf: (path: FibPath) => readonly PathHop[],
): HeldGateways {
  const held = new Map<number, Set<string>>();
  for (const path of fib.heldPaths()) {
    for (const { ifindex, gateway } of hopsOf(path)) {
      const gateways = held.get(ifindex) ?? new Set<string>();
      held.set(ifindex, gateways);
      if (gateway !== undefined) gateways.add(gateway);
    }
  }
  return held;
}
