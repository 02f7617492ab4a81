import type { Target } from "./client.ts";
import type { Announcements } from "./load.ts";
import { fullTable, podBlocks } from "./universe.ts";

/** What a run is, as it is handed to the tester's process. */
export interface Plan {
  readonly target: Target;
  /** The daemon: its CPU time and memory, and its descendants', are part of the report. */
  readonly pid: number;
  /** How long any phase may take. */
  readonly timeoutSeconds: number;
  /** A pause before each phase, for the daemon to come to rest. */
  readonly settleSeconds: number;
  /** One more before the first announcement: what the daemon says to new peers of an empty table must be over by then. */
  readonly greetingSeconds: number;
  readonly steps: Steps;
}

/**
 * - `exchange`: all are connected and idle; at one signal the senders announce; done when all hold all. Then all withdraw.
 * - `churn`: after an exchange, sender 0 withdraws and announces one prefix by turns; how long until the others see it.
 * - `join`: the senders have announced to each other; then clients connect; done when all of those hold all.
 * - `storm`: clients connect and announce as soon as they may; done when all hold all.
 */
export type Steps =
  | ({ readonly kind: "exchange"; readonly listeners: number } & Traffic)
  | ({ readonly kind: "churn"; readonly events: number; readonly perSecond: number } & Traffic)
  | ({ readonly kind: "join"; readonly clients: number; readonly overSeconds: number } & Traffic)
  | ({ readonly kind: "storm"; readonly overSeconds: number } & Traffic);

interface Traffic {
  readonly senders: number;
  readonly prefixesEach: number;
  /**
   * `pods`: a sender's /26 blocks share one attribute set. `nodes`: /26 blocks, four to a set, as four other nodes'
   * each. `internet`: /20 to /24 in no order, six to a set on average.
   */
  readonly traffic: "pods" | "nodes" | "internet";
}

/** One prefix to a set, eighteen to another: six on average. */
const internetSetSizes = [1, 2, 3, 4, 6, 8, 18];

export function announcementsOf({ senders, prefixesEach, traffic }: Traffic): Announcements {
  const common = { senders, prefixesEach, shuffled: traffic === "internet" };
  if (traffic === "pods") return { ...common, universe: podBlocks };
  if (traffic === "nodes") return { ...common, universe: podBlocks, setSizes: [4] };
  return { ...common, universe: fullTable, setSizes: internetSetSizes };
}

/** Peers that take part in all: those that announce, and those that only listen. */
export function peersOf(steps: Steps): number {
  if (steps.kind === "exchange") return steps.senders + steps.listeners;
  if (steps.kind === "join") return steps.senders + steps.clients;
  return steps.senders;
}
