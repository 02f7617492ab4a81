import type { FibEntry, WantedRoute } from "../../gen/margay/v1/fib_pb.ts";
import type { Tone } from "./paint.ts";
import type { Column } from "./table.ts";

/** A line of `margay fib`; `removed` only in a watch. */
export interface FibRow {
  readonly entry: FibEntry;
  readonly removed?: boolean;
}

function column(
  header: string,
  value: (wanted: WantedRoute) => string,
  extra: Pick<Column<FibRow>, "wide" | "align"> = {},
): Column<FibRow> {
  return { header, value: ({ entry }) => (entry.wanted ? value(entry.wanted) : ""), ...extra };
}

/** The columns of `margay fib`. */
export const fibColumns: readonly Column<FibRow>[] = [
  { header: "PREFIX", value: ({ entry }) => entry.prefix },
  { header: "STATE", value: rowState, tone: (row) => stateTone(rowState(row)) },
  column("VIA", (wanted) => wanted.via),
  column("DEV", (wanted) => wanted.dev),
  column("HOW", how),
  column("METRIC", (wanted) => String(wanted.metric), { wide: true, align: "right" }),
  column("MTU", mtu, { wide: true }),
  column("REASON", (wanted) => wanted.reason, { wide: true }),
  { header: "KERNEL", wide: true, value: ({ entry }) => entry.kernel },
  { header: "WHY", value: ({ entry }) => why(entry) },
];

function rowState({ entry, removed }: FibRow): string {
  return removed === true ? "removed" : entry.state;
}

function stateTone(state: string): Tone {
  if (state === "installed") return "good";
  return state === "pending" || state === "stale" ? "doubtful" : "bad";
}

/** `1380: no more than 1400 octets get to 192.168.2.2, as a router reports, of which ipip takes 20` */
function mtu({ mtu: octets, mtuText }: WantedRoute): string {
  return octets === 0 ? "" : `${octets}: ${mtuText}`;
}

function how(wanted: WantedRoute): string {
  if (wanted.tunnel) return "tunnel";
  return wanted.type === "" || wanted.type === "unicast" ? "wire" : wanted.type;
}

/** What stands in the way, or else why wire or tunnel. */
function why({ state, wanted, kernel, owner, error, remedy }: FibEntry): string {
  const advice = remedy === "" ? "" : ` → ${remedy}`;
  if (state === "conflict") return `protocol ${owner} holds it: ${kernel}${advice}`;
  if (error !== "") return `${error}${advice}`;
  return wanted?.reasonText || wanted?.reason || "";
}
