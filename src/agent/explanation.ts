import { formatDuration } from "../api/duration.ts";
import type { ExplanationView } from "../api/views.ts";
import type { FamilyRib } from "../bgp/rib/family-rib.ts";
import { describePathReason, PathReason } from "../bgp/rib/path-reason.ts";
import { localPeer } from "../bgp/rib/source.ts";
import { Peer } from "../bgp/peer.ts";
import type { Speaker } from "../bgp/speaker.ts";
import type { FelixExplanation } from "../felix/explain.ts";
import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { prefixContainsAddress } from "../net/prefix.ts";
import type { Clock } from "../platform/clock.ts";
import { kernelSteps, reachedVerdict, unwantedStep } from "./kernel-explanation.ts";
import { candidateView, longestMatch, rankedRows } from "./route-view.ts";

type Step = NonNullable<ExplanationView["steps"]>[number];

interface Question {
  readonly address: string;
  readonly speaker: Speaker;
  readonly clock: Clock;
  /** Absent where nothing is programmed. */
  readonly felix?: FelixExplanation | undefined;
}

/** The story of one destination: session → path → decision → segment → kernel → firewall, up to the link that is broken. */
export function explain(question: Question): ExplanationView {
  const { address, speaker, felix } = question;
  const octets = parseIpAddress(address) as Uint8Array;
  const rib = [...speaker.ribs.values()].find(
    ({ family }) => family.version === (octets.length === 4 ? 4 : 6),
  ) as FamilyRib;
  const prefix = longestMatch(rib, octets);
  if (prefix < 0) return withoutRoute(question, rib, octets);
  const rows = rankedRows(rib, prefix);
  const best = rows[0] as number;
  const isOwn = rib.paths.peer(best) === localPeer;
  const steps = [
    isOwn ? ownStep(rib, prefix) : sessionStep(question, rib, best),
    pathStep(question, rib, best),
    decisionStep(question, rib, rows),
  ];
  if (felix !== undefined) steps.push(...kernelSteps(felix, isOwn));
  const ok = steps.every((step) => step.ok);
  return {
    address: formatIpAddress(octets),
    prefix: rib.prefixes.text(prefix),
    steps,
    ok,
    verdict: verdict(question, ok, steps, isOwn),
  };
}

function ownStep(rib: FamilyRib, prefix: number): Step {
  return {
    stage: "session",
    ok: true,
    title: `${rib.prefixes.text(prefix)} is originated here: no session is needed`,
    details: [],
  };
}

function sessionStep({ speaker, clock }: Question, rib: FamilyRib, row: number): Step {
  const peer = speaker.ribPeer(rib.paths.peer(row));
  const name =
    peer instanceof Peer && peer.settings.name !== peer.address
      ? `${peer.settings.name} (${peer.address})`
      : peer.address;
  const state = peer instanceof Peer ? peer.fsm.state : "Idle";
  const since =
    peer instanceof Peer
      ? ` for ${formatDuration((clock.nowMs() - peer.stateSinceMs) / 1000)}`
      : "";
  if (state === "Established") {
    return { stage: "session", ok: true, title: `Established with ${name}${since}`, details: [] };
  }
  const lastDown = peer instanceof Peer ? peer.fsm.lastDown?.text : undefined;
  const stale = rib.paths.isStale(row);
  return {
    stage: "session",
    ok: stale,
    title: `${state} with ${name}${since}${keptText(rib, row)}`,
    details: lastDown === undefined ? [] : [`last ended: ${lastDown}`],
    remedy: stale ? "" : `margay peer ${peer.address}`,
  };
}

function staleMark({ stale, longLivedStale }: ReturnType<typeof candidateView>): string {
  if (longLivedStale === true) return " (long-lived stale)";
  return stale === true ? " (stale)" : "";
}

function keptText({ paths }: FamilyRib, row: number): string {
  if (paths.isLongLived(row)) return ": its paths are kept as a last resort (RFC 9494)";
  return paths.isStale(row) ? ": its paths are kept while it restarts" : "";
}

function pathStep({ speaker, clock }: Question, rib: FamilyRib, row: number): Step {
  const path = candidateView(speaker, rib, row, clock);
  const details = [
    `AS path ${path.asPath === "" ? "(empty)" : path.asPath}, origin ${path.origin}`,
    ...(path.localPref === undefined ? [] : [`LOCAL_PREF ${path.localPref}`]),
    ...(path.originatorId === ""
      ? []
      : [`reflected: originator ${path.originatorId}, clusters ${path.clusterList?.join(" ")}`]),
    ...(path.communities?.length ? [`communities ${path.communities.join(" ")}`] : []),
  ];
  const prefix = rib.prefixes.text(rib.paths.prefix(row));
  const from = path.peer === "local" ? "ourselves" : path.peer;
  return {
    stage: "path",
    ok: true,
    title: `${prefix} from ${from}, next hop ${path.nextHop}${staleMark(path)}`,
    details,
  };
}

function decisionStep({ speaker, clock }: Question, rib: FamilyRib, rows: number[]): Step {
  const [best, ...others] = rows;
  const usable = rib.paths.reason(best as number) === PathReason.best;
  const details = others.map((row) => {
    const path = candidateView(speaker, rib, row, clock);
    return `${path.peer} via ${path.nextHop}: ${describePathReason(rib.paths.reason(row)).text}`;
  });
  const title =
    others.length === 0 ? "the only path" : `best of ${rows.length} paths; the others lost`;
  return { stage: "decision", ok: usable, title, details };
}

function withoutRoute(
  { address, speaker, felix }: Question,
  rib: FamilyRib,
  octets: Uint8Array,
): ExplanationView {
  const refused: string[] = [];
  for (let id = 0; id < rib.prefixes.end; id++) {
    const row = rib.paths.first(id);
    if (row < 0 || !prefixContainsAddress(rib.prefixes.prefix(id), octets)) continue;
    const from = speaker.ribPeer(rib.paths.peer(row)).address;
    const { text } = describePathReason(rib.paths.reason(row));
    refused.push(`${rib.prefixes.text(id)} from ${from}: ${text}`);
  }
  const down = [...speaker.peers()].filter(({ fsm }) => fsm.state !== "Established");
  const details = [
    ...refused,
    ...down.map((peer) => `${peer.settings.name} (${peer.address}) is ${peer.fsm.state}`),
  ];
  const steps: Step[] = [
    {
      stage: "path",
      ok: false,
      title: `no usable path to ${address}: no peer announces a prefix that holds it`,
      details,
      remedy: down.length > 0 ? "margay peers" : "",
    },
  ];
  if (felix !== undefined) {
    steps.push(unwantedStep(felix));
  }
  return { address, prefix: "", steps, ok: false, verdict: `margay has no route to ${address}.` };
}

function verdict({ address, felix }: Question, ok: boolean, steps: Step[], isOwn: boolean): string {
  const broken = steps.find((step) => !step.ok);
  if (!ok) return `${address} is not reached as it should be: ${broken?.title ?? "?"}.`;
  if (felix === undefined) return `${address} is covered; nothing is programmed here.`;
  return reachedVerdict(felix, isOwn);
}
