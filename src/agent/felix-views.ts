import type { Views } from "../api/views.ts";
import type { Felix } from "../felix/felix.ts";
import type { EventHub } from "./event-hub.ts";
import { fibEntries } from "./fib-view.ts";
import { explainKernel } from "./kernel-explanation.ts";
import { processMemoryView } from "./memory-view.ts";
import { type DaemonSources, daemonView } from "./status-view.ts";

/** A programmer in a process of its own. */
export interface FelixSources extends DaemonSources {
  readonly felix: Felix;
  readonly asn: number;
  /** Dotted quad. */
  readonly routerId: string;
  readonly feed: {
    /** The speaker is there, and followed. */
    readonly isConnected: boolean;
    /** Routes that are wanted. */
    readonly routes: number;
    /** Of them, those that the speaker has yet to tell again. */
    readonly staleRoutes: number;
  };
}

/** What the API reads of it; `sources` is read anew at each call. Peers and paths are the speaker's to show. */
export function felixViews(sources: () => FelixSources, hub: EventHub): Views {
  const { felix } = sources();
  return {
    status: () => {
      const { asn, routerId, feed, ...daemon } = sources();
      const memory = processMemoryView();
      return { ...daemonView(daemon), asn, routerId, routes: feed.routes, memory };
    },
    peers: () => [],
    peer: () => undefined,
    controlPeer: () => undefined,
    routes: () => [],
    fib: (filter) => fibEntries(felix, filter),
    explain: async (address) => explainKernel(await felix.explain(address)),
    confirmRemovals: () => felix.confirmRemovals(),
    subscribe: (listener, kinds) => hub.subscribe(listener, kinds),
  };
}
