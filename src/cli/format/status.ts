import type {
  FibCounts,
  Firewall,
  KernelStatus,
  RefusedConnections,
  Status,
  TurnTimes,
} from "../../gen/margay/v1/status_pb.ts";
import { offenceLines } from "./peer.ts";
import { memoryPairs } from "./memory.ts";
import { counted, formatPairs, type Pair, pair } from "./pairs.ts";
import type { Paint } from "./paint.ts";
import { formatDuration } from "../../api/duration.ts";
import { formatAge, formatDate } from "./time.ts";

/** `margay status` */
export function formatStatus(status: Status, nowMs: number, paint: Paint): string {
  const { nodeName, role, version, asn, routerId } = status;
  const up = `${formatDuration(status.uptimeSeconds)}, since ${formatDate(status.started)}`;
  const pairs = [
    pair(role, [`${nodeName || routerId}, AS ${asn}, router ID ${routerId}, margay ${version}`]),
    pair("up", [up]),
    ...(role === "felix" ? [feedPair(status)] : speakerPairs(status)),
    status.fib === undefined ? undefined : fibPair(status.fib),
    status.kernel === undefined ? undefined : kernelPair(status.kernel),
    status.firewall === undefined ? undefined : firewallPair(status.firewall),
    configPair(status, nowMs),
    loopPair(status),
    pair("offences", offenceLines(status.offences), "doubtful"),
    refusedPair(status.refused),
    ...memoryPairs(status.memory),
    ...status.warnings.flatMap(({ text, remedy }) => [
      pair("warning", [text, remedy && `→ ${remedy}`], "doubtful"),
    ]),
  ];
  return formatPairs(pairs, paint);
}

function speakerPairs(status: Status): (Pair | undefined)[] {
  return [
    pair("listening", [status.listenAddresses.join(", ") || "nowhere"]),
    peersPair(status),
    pair("routes", [`${counted(status.routes, "prefix", "prefixes")} in the Loc-RIB`]),
  ];
}

/** A programmer in a process of its own has no peers. */
function feedPair({ routes }: Status): Pair | undefined {
  return pair("routes", [`${counted(routes, "prefix", "prefixes")} told by the speaker`]);
}

function peersPair({ peerStates }: Status): Pair | undefined {
  const total = peerStates.reduce((sum, { count }) => sum + count, 0);
  const states = peerStates.map(({ state, count }) => `${count} ${state}`).join(", ");
  const up = peerStates.find(({ state }) => state === "Established")?.count ?? 0;
  const text = total === 0 ? "none" : `${total}: ${states}`;
  return pair("peers", [text], up === total ? "good" : "doubtful");
}

function refusedPair(refused: RefusedConnections | undefined): Pair | undefined {
  const { strangers = 0n, overLimit = 0n } = refused ?? {};
  if (strangers + overLimit === 0n) return undefined;
  const text = `connections: ${strangers} of strangers, ${overLimit} over the limit of their range`;
  return pair("refused", [text], "doubtful");
}

function fibPair({
  wanted,
  installed,
  conflicts,
  errors,
  stale,
  frozen,
}: FibCounts): Pair | undefined {
  const parts = [
    `${wanted} wanted`,
    `${installed} installed`,
    stale > 0 ? `${stale} stale` : "",
    frozen > 0 ? `${frozen} kept until confirmed` : "",
    conflicts > 0 ? counted(conflicts, "conflict") : "",
    errors > 0 ? counted(errors, "error") : "",
  ];
  const isBad = conflicts + errors + frozen > 0;
  return pair("fib", [parts.filter((part) => part !== "").join(", ")], isBad ? "bad" : undefined);
}

function kernelPair(kernel: KernelStatus): Pair | undefined {
  const isMissing = kernel.ipip === "missing";
  const ipip = isMissing ? "no ipip" : `ipip ${kernel.ipip === "" ? "unknown" : kernel.ipip}`;
  const { ipForward, ipv6Forward } = kernel;
  const forward = `ip_forward ${ipForward ? "on" : "off"}`;
  const forward6 = ipv6Forward === undefined ? "" : `IPv6 forwarding ${ipv6Forward ? "on" : "off"}`;
  const own = `our routes bear protocol ${kernel.routeProtocol}`;
  const facts = [kernel.release, ipip, forward, forward6, own]
    .filter((fact) => fact !== "")
    .join(", ");
  const remedy = kernel.ipipRemedy === "" ? "" : `→ ${kernel.ipipRemedy}`;
  const isGood = !isMissing && ipForward && ipv6Forward !== false;
  return pair("kernel", [facts, remedy], isGood ? undefined : "doubtful");
}

function firewallPair(firewall: Firewall): Pair | undefined {
  const { table, guarded, nodes, masqueraded, masqueradedByOthers, passages, repairs } = firewall;
  const facts = [
    table === "unneeded" ? "nothing of ours" : `table inet margay ${table}`,
    guarded.length > 0 ? `${guarded.join(" and ")} from ${counted(nodes, "node")} only` : "",
    masqueraded.length > 0 ? `masquerades ${masqueraded.join(", ")}` : "",
    masqueradedByOthers.length > 0 ? `masqueraded are ${masqueradedByOthers.join(", ")}` : "",
    passages.length > 0 ? `lets ${passages.join(", ")}` : "",
    repairs > 0n ? counted(Number(repairs), "repair") : "",
  ];
  const text = facts.filter((fact) => fact !== "").join(", ");
  return pair("firewall", [text], table === "missing" ? "bad" : undefined);
}

function configPair({ config }: Status, nowMs: number): Pair | undefined {
  if (config === undefined) return undefined;
  const read = config.lastReload && `read ${formatAge(config.lastReload, nowMs)} ago`;
  if (config.lastReloadOk)
    return pair("config", [[config.file, read ?? ""].filter(Boolean).join(", ")]);
  const text = `${config.file}, refused${read === undefined ? "" : `, ${read}`}; the one before it is in force`;
  return pair("config", [text, ...config.problems], "bad");
}

function loopPair({ eventLoop }: Status): Pair | undefined {
  if (eventLoop === undefined) return undefined;
  const { lastMinute, sinceStart } = eventLoop;
  return pair("loop", [
    turnTimesLine(lastMinute, "in the last minute"),
    turnTimesLine(sinceStart, "since the start"),
  ]);
}

function turnTimesLine(turns: TurnTimes | undefined, when: string): string {
  if (turns === undefined || turns.count === 0n) return "";
  const ms = (value: number): string => `${value.toFixed(value < 1 ? 2 : 1)} ms`;
  const { medianMs, p99Ms, maximumMs, count } = turns;
  return `median ${ms(medianMs)}, p99 ${ms(p99Ms)}, maximum ${ms(maximumMs)} of ${count} turns ${when}`;
}
