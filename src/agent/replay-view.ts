import type { RouteView } from "../api/views.ts";
import type { Clock } from "../platform/clock.ts";
import { type PeerOutput, type Replayed, replay, type ReplayOptions } from "../recording/replay.ts";
import { ribDigest } from "../recording/rib-digest.ts";
import { routeView, selectPrefixes } from "./route-view.ts";

export { RecordingError } from "../recording/records.ts";

/** What a replay came to. */
export interface ReplayView
  extends Pick<Replayed, "inputs" | "elapsedMs" | "runs" | "isTruncated" | "difference"> {
  readonly rib: ReturnType<typeof ribDigest>;
  /** What each peer was sent, by address. */
  readonly peers: readonly (PeerOutput & { readonly address: string })[];
  /** All paths; read before the next replay. */
  readonly routes: Iterable<RouteView>;
}

/** Replays a recording, for people. @throws RecordingError */
export function replayView(recording: Uint8Array, options: ReplayOptions): ReplayView {
  const { speaker, outputs, nowMs, ...rest } = replay(recording, options);
  const clock: Pick<Clock, "nowMs"> = { nowMs: () => nowMs };
  return {
    ...rest,
    rib: ribDigest(speaker),
    peers: [...outputs]
      .map(([address, output]) => ({ address, ...output }))
      .sort((a, b) => (a.address < b.address ? -1 : 1)),
    routes: routes(),
  };

  function* routes(): Generator<RouteView> {
    for (const { rib, prefix } of selectPrefixes(speaker, { match: "all" })) {
      yield routeView(speaker, rib, prefix, clock);
    }
  }
}
