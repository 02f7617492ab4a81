import type { Clock } from "../platform/clock.ts";
import { LineLimit } from "../platform/line-limit.ts";
import type { Logger } from "../platform/logger.ts";

/** Logs connections that were turned away: a flood of them is a line of each kind every ten seconds. */
export function logRefusals(
  logger: Logger,
  clock: Clock,
): (address: string, reason: string) => void {
  const limit = new LineLimit(clock);
  return (address, reason) => {
    const heldBack = limit.pass(reason);
    if (heldBack === undefined) return;
    const more = heldBack === 0 ? {} : { moreBefore: heldBack };
    logger.warn({ peer: address, ...more }, `connection refused: ${reason}`);
  };
}
