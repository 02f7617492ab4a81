import { describePolicy } from "../bgp/describe-policy.ts";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { PeerView } from "../api/views.ts";
import type {
  Capability,
  LongLivedGracefulRestartCapability,
} from "../bgp/capability/capability.ts";
import { describeCapability } from "../bgp/capability/index.ts";
import { longestStaleTimeSeconds } from "../bgp/capability/long-lived-graceful-restart.ts";
import { familyByKey } from "../bgp/family/index.ts";
import type { Negotiated } from "../bgp/fsm/negotiate.ts";
import { sendHoldSeconds } from "../bgp/fsm/send-hold.ts";
import { MessageType, maximumMessageOctets } from "../bgp/iana.ts";
import { familyKey } from "../bgp/message/codec-context.ts";
import { describeNotification } from "../bgp/message/describe-notification.ts";
import { type Offence, type OffenceCounts, offenceTexts } from "../bgp/offence.ts";
import type { MessageCounts, Peer } from "../bgp/peer.ts";
import type { PeerSettings } from "../bgp/peer-settings.ts";
import { PathSource } from "../bgp/rib/source.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { formatIpv4 } from "../net/ip-address.ts";
import type { Clock } from "../platform/clock.ts";
import type { TcpConnection } from "../platform/tcp.ts";
import type { SpeakerDriver } from "../session/speaker-driver.ts";

/** The wall-clock time of a moment on the monotonic clock. */
export function timestampOf(clock: Clock, atMs: number): ReturnType<typeof timestampFromMs> {
  return timestampFromMs(Math.round(clock.wallMs() - (clock.nowMs() - atMs)));
}

function familyName(afi: number, safi: number): string {
  return familyByKey(familyKey(afi, safi))?.name ?? `${afi}/${safi}`;
}

function countsView(counts: MessageCounts): PeerView["messagesIn"] {
  return {
    open: BigInt(counts[MessageType.open]),
    update: BigInt(counts[MessageType.update]),
    notification: BigInt(counts[MessageType.notification]),
    keepalive: BigInt(counts[MessageType.keepalive]),
    routeRefresh: BigInt(counts[MessageType.routeRefresh]),
  };
}

function negotiatedView(negotiated: Negotiated, settings: PeerSettings): NegotiatedView {
  const { sendHoldTimeSeconds } = settings;
  const { gracefulRestart, longLivedGracefulRestart } = negotiated;
  const { localCapabilities, peerCapabilities, codec } = negotiated;
  return {
    holdTimeSeconds: negotiated.holdTimeSeconds,
    keepaliveSeconds: negotiated.keepaliveSeconds,
    families: negotiated.families.map(({ afi, safi }) => familyName(afi, safi)),
    fourOctetAs: negotiated.codec.fourOctetAs,
    routeRefresh: negotiated.routeRefresh,
    enhancedRouteRefresh: negotiated.enhancedRouteRefresh,
    extendedNextHop: negotiated.extendedNextHop,
    extendedMessages: negotiated.codec.maximumMessageOctets > maximumMessageOctets,
    addPath: addPathView(negotiated),
    localRole: codec.external ? roleIn(localCapabilities) : "",
    peerRole: codec.external ? roleIn(peerCapabilities) : "",
    sendHoldTimeSeconds: sendHoldSeconds(sendHoldTimeSeconds, negotiated.holdTimeSeconds),
    localHoldTimeSeconds: negotiated.localHoldTimeSeconds,
    peerHoldTimeSeconds: negotiated.peerHoldTimeSeconds,
    localExtendedParameters: negotiated.localExtendedParameters,
    peerExtendedParameters: negotiated.peerExtendedParameters,
    ...(gracefulRestart !== undefined && {
      gracefulRestart: {
        restartTimeSeconds: gracefulRestart.restartTimeSeconds,
        restarted: gracefulRestart.restarted,
        families: gracefulRestart.families.map(({ afi, safi }) => familyName(afi, safi)),
        notification: negotiated.gracefulNotification,
      },
    }),
    ...(longLivedGracefulRestart !== undefined && {
      longLivedGracefulRestart: longLivedView(longLivedGracefulRestart, settings),
    }),
  };
}

function longLivedView(
  { families }: LongLivedGracefulRestartCapability,
  { longLivedStaleMaximumSeconds = longestStaleTimeSeconds }: PeerSettings,
): NonNullable<NegotiatedView["longLivedGracefulRestart"]> {
  return {
    families: families.map(({ afi, safi, staleTimeSeconds }) => ({
      family: familyName(afi, safi),
      offeredSeconds: staleTimeSeconds,
      staleTimeSeconds: Math.min(staleTimeSeconds, longLivedStaleMaximumSeconds),
    })),
  };
}

type NegotiatedView = NonNullable<PeerView["negotiated"]>;

/** Within an AS roles mean nothing (RFC 9234 §4.1). */
function roleIn(capabilities: readonly Capability[]): string {
  const named = capabilities.find((capability) => capability.name === "role");
  return named === undefined ? "" : describeCapability(named).text;
}

function addPathView({ families, codec }: Negotiated): NonNullable<NegotiatedView["addPath"]> {
  return families.flatMap(({ afi, safi }) => {
    const key = familyKey(afi, safi);
    const [receive, send] = [codec.addPathReceive.has(key), codec.addPathSend.has(key)];
    return receive || send ? [{ family: familyName(afi, safi), receive, send }] : [];
  });
}

function lastDownView(peer: Peer, clock: Clock): PeerView["lastDown"] {
  // While a session is up, attempts that failed before it are nobody's concern; the session before it is.
  const isUp = peer.fsm.state === "Established";
  const reason = isUp ? peer.lastSessionDown?.reason : peer.fsm.lastDown;
  const atMs = isUp ? peer.lastSessionDown?.atMs : peer.downAtMs;
  if (reason === undefined) return undefined;
  const { notification } = reason;
  return {
    ...(atMs !== undefined && { time: timestampOf(clock, atMs) }),
    event: reason.event,
    text: reason.text,
    direction: reason.direction ?? "",
    code: notification?.code ?? 0,
    subcode: notification?.subcode ?? 0,
    notification: notification === undefined ? "" : describeNotification(notification),
  };
}

function queuesView(
  peer: Peer,
  { speaker }: SpeakerDriver,
  tcp: TcpConnection,
): PeerView["queues"] {
  let logOctets = 0;
  let missedPrefixes = 0;
  for (const { group, member } of peer.families) {
    logOctets += group.waitingOctets(member);
    missedPrefixes += member.missed?.size ?? 0;
  }
  return {
    receiveBytes: BigInt(speaker.pendingOctets(peer)),
    sendBytes: BigInt(tcp.queuedOctets),
    logBytes: BigInt(logOctets),
    missedPrefixes,
  };
}

function transportView(options: ReturnType<SpeakerDriver["transport"]>): PeerView["transport"] {
  const { isSigned, ttl = 0, minimumTtl = 0, dscp = 0, userTimeoutMs = 0, device = "" } = options;
  const userTimeoutSeconds = Math.ceil(userTimeoutMs / 1000);
  return { md5: isSigned, ttl, minimumTtl, dscp, userTimeoutSeconds, device };
}

/** Counts of what should not have happened, in the order of their table. */
export function offencesView(counts: OffenceCounts | undefined): NonNullable<PeerView["offences"]> {
  if (counts === undefined) return [];
  const kinds = Object.keys(offenceTexts) as Offence[];
  return kinds.flatMap((kind) => {
    const count = counts.get(kind);
    return count === undefined ? [] : [{ kind, text: offenceTexts[kind], count: BigInt(count) }];
  });
}

function staleSecondsLeft({ staleFamilies }: Peer, key: number, clock: Clock): number {
  const untilMs = staleFamilies.get(key)?.untilMs ?? 0;
  return Math.max(0, Math.ceil((untilMs - clock.nowMs()) / 1000));
}

/** One peer as the API shows it. */
export function peerView(peer: Peer, driver: SpeakerDriver, clock: Clock): PeerView {
  const { settings, negotiated, lastNegotiated, fsm } = peer;
  const { speaker } = driver;
  const isEstablished = fsm.state === "Established";
  const tcp = driver.endpoint(fsm.establishedConnection);
  const families = [...speaker.ribs.values()].flatMap((rib) => {
    const counts = rib.paths.counts(peer.index);
    const group = peer.families.find(({ key }) => key === rib.family.key)?.group;
    if (group === undefined && counts.paths === 0) return [];
    return [
      {
        family: rib.family.name,
        received: counts.paths,
        accepted: counts.paths - counts.filtered,
        advertised: group?.advertisedTo(peer.index) ?? 0,
        limit: settings.maximumPrefixes?.limit ?? 0,
        nextHopSelf: group?.profile.nextHopSelf ?? "",
        linkLocalSelf: group?.profile.linkLocalSelf ?? "",
        discarded: peer.prefixLimits.get(rib.family.key)?.discarded ?? 0,
        stale: counts.stale,
        longLivedStale: counts.longLived,
        staleSecondsLeft: staleSecondsLeft(peer, rib.family.key, clock),
      },
    ];
  });
  const lastDown = lastDownView(peer, clock);
  return {
    address: settings.address,
    port: settings.port,
    name: settings.name === settings.address ? "" : settings.name,
    kind: settings.kind,
    localAsn: settings.localAs ?? speaker.config.asn,
    remoteAsn: lastNegotiated?.peerAsn ?? (typeof settings.asn === "number" ? settings.asn : 0),
    state: fsm.state,
    since: timestampOf(clock, peer.stateSinceMs),
    uptimeSeconds: isEstablished ? Math.floor((clock.nowMs() - peer.stateSinceMs) / 1000) : 0,
    families,
    messagesIn: countsView(peer.received),
    messagesOut: countsView(peer.sent),
    ...(lastDown !== undefined && { lastDown }),
    flaps: peer.flaps,
    offences: offencesView(peer.offences),
    remoteIdentifier: peer.identifier === 0 ? "" : formatIpv4(peer.identifier),
    ...(negotiated !== undefined && { negotiated: negotiatedView(negotiated, settings) }),
    localCapabilities: lastNegotiated?.localCapabilities.map(describeCapability) ?? [],
    remoteCapabilities: lastNegotiated?.peerCapabilities.map(describeCapability) ?? [],
    localEndpoint: tcp === undefined ? "" : formatEndpoint(tcp.localAddress, tcp.localPort),
    remoteEndpoint: tcp === undefined ? "" : formatEndpoint(tcp.remoteAddress, tcp.remotePort),
    transport: transportView(driver.transport(peer)),
    policies: [...describePolicy(settings, { external: peer.source === PathSource.external })],
    reflectorClient: peer.source === PathSource.client,
    held: peer.held?.text ?? "",
    ...(tcp !== undefined && { queues: queuesView(peer, driver, tcp) }),
  };
}
