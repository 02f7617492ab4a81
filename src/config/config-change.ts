/**
 * When a change takes effect:
 * - `live`: at once, sessions stay up, other than those of peers that come, go or get another AS number;
 * - `session-reset`: at once, but every session starts anew, since the setting is part of the OPEN;
 * - `next-start`: it only matters at a start, so the next one has it;
 * - `restart`: not before the daemon is restarted.
 */
export type ConfigEffect = "live" | "session-reset" | "next-start" | "restart";

/** One setting that differs between two configurations. */
export interface ConfigChange {
  /** `timers.holdTimeSeconds`, `cluster.members[b1]` */
  readonly path: string;
  /** As one would write it; absent when it was not set. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly effect: ConfigEffect;
}

/** `timers.holdTimeSeconds: 90 → 30 (resets every session)` */
export function formatChange(change: ConfigChange): string {
  const { path, from, to } = change;
  if (from === undefined) return `${path}: added ${to} (${effectText[change.effect]})`;
  if (to === undefined) return `${path}: removed ${from} (${effectText[change.effect]})`;
  return `${path}: ${from} → ${to} (${effectText[change.effect]})`;
}

const effectText: Readonly<Record<ConfigEffect, string>> = {
  live: "applied",
  "session-reset": "resets every session",
  "next-start": "from the next start on",
  restart: "needs a restart",
};
