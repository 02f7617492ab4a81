import type { AsPathSegment, PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { PathSource, type RibPeer } from "../../src/bgp/rib/source.ts";
import type { ExportProfile } from "../../src/bgp/rib/export-profile.ts";

const noExport = 0xffff_ff01;
const noAdvertise = 0xffff_ff02;
const llgrStale = 0xffff_0006;

/** What a peer should be sent of a selected path by RFC 4271 §5, RFC 4456 §6 and §8, RFC 1997, RFC 8950, RFC 9494: written apart from the code it judges. */
export function expectedExport(
  path: { readonly peer: RibPeer; readonly attributes: PathAttributes },
  to: RibPeer,
  profile: ExportProfile,
): PathAttributes | undefined {
  const { peer: from, attributes } = path;
  const communities = attributes.communities ?? [];
  if (from.index === to.index || communities.includes(noAdvertise)) return undefined;
  if (profile.advertise === "own" && from.source !== PathSource.local) return undefined;
  const isTold = profile.takesIpv6NextHop || attributes.nextHop?.includes(":") !== true;
  if (!profile.external && !isTold) return undefined;
  const isLlgrStale = communities.includes(llgrStale);
  if (isLlgrStale && profile.longLivedStale === "withheld") return undefined;
  if (profile.external) {
    return communities.includes(noExport) ? undefined : toExternal(attributes, from, profile);
  }
  if (from.source === PathSource.nonClient && to.source !== PathSource.client) return undefined;
  const isBetweenClients = from.source === PathSource.client && to.source === PathSource.client;
  if (isBetweenClients && !profile.clientToClient) return undefined;
  const sent = {
    ...attributes,
    localPref: attributes.localPref ?? 100,
    ...(isLlgrStale && profile.longLivedStale === "demoted" && demotion(communities)),
  };
  if (from.source !== PathSource.client && from.source !== PathSource.nonClient) return sent;
  return {
    ...sent,
    originatorId: attributes.originatorId ?? from.identifier,
    clusterList: [profile.clusterId, ...(attributes.clusterList ?? [])],
  };
}

function demotion(communities: readonly number[]): PathAttributes {
  return { localPref: 0, communities: [...new Set([...communities, noExport])] };
}

function toExternal(
  attributes: PathAttributes,
  from: RibPeer,
  profile: ExportProfile,
): PathAttributes {
  const { localPref, multiExitDisc, originatorId, clusterList, linkLocalNextHop, ...rest } =
    attributes;
  return {
    ...rest,
    asPath: prepended(attributes.asPath ?? [], profile.policy.prepended[0] ?? 0),
    nextHop: profile.nextHopSelf,
    ...(from.source === PathSource.local && multiExitDisc !== undefined && { multiExitDisc }),
  };
}

function prepended(path: readonly AsPathSegment[], asn: number): readonly AsPathSegment[] {
  const first = path[0];
  const isSequence = first?.type === 2;
  return isSequence
    ? [{ type: 2, asns: [asn, ...first.asns] }, ...path.slice(1)]
    : [{ type: 2, asns: [asn] }, ...path];
}
