import type { PathContent } from "../fib/path.ts";
import type { FibRow } from "../fib/row.ts";
import type { RowState } from "../fib/row-state.ts";
import { pathText, protocolName, routeLine } from "./format.ts";
import { type MtuContext, routeMtu, routeMtuText } from "./mtu/route-mtu.ts";
import type { RouteOwner } from "./owner.ts";
import { remedyFor } from "./problem.ts";
import type { FibEntry, FibNextHop } from "./status.ts";

export interface EntryContext {
  readonly protocol: number;
  readonly deviceName: (ifindex: number) => string;
  /** Where a next-hop object of ours leads. */
  readonly hopsOf: (nextHopId: number) => PathContent["hops"];
  readonly mtu: MtuContext;
  /** Metric of routes beside those of others, if ours go there. */
  readonly beside: { readonly metric: number | undefined };
}

/** The row's state; waiting for what only a person can mend is an error. */
function stateOf(row: FibRow<RouteOwner>): RowState {
  const { state, want } = row;
  if (state !== "pending" || want === undefined || row.wanted !== undefined) return state;
  return isHopeless(want) ? "error" : state;
}

/** Can only a person make a way? */
export function isHopeless(want: RouteOwner): boolean {
  if (want.kind !== "remote") return false;
  return want.group.ways.some(({ problem }) => problem?.remedy !== undefined);
}

/** A row of the FIB as people see it. */
export function entryOf(row: FibRow<RouteOwner>, context: EntryContext): FibEntry {
  const { prefix, metric, want, foreign, kernel } = row;
  const nextHops = want === undefined ? [] : nextHopsOf(want, context);
  const way =
    row.wanted && pathText(throughObject(row.wanted, context), context.deviceName, prefix.version);
  const there = foreign ?? (kernel && throughObject(kernel, context));
  return {
    prefix,
    metric,
    state: stateOf(row),
    wanted:
      want === undefined
        ? undefined
        : { kind: want.kind, nextHops, text: way, mtu: mtuOf(want, context) },
    kernel: there === undefined ? undefined : kernelOf(row, there, context),
    ...troubleOf(row, nextHops, context),
  };
}

/** A path with the hops of the next-hop object that it leads through. */
export function throughObject(
  path: PathContent,
  { hopsOf }: Pick<EntryContext, "hopsOf">,
): PathContent {
  return path.nextHopId === undefined ? path : { ...path, hops: hopsOf(path.nextHopId) };
}

function kernelOf(
  { prefix, metric, foreign }: FibRow<RouteOwner>,
  there: PathContent,
  { protocol: own, deviceName }: EntryContext,
): FibEntry["kernel"] {
  const protocol = foreign?.protocol ?? own;
  const name = protocolName(protocol, own);
  return {
    text: pathText(there, deviceName, prefix.version),
    protocol,
    line: routeLine(prefix.text, there, name, metric, deviceName),
  };
}

function nextHopsOf(want: RouteOwner, context: EntryContext): FibNextHop[] {
  if (want.kind === "local") return [];
  return want.group.ways.map(({ nextHop, mode, hop, problem }) => ({
    address: nextHop.address,
    mode,
    device: hop === undefined ? undefined : context.deviceName(hop.ifindex),
    onlink: hop?.onlink ?? false,
    verdict: nextHop.verdict,
    problem,
  }));
}

type MtuView = NonNullable<FibEntry["wanted"]>["mtu"];

function mtuOf(want: RouteOwner, { mtu: mtuContext, deviceName }: EntryContext): MtuView {
  if (want.kind === "local") return undefined;
  const { ways, payload } = want.group;
  const mtu = routeMtu(ways, payload, mtuContext);
  if (mtu === undefined) return undefined;
  return { octets: mtu.octets, text: routeMtuText(mtu, mtuContext, deviceName) };
}

function besideText({ want, metric }: FibRow<RouteOwner>, { beside }: EntryContext): string {
  const isBeside = beside.metric !== undefined && beside.metric !== metric;
  return isBeside && want?.kind === "remote" ? `; ours is beside it, metric ${beside.metric}` : "";
}

type Trouble = Pick<FibEntry, "errno" | "problem" | "remedy">;
const noTrouble: Trouble = { errno: undefined, problem: undefined, remedy: undefined };

function troubleOf(
  row: FibRow<RouteOwner>,
  nextHops: readonly FibNextHop[],
  context: EntryContext,
): Trouble {
  const { foreign, failure } = row;
  if (foreign !== undefined) {
    const owner = protocolName(foreign.protocol, context.protocol);
    const text = pathText(foreign, context.deviceName, row.prefix.version);
    const metric = row.metric === 0 ? "" : ` metric ${row.metric}`;
    const beside = besideText(row, context);
    return {
      errno: 17,
      problem: `a route of protocol ${owner} is there: ${text}${beside}`,
      remedy: `ip route delete ${row.prefix.text} proto ${foreign.protocol}${metric}`,
    };
  }
  if (failure !== undefined) {
    const { errno, text } = failure;
    return { errno, problem: text, remedy: remedyFor(errno) };
  }
  const problem = nextHops.find((hop) => hop.problem !== undefined)?.problem;
  if (problem === undefined || (row.want !== undefined && row.wanted !== undefined)) {
    return noTrouble;
  }
  return { errno: problem.errno, problem: problem.text, remedy: problem.remedy };
}
