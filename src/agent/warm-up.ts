import { rehearse } from "../bgp/rehearsal.ts";
import type { Clock } from "../platform/clock.ts";
import { letHeapGrow, releaseStartupMemory, trimArenas } from "../platform/startup-memory.ts";

/** What a thousand clients' first routes take is a fifth less after this; three times as long gains hardly more. */
const rehearsalMs = 100;

/** Readies a process to be met by a thousand peers at once, before it listens: its code is compiled, its memory what it needs. */
export function warmUp(clock: Clock): void {
  letHeapGrow();
  // First, since it takes compiled code along.
  releaseStartupMemory();
  const untilMs = clock.nowMs() + rehearsalMs;
  rehearse(() => clock.nowMs() < untilMs);
  trimArenas();
}
