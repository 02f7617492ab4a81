import type { Notes, Violations } from "./checker.ts";

/** `connect`: until sessions are up that are to be idle when the measuring begins. The others as in plan.ts. */
export type PhaseName = "connect" | "announce" | "withdraw" | "churn" | "join" | "storm";

/** One part of a run. */
export interface Phase {
  readonly name: PhaseName;
  /** From just before the first octet was sent to the moment when the last client held exactly what it must; absent if that never was. */
  readonly seconds?: number;
  /** Clients that it is about. */
  readonly clients: number;
  /** Of those, with a session at the end. */
  readonly established: number;
  /** Of those, that got there. */
  readonly complete: number;
  /** Until the last session was Established, where sessions are part of what is measured. */
  readonly establishedSeconds?: number;
  /** How long each change took to reach each client: percentiles over all of them. */
  readonly latency?: Latency;
  /** The daemon's CPU time. */
  readonly cpuSeconds: number;
  /** The tester's, without its checking afterwards. */
  readonly testerCpuSeconds: number;
  /** UPDATEs that all clients together were sent. */
  readonly updates: number;
}

export interface Latency {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What the tester's process prints. */
export interface Report {
  readonly phases: readonly Phase[];
  /** Over the whole run, the daemon's start included. */
  readonly peakRssOctets: number;
  readonly violations: Violations;
  readonly notes: Notes;
  /** Why the run ended before its time. */
  readonly failure?: string;
}
