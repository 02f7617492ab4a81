import type {
  ConfigEvent,
  Event,
  FibEvent,
  PeerEvent,
  RouteEvent,
} from "../../gen/margay/v1/event_pb.ts";
import { namedAddress } from "./peer.ts";
import type { Paint, Tone } from "./paint.ts";
import { formatClock } from "./time.ts";

/** One line of `margay watch`: time, kind, what happened. */
export function formatEvent(event: Event, paint: Paint): string {
  const { kind, text, tone } = describe(event);
  const time = paint("faint", formatClock(event.time));
  return `${time}   ${kind.padEnd(6)}   ${tone === undefined ? text : paint(tone, text)}\n`;
}

interface Description {
  readonly kind: string;
  readonly text: string;
  readonly tone?: Tone | undefined;
}

function describe({ change }: Event): Description {
  switch (change.case) {
    case "peer":
      return { kind: "peer", ...describePeer(change.value) };
    case "route":
      return { kind: "route", ...describeRoute(change.value) };
    case "fib":
      return { kind: "fib", ...describeFib(change.value) };
    case "config":
      return { kind: "config", ...describeConfig(change.value) };
    case undefined:
      return { kind: "other", text: "an event that this program does not know" };
  }
}

type Words = Omit<Description, "kind">;

function describePeer({ peer, previousState, removed }: PeerEvent): Words {
  if (peer === undefined) return { text: "unknown" };
  const who = namedAddress(peer.address, peer.name);
  if (removed) return { text: `${who} removed`, tone: "bad" };
  if (previousState === "") return { text: `${who} added, ${peer.state}` };
  const wentDown = previousState === "Established" && peer.state !== "Established";
  const reason = wentDown && peer.lastDown !== undefined ? `: ${peer.lastDown.text}` : "";
  const tone = wentDown ? "bad" : peer.state === "Established" ? "good" : undefined;
  return { text: `${who} ${previousState} → ${peer.state}${reason}`, tone };
}

function describeRoute({ prefix, best, previous }: RouteEvent): Words {
  if (best === undefined) return { text: `${prefix} withdrawn`, tone: "bad" };
  const path = `${prefix} via ${best.nextHop} from ${namedAddress(best.peer, best.peerName)}`;
  if (previous === undefined) return { text: `${path}, new`, tone: "good" };
  const before =
    previous.nextHop === best.nextHop && previous.peer === best.peer
      ? "attributes changed"
      : `was via ${previous.nextHop} from ${namedAddress(previous.peer, previous.peerName)}`;
  return { text: `${path}, ${before}` };
}

function describeFib({ entry, removed }: FibEvent): Words {
  if (entry === undefined) return { text: "unknown" };
  if (removed) return { text: `${entry.prefix} removed`, tone: "bad" };
  const { wanted, owner, error } = entry;
  const via = wanted === undefined || wanted.via === "" ? "" : ` via ${wanted.via}`;
  const dev = wanted === undefined || wanted.dev === "" ? "" : ` dev ${wanted.dev}`;
  const blame = owner === "" ? error : `held by protocol ${owner}`;
  const text = `${entry.prefix} ${entry.state}${via}${dev}${blame === "" ? "" : `: ${blame}`}`;
  return { text, tone: entry.state === "installed" ? "good" : blame === "" ? undefined : "bad" };
}

function describeConfig({ config }: ConfigEvent): Words {
  if (config === undefined) return { text: "unknown" };
  if (config.lastReloadOk) return { text: `${config.file} read and in force`, tone: "good" };
  const problems = config.problems.join("; ");
  return {
    text: `${config.file} refused, the one before it stays in force: ${problems}`,
    tone: "bad",
  };
}
