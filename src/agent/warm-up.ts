import { rehearse } from "../bgp/rehearsal.ts";
import { rehearse as rehearseRoutes } from "../felix/rehearsal/rehearsal.ts";
import type { Clock } from "../platform/clock.ts";
import { letHeapGrow, releaseStartupMemory, trimArenas } from "../platform/startup-memory.ts";

/**
 * The compiler is done with what matters then: a million routes take a sixth less, a thousand clients' first ones a fifth. Longer
 * gains little, and peers that wait for a reflector wait for this, too.
 */
const rehearsalMs = 600;

/** Readies a process to be met by a thousand peers at once, before it listens: its code is compiled, its memory what it needs. */
export function warmUp(clock: Clock): void {
  letHeapGrow();
  // First, since it takes compiled code along.
  releaseStartupMemory();
  const untilMs = clock.nowMs() + rehearsalMs;
  rehearse(() => clock.nowMs() < untilMs);
  trimArenas();
}

/** For ten thousand routes, longer gains nothing. What an earlier life has left in the kernel carries packets all the while. */
const routesRehearsalMs = 400;

/** Readies a process to write the routes of a whole cluster at once, before it looks at the kernel. */
export async function warmUpProgrammer(clock: Clock): Promise<void> {
  const untilMs = clock.nowMs() + routesRehearsalMs;
  await rehearseRoutes(clock, () => clock.nowMs() < untilMs);
  trimArenas();
}
