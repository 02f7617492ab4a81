import type { Candidate, Route } from "../../gen/margay/v1/route_pb.ts";
import type { Tone } from "./paint.ts";
import type { Column } from "./table.ts";
import { formatDuration } from "../../api/duration.ts";

/** A line of `margay routes`: one path to a prefix; without a path, the prefix is gone (only in a watch). */
export interface RouteRow {
  readonly prefix: string;
  readonly candidate: Candidate | undefined;
}

/** One line per candidate, so that each can be grepped with its prefix. */
export function routeRows(route: Route): RouteRow[] {
  return route.candidates.map((candidate) => ({ prefix: route.prefix, candidate }));
}

function column(
  header: string,
  value: (candidate: Candidate) => string,
  extra: Pick<Column<RouteRow>, "wide" | "align" | "tone"> = {},
): Column<RouteRow> {
  return { header, value: ({ candidate }) => (candidate ? value(candidate) : ""), ...extra };
}

const originLetters: Readonly<Record<string, string>> = { IGP: "i", EGP: "e", Incomplete: "?" };

/** The columns of `margay routes`. */
export const routeColumns: readonly Column<RouteRow>[] = [
  { header: "PREFIX", value: ({ prefix }) => prefix },
  { header: "STATUS", value: rowStatus, tone: statusTone },
  column("PEER", (path) => path.peer),
  column("NAME", (path) => path.peerName, { wide: true }),
  column("PATH-ID", (path) => optional(path.pathId), { wide: true, align: "right" }),
  column("SENT-ID", (path) => optional(path.sentPathId), { wide: true, align: "right" }),
  column("NEXT-HOP", (path) => path.nextHop),
  column("PREF", (path) => optional(path.localPref), { align: "right" }),
  column("MED", (path) => optional(path.med), { align: "right" }),
  column("AGE", (path) => formatDuration(path.ageSeconds), { align: "right" }),
  column("AS-PATH", asPathText),
  column("ORIGINATOR", (path) => path.originatorId, { wide: true }),
  column("CLUSTERS", (path) => path.clusterList.join(","), { wide: true }),
  column("COMMUNITIES", (path) => path.communities.join(","), { wide: true }),
  column("IDENTIFIER", (path) => path.identifier, { wide: true }),
  column("REASON", (path) => path.reason?.name ?? "", { wide: true }),
  column("WHY", (path) => path.reason?.text || path.reason?.name || ""),
];

function rowStatus({ candidate }: RouteRow): string {
  if (candidate === undefined) return "withdrawn";
  const { status, stale, longLivedStale } = candidate;
  if (longLivedStale) return `${status},llgr-stale`;
  return stale ? `${status},stale` : status;
}

function statusTone({ candidate }: RouteRow): Tone | undefined {
  if (candidate === undefined) return "bad";
  if (candidate.stale) return "doubtful";
  if (candidate.best) return "good";
  return candidate.status === "lost" ? "faint" : "bad";
}

function optional(value: number | undefined): string {
  return value === undefined ? "" : String(value);
}

/** The AS path with its origin, as looking glasses write it: `64513 64514 i`. */
function asPathText({ asPath, origin }: Candidate): string {
  const letter = originLetters[origin] ?? origin;
  return asPath === "" ? letter : `${asPath} ${letter}`;
}
