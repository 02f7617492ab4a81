import type { ConfigProblem } from "../config/problem.ts";
import type { ClusterModel } from "./model/cluster-model.ts";

/** What a backend has to say: the cluster as it is now, or why it could not be read, in which case the last one stands. */
export type ClusterUpdate =
  | { readonly model: ClusterModel; readonly warnings: readonly ConfigProblem[] }
  | { readonly problems: readonly ConfigProblem[] };

/**
 * Who is in the cluster, followed as it changes. Losing the backend never empties the cluster: a model stands until a
 * whole and valid one takes its place.
 */
export interface ClusterSource {
  /**
   * Reads the cluster, reports it (or the problems) before it settles, then follows it. Equal models are reported once.
   * Call it once.
   */
  start(listener: (update: ClusterUpdate) => void): Promise<void>;
  /** Reads again now; settles after the listener has heard of what changed, if anything did. Problems are reported again. */
  reload(): Promise<void>;
  /** Nothing is reported after it settles; stopping twice is harmless. */
  stop(): Promise<void>;
}

/** What every backend is given. */
export interface ClusterSourceOptions {
  /** The node's name in the cluster: a model without it is a problem, not a wish to withdraw everything. */
  readonly nodeName: string;
}
