import type { Speaker } from "../bgp/speaker.ts";
import type { Clock, Timer } from "../platform/clock.ts";

/**
 * What a speaker without a programmer says of its restart (RFC 4724 §4.1). It is not on the packets' way, so that forwarding has
 * gone on whatever became of it. That this is a restart it only knows by the peers that it remembers of an earlier life: it says so for
 * as long as they keep its routes. Otherwise it does not: a peer that is told of a restart need not wait for our End-of-RIB, and on a
 * first start it should.
 * @returns what ends it
 */
export function sayWhetherRestarted(
  speaker: Pick<Speaker, "setRestarting">,
  { remembered, restartSeconds }: { readonly remembered: number; readonly restartSeconds: number },
  clock: Pick<Clock, "after">,
): Timer | undefined {
  const hasRestarted = remembered > 0 && restartSeconds > 0;
  speaker.setRestarting(hasRestarted, true);
  if (!hasRestarted) return undefined;
  return clock.after(restartSeconds * 1000, () => speaker.setRestarting(false, true));
}
