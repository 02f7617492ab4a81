import { MessageType } from "../../bgp/iana.ts";
import type { MessageCounts, Peer } from "../../bgp/peer.ts";
import { type Offence, offenceTexts } from "../../bgp/offence.ts";
import type { FamilyRib } from "../../bgp/rib/family-rib.ts";
import type { StatusSources } from "../status-view.ts";
import { type Metric, type Sample, single } from "./metric.ts";

const states = ["Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"] as const;

const messageTypes = [
  ["open", MessageType.open],
  ["update", MessageType.update],
  ["notification", MessageType.notification],
  ["keepalive", MessageType.keepalive],
  ["route-refresh", MessageType.routeRefresh],
] as const;

/** Sessions. A peer is labelled by its address alone; `margay_peer_info` has its name to join. */
export const peerMetrics: readonly Metric[] = [
  { name: "margay_peers", help: "Peers by state of their FSM", type: "gauge", samples: peerStates },
  single(
    "gauge",
    "margay_session_timers",
    "Timers of peers and their connections that run: four for each session at most",
    ({ driver }) => driver.timers,
  ),
  perPeer("gauge", "info", "Name and kind of a peer", ({ settings }) => ({
    labels: { name: settings.name, kind: settings.kind },
    value: 1,
  })),
  perPeer("gauge", "established", "Whether the session is Established", (peer) => ({
    value: Number(isEstablished(peer)),
  })),
  perPeer("gauge", "uptime_seconds", "How long the session has been Established", uptime),
  perPeer("counter", "flaps_total", "Times that the session was lost", ({ flaps }) => ({
    value: flaps,
  })),
  messageMetric("received", ({ received }) => received),
  messageMetric("sent", ({ sent }) => sent),
  prefixMetric("received", "Prefixes received, before import policy", (peer, { paths }) => {
    return paths.counts(peer.index).paths;
  }),
  prefixMetric("accepted", "Prefixes that import policy accepted", (peer, { paths }) => {
    const counts = paths.counts(peer.index);
    return counts.paths - counts.filtered;
  }),
  prefixMetric("stale", "Prefixes kept from a session that has ended", (peer, { paths }) => {
    return paths.counts(peer.index).stale;
  }),
  prefixMetric(
    "long_lived_stale",
    "Of those, prefixes that are a last resort, the restart time being over",
    (peer, { paths }) => paths.counts(peer.index).longLived,
  ),
  prefixMetric("sent", "Prefixes that the peer is sent", (peer, { family }) => {
    const inForce = peer.families.find(({ key }) => key === family.key);
    return inForce?.group.advertisedTo(peer.index) ?? 0;
  }),
  perPeer(
    "counter",
    "prefixes_discarded_total",
    "Announcements refused, as the peer had as many prefixes as it may",
    ({ prefixesDiscarded }) => ({ value: prefixesDiscarded }),
  ),
  perPeer(
    "counter",
    "prefix_limit_exceeded_total",
    "Times that the peer exceeded its limit on prefixes",
    ({ prefixLimitsExceeded }) => ({ value: prefixLimitsExceeded }),
  ),
  {
    name: "margay_peer_offences_total",
    help: "What the peer did that it should not, by kind; kinds that never came are left out",
    type: "counter",
    *samples({ driver }) {
      for (const { address, offences } of driver.speaker.peers()) {
        for (const [kind, value] of offences ?? [])
          yield { labels: { peer: address, kind }, value };
      }
    },
  },
  {
    name: "margay_offences_total",
    help: "The same by all peers, those that are forgotten included",
    type: "counter",
    *samples({ driver }) {
      const { totals } = driver.speaker.offences;
      for (const kind of Object.keys(offenceTexts) as Offence[]) {
        yield { labels: { kind }, value: totals.get(kind) ?? 0 };
      }
    },
  },
  perPeer(
    "gauge",
    "receive_queue_bytes",
    "Received from the peer and not worked off yet",
    (peer, { driver }) => ({ value: driver.speaker.pendingOctets(peer) }),
  ),
  perPeer(
    "gauge",
    "send_queue_bytes",
    "Sent to the peer and not taken by the kernel yet",
    (peer, { driver }) => ({
      value: driver.endpoint(peer.fsm.establishedConnection)?.queuedOctets ?? 0,
    }),
  ),
  perPeer("gauge", "log_bytes", "Encoded, and not sent to the peer yet", ({ families }) => ({
    value: families.reduce((sum, { group, member }) => sum + group.waitingOctets(member), 0),
  })),
  perPeer(
    "gauge",
    "missed_prefixes",
    "Prefixes to tell the peer of, which fell too far behind to be told every change",
    ({ families }) => ({
      value: families.reduce((sum, { member }) => sum + (member.missed?.size ?? 0), 0),
    }),
  ),
];

function isEstablished({ fsm }: Peer): boolean {
  return fsm.establishedConnection !== undefined;
}

function uptime(peer: Peer, { clock }: StatusSources): Sample {
  return { value: isEstablished(peer) ? (clock.nowMs() - peer.stateSinceMs) / 1000 : 0 };
}

function* peerStates({ driver }: StatusSources): Generator<Sample> {
  const counts = new Map<string, number>(states.map((state) => [state, 0]));
  for (const { fsm } of driver.speaker.peers()) {
    counts.set(fsm.state, (counts.get(fsm.state) ?? 0) + 1);
  }
  for (const [state, value] of counts) yield { labels: { state }, value };
}

function perPeer(
  type: "gauge" | "counter",
  suffix: string,
  help: string,
  sample: (peer: Peer, sources: StatusSources) => Sample,
): Metric {
  return {
    name: `margay_peer_${suffix}`,
    help,
    type,
    *samples(sources) {
      for (const peer of sources.driver.speaker.peers()) {
        const { labels, value } = sample(peer, sources);
        yield { labels: { peer: peer.address, ...labels }, value };
      }
    },
  };
}

function messageMetric(
  direction: "received" | "sent",
  counts: (peer: Peer) => MessageCounts,
): Metric {
  return {
    name: `margay_peer_messages_${direction}_total`,
    help: `BGP messages ${direction}, by type`,
    type: "counter",
    *samples({ driver }) {
      for (const peer of driver.speaker.peers()) {
        for (const [type, index] of messageTypes) {
          yield { labels: { peer: peer.address, type }, value: counts(peer)[index] };
        }
      }
    },
  };
}

function prefixMetric(
  what: string,
  help: string,
  count: (peer: Peer, rib: FamilyRib) => number,
): Metric {
  return {
    name: `margay_peer_prefixes_${what}`,
    help,
    type: "gauge",
    *samples({ driver }) {
      for (const peer of driver.speaker.peers()) {
        for (const rib of driver.speaker.ribs.values()) {
          const isOffered = peer.settings.families.includes(rib.family);
          const labels = { peer: peer.address, family: rib.family.name };
          if (isOffered) yield { labels, value: count(peer, rib) };
        }
      }
    },
  };
}
