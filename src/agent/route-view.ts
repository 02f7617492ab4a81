import type { PrefixFilter } from "../api/prefix-filter.ts";
import { selectByPrefix } from "../api/prefix-filter.ts";
import type { RouteView } from "../api/views.ts";
import { formatAsPath } from "../bgp/attribute/as-path.ts";
import { formatCommunity, formatLargeCommunity } from "../net/community.ts";
import { formatExtendedCommunity } from "../net/extended-community.ts";
import { formatOrigin } from "../bgp/attribute/origin.ts";
import type { FamilyRib } from "../bgp/rib/family-rib.ts";
import { describePathReason, isIneligible, PathReason } from "../bgp/rib/path-reason.ts";
import { Peer } from "../bgp/peer.ts";
import type { Speaker } from "../bgp/speaker.ts";
import { formatIpv4 } from "../net/ip-address.ts";
import type { Clock } from "../platform/clock.ts";

type CandidateView = NonNullable<RouteView["candidates"]>[number];

function statusOf(reason: number): string {
  if (reason === PathReason.best) return "best";
  if (reason === PathReason.multipath) return "multipath";
  if (reason === PathReason.filtered || reason === PathReason.noPolicy) return "filtered";
  return isIneligible(reason) ? "ineligible" : "lost";
}

/** One path as the API shows it. */
export function candidateView(
  speaker: Speaker,
  rib: FamilyRib,
  row: number,
  clock: Pick<Clock, "nowMs">,
): CandidateView {
  const { paths } = rib;
  const ribPeer = speaker.ribPeer(paths.peer(row));
  const attributes = speaker.attributes.attributes(paths.attributes(row));
  const reason = paths.reason(row);
  const name = ribPeer instanceof Peer ? ribPeer.settings.name : "";
  const sentPathId = rib.sentPathId(paths.prefix(row), row);
  const hasPathId =
    ribPeer instanceof Peer && ribPeer.lastNegotiated?.codec.addPathReceive.has(rib.family.key);
  return {
    best: reason === PathReason.best,
    peer: ribPeer.address,
    peerName: name === ribPeer.address ? "" : name,
    nextHop: attributes.nextHop ?? "",
    linkLocalNextHop: attributes.linkLocalNextHop ?? "",
    asPath: formatAsPath(attributes.asPath ?? []),
    ...(attributes.localPref !== undefined && { localPref: attributes.localPref }),
    ...(attributes.multiExitDisc !== undefined && { med: attributes.multiExitDisc }),
    origin: attributes.origin === undefined ? "" : formatOrigin(attributes.origin),
    originatorId: attributes.originatorId === undefined ? "" : formatIpv4(attributes.originatorId),
    clusterList: attributes.clusterList?.map(formatIpv4) ?? [],
    communities: [
      ...(attributes.communities ?? []).map(formatCommunity),
      ...(attributes.largeCommunities ?? []).map(formatLargeCommunity),
      ...(attributes.extendedCommunities ?? []).map(formatExtendedCommunity),
    ],
    identifier: formatIpv4(ribPeer.identifier),
    status: statusOf(reason),
    reason: describePathReason(reason),
    stale: paths.isStale(row),
    longLivedStale: paths.isLongLived(row),
    ...(hasPathId && { pathId: paths.pathId(row) }),
    ...(sentPathId !== undefined && { sentPathId }),
    ageSeconds: Math.max(0, Math.floor(clock.nowMs() / 1000) - paths.atSeconds(row)),
  };
}

/** Rows of a prefix: the best first, then in the order in which they would take its place. */
export function rankedRows(rib: FamilyRib, prefix: number): number[] {
  const rows: number[] = [];
  for (let row = rib.paths.first(prefix); row >= 0; row = rib.paths.next(row)) rows.push(row);
  // The later the step that eliminated a path, the nearer it came; what may not be used comes last.
  const rank = (row: number): number => {
    const reason = rib.paths.reason(row);
    if (reason === PathReason.best) return -1;
    // Eliminated at once, although its number is the youngest.
    if (reason === PathReason.longLivedStale) return 50 - PathReason.notLocal - 0.5;
    return isIneligible(reason) ? 100 + reason : 50 - reason;
  };
  return rows.sort((a, b) => rank(a) - rank(b));
}

/** One prefix with all its paths. */
export function routeView(
  speaker: Speaker,
  rib: FamilyRib,
  prefix: number,
  clock: Pick<Clock, "nowMs">,
): RouteView {
  return {
    prefix: rib.prefixes.text(prefix),
    candidates: rankedRows(rib, prefix).map((row) => candidateView(speaker, rib, row, clock)),
  };
}

/** The id of the longest prefix with a path that holds the address, or -1. */
export function longestMatch(rib: FamilyRib, address: Uint8Array): number {
  for (let length = address.length * 8; length >= 0; length--) {
    const id = rib.prefixes.find(address, 0, length);
    if (id >= 0 && rib.locRib.attributes(id) >= 0) return id;
  }
  return -1;
}

/** The prefix ids that a filter selects: look-ups where it names one, a walk otherwise. */
export function* selectPrefixes(
  speaker: Speaker,
  filter: PrefixFilter,
): Generator<{ rib: FamilyRib; prefix: number }> {
  for (const rib of speaker.ribs.values()) {
    const octets = rib.family.version === 4 ? 4 : 16;
    if (filter.match === "longest") {
      if (filter.address.length !== octets) continue;
      const prefix = longestMatch(rib, filter.address);
      if (prefix >= 0) yield { rib, prefix };
    } else if (filter.match === "exact") {
      if (filter.prefix.version !== rib.family.version) continue;
      const prefix = rib.prefixes.find(filter.prefix.octets, 0, filter.prefix.length);
      if (prefix >= 0 && rib.paths.first(prefix) >= 0) yield { rib, prefix };
    } else {
      for (const prefix of selectByPrefix(filter, occupied(rib), (id) => rib.prefixes.prefix(id))) {
        yield { rib, prefix };
      }
    }
  }
}

function* occupied(rib: FamilyRib): Generator<number> {
  for (let prefix = 0; prefix < rib.prefixes.end; prefix++) {
    if (rib.paths.first(prefix) >= 0) yield prefix;
  }
}
