import type { Family } from "./family/family.ts";
import { isExternalAsn } from "./fsm/peer-asn.ts";
import type { Negotiated } from "./fsm/negotiate.ts";
import { linkLocalSelf, type LocalEnd, nextHopSelf } from "./next-hop-self.ts";
import { advertised, exportPolicyOf, importPolicyOf, type PolicySession } from "./peer-policy.ts";
import type { AddPathSettings, PeerSettings } from "./peer-settings.ts";
import { allPaths, type ExportProfile } from "./rib/export-profile.ts";
import type { ImportPolicy } from "./rib/import-policy.ts";
import type { SpeakerConfig } from "./speaker-config.ts";

function sessionOf(
  { address, asn }: PeerSettings,
  negotiated: Negotiated | undefined,
  config: SpeakerConfig,
): PolicySession {
  return {
    external: negotiated?.codec.external ?? isExternalAsn(asn, config.asn) ?? false,
    peerAsn: negotiated?.peerAsn ?? 0,
    peerAddress: address,
    asn: config.asn,
    subnets: config.subnets ?? [],
  };
}

/** The import policy of a peer; `negotiated` is absent before its first session. */
export function importPolicy(
  settings: PeerSettings,
  negotiated: Negotiated | undefined,
  config: SpeakerConfig,
): ImportPolicy {
  return importPolicyOf(settings, sessionOf(settings, negotiated, config));
}

function addPaths(send: AddPathSettings["send"]): number {
  return send === "all" ? allPaths : send;
}

function longLivedStale(
  { longLivedPartialDeployment = false }: PeerSettings,
  { codec, longLivedGracefulRestart }: Negotiated,
): ExportProfile["longLivedStale"] {
  if (longLivedGracefulRestart !== undefined) return "sent";
  return longLivedPartialDeployment && !codec.external ? "demoted" : "withheld";
}

/** The export profile of a peer's session for a family. */
export function exportProfile(
  { settings, localEnd }: { readonly settings: PeerSettings; readonly localEnd: LocalEnd },
  negotiated: Negotiated,
  config: SpeakerConfig,
  family: Family,
): ExportProfile {
  const { codec, extendedNextHop } = negotiated;
  const session = sessionOf(settings, negotiated, config);
  const takesIpv6NextHop = family.version === 6 || extendedNextHop;
  const self = nextHopSelf(family, { settings, config, localEnd, extendedNextHop });
  return {
    external: codec.external,
    client: settings.client && !codec.external,
    advertise: advertised(settings, session),
    fourOctetAs: codec.fourOctetAs,
    maximumMessageOctets: codec.maximumMessageOctets,
    addPaths: codec.addPathSend.has(family.key) ? addPaths(settings.addPath?.send ?? 0) : 0,
    clusterId: config.clusterId,
    clientToClient: config.clientToClient ?? true,
    nextHopSelf: self,
    linkLocalSelf: linkLocalSelf(self, localEnd),
    linkSubnets: takesIpv6NextHop ? (localEnd.linkSubnets ?? []) : [],
    takesIpv6NextHop,
    longLivedStale: longLivedStale(settings, negotiated),
    minRouteAdvertisementIntervalSeconds: settings.minRouteAdvertisementIntervalSeconds,
    policy: exportPolicyOf(settings, session),
  };
}
