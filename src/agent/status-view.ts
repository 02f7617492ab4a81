import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { margayVersion } from "../api/version.ts";
import type { StatusView } from "../api/views.ts";
import type { Felix } from "../felix/felix.ts";
import type { FirewallStatus } from "../felix/firewall/status.ts";
import type { FelixStatus } from "../felix/status.ts";
import { formatIpv4 } from "../net/ip-address.ts";
import type { Clock } from "../platform/clock.ts";
import type { SpeakerDriver } from "../session/speaker-driver.ts";
import { release } from "node:os";
import type { DurationHistogram } from "./duration-histogram.ts";
import type { ProgrammerReport } from "./feed/feed-server.ts";
import type { EventLoopTurns } from "./event-loop-turns.ts";
import type { DynamicPeers } from "../bgp/dynamic-peers.ts";
import { offencesView } from "./peer-view.ts";
import { memoryView } from "./memory-view.ts";

type Warning = NonNullable<StatusView["warnings"]>[number];

/** What there is to show of every daemon. */
export interface DaemonSources {
  readonly nodeName: string;
  readonly role: "node" | "reflector" | "speaker" | "felix";
  readonly startedWallMs: number;
  readonly clock: Clock;
  readonly turns: EventLoopTurns;
  readonly felix?: Felix;
  /** What a programmer in another process says of itself. */
  readonly report?: ProgrammerReport | undefined;
  readonly config?: StatusView["config"];
  readonly warnings?: readonly Warning[];
}

/** And of one that has peers. */
export interface StatusSources extends DaemonSources {
  readonly driver: SpeakerDriver;
  readonly listenAddresses: readonly string[];
  /** Of a node's speaker in a process of its own: programmers that follow it. */
  readonly followers?: number;
}

/** The daemon as a whole, as the API shows it. */
export function statusView(sources: StatusSources): StatusView {
  const { driver } = sources;
  const { speaker } = driver;
  const states = Map.groupBy(speaker.peers(), ({ fsm }) => fsm.state);
  const routes = [...speaker.ribs.values()].reduce((sum, rib) => sum + rib.locRib.size, 0);
  return {
    ...daemonView(sources),
    asn: speaker.config.asn,
    routerId: formatIpv4(speaker.config.identifier),
    listenAddresses: [...sources.listenAddresses],
    peerStates: [...states].map(([state, peers]) => ({ state, count: peers.length })),
    routes,
    memory: memoryView(driver),
    offences: offencesView(speaker.offences.totals),
    refused: refusedView(speaker.dynamicPeers),
  };
}

type DaemonView = ProgrammerReport &
  Pick<StatusView, "nodeName" | "role" | "version" | "started" | "uptimeSeconds"> &
  Pick<StatusView, "config" | "eventLoop">;

/** What the status of every daemon has, with peers or without. */
export function daemonView(sources: DaemonSources): DaemonView {
  const { nodeName, role, startedWallMs, clock, felix, turns, config } = sources;
  const programmer = felix === undefined ? sources.report : programmerReport(felix.status());
  const { warnings = [], ...programmed } = programmer ?? {};
  return {
    nodeName,
    role,
    version: margayVersion(),
    started: timestampFromMs(startedWallMs),
    uptimeSeconds: Math.floor((clock.wallMs() - startedWallMs) / 1000),
    ...programmed,
    ...(config !== undefined && { config }),
    warnings: [...(sources.warnings ?? []), ...warnings],
    eventLoop: eventLoopView(turns),
  };
}

function refusedView(peers: DynamicPeers): NonNullable<StatusView["refused"]> {
  let overLimit = 0;
  for (const range of peers.ranges()) overLimit += range.overLimit;
  return { strangers: BigInt(peers.strangers), overLimit: BigInt(overLimit) };
}

type TurnTimesView = NonNullable<NonNullable<StatusView["eventLoop"]>["sinceStart"]>;

/** How long the turns of the event loop took. */
function eventLoopView(turns: EventLoopTurns): NonNullable<StatusView["eventLoop"]> {
  return {
    lastMinute: turnTimesView(turns.lastMinute()),
    sinceStart: turnTimesView(turns.sinceStart),
  };
}

function turnTimesView(turns: DurationHistogram): TurnTimesView {
  return {
    count: BigInt(turns.count),
    medianMs: turns.quantileMs(0.5),
    p99Ms: turns.quantileMs(0.99),
    maximumMs: turns.maximumMs,
  };
}

/** What there is to say of the programmer in a status. */
export function programmerReport(status: FelixStatus): ProgrammerReport {
  return { ...programmerView(status), warnings: programmerWarnings(status) };
}

function programmerView(status: FelixStatus): Pick<StatusView, "fib" | "kernel" | "firewall"> {
  const { counts, forwarding, ipv6Forwarding, protocol, firewall } = status;
  const tunnel = status.tunnels.find(({ kind }) => kind === "ipip");
  const isSupported = tunnel?.isSupported;
  const ipip = isSupported === undefined ? "unneeded" : isSupported ? "available" : "missing";
  return {
    fib: {
      wanted: counts.installed + counts.adopted + counts.pending + counts.conflict + counts.error,
      installed: counts.installed + counts.adopted,
      conflicts: counts.conflict,
      errors: counts.error,
      stale: counts.stale,
      frozen: status.frozenRemovals,
    },
    kernel: {
      release: release(),
      ipip,
      ipipRemedy: ipip === "missing" ? (tunnel?.problem?.remedy ?? "") : "",
      ipForward: forwarding.enabled,
      ...(ipv6Forwarding !== undefined && { ipv6Forward: ipv6Forwarding.enabled }),
      routeProtocol: protocol,
    },
    ...(firewall !== undefined && { firewall: firewallView(firewall) }),
  };
}

function firewallView(status: FirewallStatus): NonNullable<StatusView["firewall"]> {
  const { table, guarded, nodes, masqueraded, masqueradedByOthers, passages, repairs } = status;
  return {
    ...{ table, nodes, repairs: BigInt(repairs) },
    guarded: [...guarded],
    masqueraded: [...masqueraded],
    masqueradedByOthers: [...masqueradedByOthers],
    passages: passages.map(({ place, pods }) => `${pods.join(", ")} through ${place}`),
  };
}

/** Such packets come back to the pod with an ICMP error, or vanish where the pod does not get to see that. */
function podMtuWarnings({ mtu: { smallest, podInterfaces } }: FelixStatus): Warning[] {
  const [first, ...more] = podInterfaces;
  if (first === undefined || smallest === undefined) return [];
  const others = more.length === 0 ? "" : ` (and ${more.length} more such)`;
  return [
    {
      name: "pod-mtu",
      text: `${first.device} of a pod has MTU ${first.mtu}${others}, and routes take ${smallest.octets}: ${smallest.text}`,
      remedy: `an MTU of ${smallest.octets} for pods, in the configuration of the CNI plugin`,
      advisory: true,
    },
  ];
}

/** What is on a segment by its address, and not by what frames do there. */
function lostWarnings({ lost }: FelixStatus): Warning[] {
  return [false, true].flatMap((isDeaf) => {
    const [first, ...more] = lost.filter((one) => one.isDeaf === isDeaf);
    if (first === undefined) return [];
    const others = more.length === 0 ? "" : ` (and ${more.length} more such)`;
    return [
      {
        name: isDeaf ? "told-silent" : "silent-neighbour",
        text: `${first.text}${others}`,
        remedy: "let ARP and Neighbor Discovery pass between the two, or correct their masks",
        advisory: true,
      },
    ];
  });
}

function programmerWarnings(status: FelixStatus): Warning[] {
  const warnings: Warning[] = [...podMtuWarnings(status), ...lostWarnings(status)];
  const { tunnels, forwarding, ipv6Forwarding } = status;
  for (const { kind, isSupported, problem } of tunnels) {
    if (problem === undefined) continue;
    const name = isSupported === false ? `${kind}-unavailable` : "tunnel-problem";
    warnings.push({ name, text: problem.text, remedy: problem.remedy ?? "" });
  }
  for (const { text, remedy } of status.firewall?.problems ?? []) {
    warnings.push({ name: "firewall-problem", text, remedy: remedy ?? "" });
  }
  for (const { text, remedy, isSure } of status.firewall?.obstacles ?? []) {
    warnings.push({ name: "pods-dropped", text, remedy, advisory: !isSure });
  }
  const [overlap, ...more] = status.overlaps;
  if (overlap !== undefined) {
    const { inner, innerOwner, outer, outerOwner } = overlap;
    const others = more.length === 0 ? "" : ` (and ${more.length} more such)`;
    warnings.push({
      name: "pod-cidr-overlap",
      text: `${inner.text} of ${innerOwner} is inside ${outer.text} of ${outerOwner}, and takes its packets${others}`,
      remedy: "give each node a range of its own",
    });
  }
  if (status.frozenRemovals > 0) {
    warnings.push({
      name: "removals-frozen",
      text: `${status.frozenRemovals} routes that nobody wants are kept: so many at once, and not every peer has spoken`,
      remedy: "bring the peers back, or remove them by `margay fib confirm`",
    });
  }
  for (const { problem } of [
    forwarding,
    ...(ipv6Forwarding === undefined ? [] : [ipv6Forwarding]),
  ]) {
    if (problem === undefined) continue;
    const { text, remedy } = problem;
    warnings.push({ name: "ip-forward-off", text, remedy: remedy ?? "" });
  }
  return warnings;
}
