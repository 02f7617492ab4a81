import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { margayVersion } from "../api/version.ts";
import type { StatusView, Views } from "../api/views.ts";
import type { EventHub } from "./event-hub.ts";
import type { EventLoopTurns } from "./event-loop-turns.ts";
import { fibEntries } from "./fib-view.ts";
import { explainKernel } from "./kernel-explanation.ts";
import { processMemoryView } from "./memory-view.ts";
import type { NodeFiles } from "./node-files.ts";
import type { NodeProgrammer } from "./node-programmer.ts";
import { eventLoopView, programmerReport } from "./status-view.ts";
import type { Clock } from "../platform/clock.ts";

export interface FelixViewSources {
  readonly files: Pick<NodeFiles, "config" | "status">;
  readonly programmer: NodeProgrammer;
  readonly hub: EventHub;
  readonly turns: EventLoopTurns;
  readonly clock: Clock;
  readonly startedWallMs: number;
  /** Routes that are wanted. */
  readonly routes: () => number;
  /** What is wrong with the way to the speaker. */
  readonly warnings: () => NonNullable<StatusView["warnings"]>;
}

/** What the API reads of a programmer in a process of its own. Peers and paths are the speaker's to show. */
export function felixViews(sources: FelixViewSources): Views {
  const { hub } = sources;
  const { felix } = sources.programmer;
  return {
    status: () => felixStatus(sources),
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

function felixStatus(sources: FelixViewSources): StatusView {
  const { files, programmer, turns, clock, startedWallMs } = sources;
  const { node } = files.config;
  const { fib, kernel, firewall, warnings = [] } = programmerReport(programmer.felix.status());
  return {
    nodeName: node.name,
    role: "felix",
    asn: node.asn,
    routerId: node.routerId,
    version: margayVersion(),
    started: timestampFromMs(startedWallMs),
    uptimeSeconds: Math.floor((clock.wallMs() - startedWallMs) / 1000),
    routes: sources.routes(),
    ...(fib && { fib }),
    ...(kernel && { kernel }),
    ...(firewall && { firewall }),
    config: files.status,
    warnings: [...sources.warnings(), ...warnings],
    eventLoop: eventLoopView(turns),
    memory: processMemoryView(),
  };
}
