import type {
  AddPath,
  DownReason,
  FamilyCounts,
  LongLivedGracefulRestart,
  MessageCounts,
  Negotiated,
  OffenceCount,
  Peer,
  PeerQueues,
  Transport,
} from "../../gen/margay/v1/peer_pb.ts";
import { formatBytes } from "./bytes.ts";
import { counted, formatPairs, type Pair, pair } from "./pairs.ts";
import type { Paint, Tone } from "./paint.ts";
import type { Column } from "./table.ts";
import { formatDuration } from "../../api/duration.ts";
import { formatAge, formatDate } from "./time.ts";

/** A line of `margay peers`; `removed` only in a watch. */
export interface PeerRow {
  readonly peer: Peer;
  readonly removed?: boolean;
}

type Count = "received" | "accepted" | "advertised";

/** The columns of `margay peers`. */
export function peerColumns(nowMs: () => number): readonly Column<PeerRow>[] {
  return [
    { header: "ADDRESS", value: ({ peer }) => peer.address },
    { header: "NAME", value: ({ peer }) => peer.name },
    { header: "AS", value: ({ peer }) => (peer.remoteAsn === 0 ? "any" : String(peer.remoteAsn)) },
    { header: "STATE", value: rowState, tone: (row) => stateTone(rowState(row)) },
    { header: "FOR", value: ({ peer }) => formatAge(peer.since, nowMs()), align: "right" },
    countColumn("RECEIVED", "received"),
    countColumn("ACCEPTED", "accepted"),
    countColumn("ADVERTISED", "advertised"),
    { header: "KIND", wide: true, value: ({ peer }) => peer.kind },
    { header: "IDENTIFIER", wide: true, value: ({ peer }) => peer.remoteIdentifier },
    { header: "HOLD", wide: true, align: "right", value: ({ peer }) => holdText(peer) },
    messagesColumn("MSGS-IN", "messagesIn"),
    messagesColumn("MSGS-OUT", "messagesOut"),
    { header: "FLAPS", wide: true, align: "right", value: ({ peer }) => String(peer.flaps) },
    { header: "ENDPOINTS", wide: true, value: ({ peer }) => endpoints(peer) },
    {
      header: "LAST-DOWN",
      value: ({ peer }) => downSummary(peer, nowMs()),
      tone: ({ peer }) => (peer.state === "Established" ? "faint" : undefined),
    },
  ];
}

function rowState({ peer, removed }: PeerRow): string {
  return removed === true ? "removed" : peer.state;
}

function stateTone(state: string): Tone {
  if (state === "Established") return "good";
  return state === "Idle" || state === "removed" ? "bad" : "doubtful";
}

function countColumn(header: string, count: Count): Column<PeerRow> {
  return { header, align: "right", value: ({ peer }) => String(sum(peer.families, count)) };
}

function sum(families: readonly FamilyCounts[], count: Count): number {
  return families.reduce((soFar, family) => soFar + family[count], 0);
}

function messagesColumn(header: string, key: "messagesIn" | "messagesOut"): Column<PeerRow> {
  return { header, wide: true, align: "right", value: ({ peer }) => String(total(peer[key])) };
}

function total(counts: MessageCounts | undefined): bigint {
  if (counts === undefined) return 0n;
  const { open, update, notification, keepalive, routeRefresh } = counts;
  return open + update + notification + keepalive + routeRefresh;
}

function holdText({ negotiated }: Peer): string {
  return negotiated === undefined ? "" : `${negotiated.holdTimeSeconds}s`;
}

function endpoints({ localEndpoint, remoteEndpoint }: Peer): string {
  return localEndpoint === "" ? "" : `${localEndpoint}→${remoteEndpoint}`;
}

function downSummary({ lastDown, held }: Peer, nowMs: number): string {
  if (held !== "") return held;
  if (lastDown === undefined) return "";
  const age = formatAge(lastDown.time, nowMs);
  return `${lastDown.text}${age === "" ? "" : ` (${age} ago)`}`;
}

/** `margay peer ADDRESS` */
export function formatPeer(peer: Peer, nowMs: number, paint: Paint): string {
  const name = peer.name === "" ? "" : ` (${peer.name})`;
  const remote = peer.remoteAsn === 0 ? "any AS" : `AS ${peer.remoteAsn}`;
  const relation = peer.remoteAsn === peer.localAsn ? "internal" : "external";
  const client = peer.reflectorClient ? ", our reflection client" : "";
  const pairs = [
    pair("peer", [`${peer.address} port ${peer.port}${name}, ${remote}, ${relation}`]),
    pair("kind", [`${peer.kind}${client}`]),
    pair("state", [stateLine(peer, nowMs)], stateTone(peer.state)),
    pair("last down", downLines(peer.lastDown, nowMs), "doubtful"),
    pair("flaps", [String(peer.flaps)]),
    pair("offences", offenceLines(peer.offences), "doubtful"),
    pair("identifier", [peer.remoteIdentifier]),
    pair("tcp", [endpoints(peer).replace("→", " → "), transportLine(peer.transport)]),
    ...negotiatedPairs(peer),
    ...peer.families.map((counts) => familyPair(counts, peer)),
    pair("policies", peer.policies),
    queuesPair(peer.queues),
    pair("messages", [messagesLine("in", peer.messagesIn), messagesLine("out", peer.messagesOut)]),
    pair("we offered", peer.localCapabilities.map(capabilityLine)),
    pair("peer offered", peer.remoteCapabilities.map(capabilityLine)),
  ];
  return formatPairs(pairs, paint);
}

/** A line for each kind: `3 × treat-as-withdraw: …` */
export function offenceLines(offences: readonly OffenceCount[]): string[] {
  return offences.map(({ kind, text, count }) => `${count} × ${kind}: ${text}`);
}

function stateLine({ state, since, held }: Peer, nowMs: number): string {
  const why = held === "" ? "" : `; ${held}`;
  if (since === undefined) return state + why;
  return `${state} for ${formatAge(since, nowMs)}, since ${formatDate(since)}${why}`;
}

function downLines(down: DownReason | undefined, nowMs: number): string[] {
  if (down === undefined) return [];
  const age = down.time === undefined ? "" : `, ${formatAge(down.time, nowMs)} ago`;
  const lines = [`${down.text} (${down.event}${age})`];
  if (down.direction !== "") {
    const codes = `${down.code}/${down.subcode}`;
    lines.push(`NOTIFICATION ${down.direction}: ${codes} ${down.notification}`.trimEnd());
  }
  return lines;
}

/** Names of code points that routing protocols are marked with. */
const dscpNames: Readonly<Record<number, string>> = { 0: "CS0", 48: "CS6", 56: "CS7" };

function transportLine(transport: Transport | undefined): string {
  if (transport === undefined) return "";
  const { md5, ttl, minimumTtl, dscp, userTimeoutSeconds, device } = transport;
  const name = dscpNames[dscp];
  const facts = [
    `MD5: ${md5 ? "yes" : "no"}`,
    `TTL ${ttl}`,
    minimumTtl === 0 ? "" : `TTL security: at least ${minimumTtl}`,
    `DSCP ${dscp}${name === undefined ? "" : ` (${name})`}`,
    userTimeoutSeconds === 0 ? "" : `user timeout ${formatDuration(userTimeoutSeconds)}`,
    device === "" ? "" : `device ${device}`,
  ];
  return facts.filter((fact) => fact !== "").join(", ");
}

function negotiatedPairs({ negotiated }: Peer): (Pair | undefined)[] {
  if (negotiated === undefined) return [];
  const { gracefulRestart: restart } = negotiated;
  const yes = (label: string, value: boolean): string => `${value ? "" : "no "}${label}`;
  const facts = [
    negotiated.families.join(", "),
    yes("4-octet AS", negotiated.fourOctetAs),
    negotiated.enhancedRouteRefresh
      ? "enhanced route refresh"
      : yes("route refresh", negotiated.routeRefresh),
    yes("extended messages", negotiated.extendedMessages),
    ...(negotiated.extendedNextHop ? ["IPv6 next hops of IPv4 routes"] : []),
  ];
  const graceful =
    restart === undefined
      ? "no graceful restart"
      : `graceful restart within ${formatDuration(restart.restartTimeSeconds)}${restart.restarted ? ", has just restarted" : ""}` +
        `, keeps forwarding: ${restart.families.join(", ") || "nothing"}` +
        (restart.notification ? ", also after a NOTIFICATION" : "");
  const paths = negotiated.addPath.map(addPathText).join(", ");
  const longLived = longLivedLine(negotiated.longLivedGracefulRestart);
  const lines = [timersText(negotiated), facts.join(", "), paths, graceful, longLived];
  return [pair("negotiated", [...lines, rolesText(negotiated), openFormText(negotiated)])];
}

/** Empty where no OPEN had the form of RFC 9072. */
function openFormText(negotiated: Negotiated): string {
  const { localExtendedParameters: ours, peerExtendedParameters: theirs } = negotiated;
  if (!ours && !theirs) return "";
  const whose = ours && theirs ? "both OPENs" : ours ? "our OPEN" : "the peer's OPEN";
  return `extended optional parameters: ${whose}`;
}

function timersText(negotiated: Negotiated): string {
  const { holdTimeSeconds, keepaliveSeconds, sendHoldTimeSeconds } = negotiated;
  const { localHoldTimeSeconds: ours, peerHoldTimeSeconds: theirs } = negotiated;
  const offered = ours === theirs ? "" : ` (we offered ${ours} s, the peer ${theirs} s)`;
  if (holdTimeSeconds === 0) return `no hold time${offered}, no keepalives`;
  const sendHold =
    sendHoldTimeSeconds === 0 ? "no send hold time" : `send hold time ${sendHoldTimeSeconds} s`;
  return `hold time ${holdTimeSeconds} s${offered}, keepalive ${keepaliveSeconds} s, ${sendHold}`;
}

/** Empty where neither side says what it is to the other (RFC 9234). */
function rolesText({ localRole, peerRole }: Negotiated): string {
  if (localRole === "" && peerRole === "") return "";
  const [ours, theirs] = [localRole, peerRole].map((role) => role || "nothing that it says");
  return `roles: we are ${ours}, the peer is ${theirs}`;
}

function longLivedLine(offer: LongLivedGracefulRestart | undefined): string {
  if (offer === undefined) return "";
  const kept = offer.families.map(({ family, offeredSeconds, staleTimeSeconds }) => {
    if (staleTimeSeconds === 0) return `${family} not kept`;
    const asked =
      offeredSeconds > staleTimeSeconds ? ` (of ${formatDuration(offeredSeconds)} asked for)` : "";
    return `${family} kept for ${formatDuration(staleTimeSeconds)}${asked}`;
  });
  return `long-lived graceful restart: ${kept.join(", ") || "nothing kept"}`;
}

/** `several paths: received of ipv4-unicast` */
function addPathText({ family, receive, send }: AddPath): string {
  const directions = [receive ? "received" : "", send ? "sent" : ""].filter(Boolean);
  return `${family}: several paths ${directions.join(" and ")}`;
}

function familyPair(counts: FamilyCounts, { negotiated }: Peer): Pair | undefined {
  const { family, received, accepted, advertised, limit, discarded } = counts;
  const refused = received - accepted;
  const kept = `${received} received, ${accepted} accepted${refused > 0 ? ` (${refused} refused by policy)` : ""}`;
  const more = discarded === 0 ? "" : `, ${discarded} refused above it`;
  const limited = limit === 0 ? [] : [`at most ${limit}${more}`];
  const isInForce = negotiated?.families.includes(family) ?? false;
  const nextHop = isInForce ? [nextHopLine(counts)] : [];
  return pair(family, [
    `${kept}, ${advertised} advertised`,
    staleLine(counts),
    ...nextHop,
    ...limited,
  ]);
}

function staleLine({ stale, longLivedStale, staleSecondsLeft }: FamilyCounts): string {
  if (stale === 0) return "";
  const left = formatDuration(staleSecondsLeft);
  const lastResort = longLivedStale === 0 ? "" : `, ${longLivedStale} of them a last resort`;
  return `${stale} stale${lastResort}, for ${left} more`;
}

function nextHopLine({ nextHopSelf, linkLocalSelf }: FamilyCounts): string {
  return nextHopSelf === ""
    ? "no address of our own as next hop: what needs one is not advertised"
    : `${nextHopSelf} is our own next hop${linkLocalSelf === "" ? "" : `, with ${linkLocalSelf} beside it`}`;
}

function queuesPair(queues: PeerQueues | undefined): Pair | undefined {
  if (queues === undefined) return undefined;
  const { receiveBytes, sendBytes, logBytes, missedPrefixes } = queues;
  const behind = `, ${counted(missedPrefixes, "prefix", "prefixes")} to catch up with`;
  return pair("queues", [
    `${formatBytes(receiveBytes)} to work off, ${formatBytes(logBytes)} to send, ${formatBytes(sendBytes)} in the socket` +
      (missedPrefixes === 0 ? "" : behind),
  ]);
}

function messagesLine(direction: string, counts: MessageCounts | undefined): string {
  if (counts === undefined) return "";
  const { open, update, notification, keepalive, routeRefresh } = counts;
  return (
    `${direction.padEnd(3)} ${total(counts)}: ${open} OPEN, ${update} UPDATE, ${keepalive} KEEPALIVE, ` +
    `${notification} NOTIFICATION, ${routeRefresh} ROUTE-REFRESH`
  );
}

function capabilityLine({
  code,
  name,
  text,
}: {
  code: number;
  name: string;
  text: string;
}): string {
  return `${name === "unknown" ? `code ${code}` : name}${text === "" ? "" : `: ${text}`}`;
}

/** `node-b (192.168.1.3)`, or just the address. */
export function namedAddress(address: string, name: string): string {
  return name === "" ? address : `${name} (${address})`;
}
