import type { Capability } from "./capability/capability.ts";
import type { Family } from "./family/family.ts";
import { ipv4Unicast } from "./family/ipv4-unicast.ts";
import { isExternalAsn, type PeerAsn } from "./fsm/peer-asn.ts";
import type { PeerFsmConfig } from "./fsm/peer-config.ts";
import { Afi } from "./iana.ts";
import { preservesForwarding, type RestartState } from "./own-restart.ts";
import type { PeerPolicy } from "./peer-policy.ts";
import type { PeerTransport } from "./peer-transport.ts";
import type { PrefixLimit } from "./prefix-limit.ts";
import { PathSource } from "./rib/source.ts";
import type { SpeakerConfig } from "./speaker-config.ts";

/**
 * What an operator, or the topology, says of a peer. Most fields are options of the configuration by the same name
 * (src/config/peer-schema.ts), where their ranges and defaults stand.
 */
export interface PeerSettings extends PeerPolicy {
  /** Canonical. */
  readonly address: string;
  /** TCP port to dial. */
  readonly port: number;
  /** Absent: `plainTransport`. */
  readonly transport?: PeerTransport | undefined;
  /** For people: the node's name, say. */
  readonly name: string;
  /** For people: mesh, reflector, client, external, … */
  readonly kind: string;
  readonly asn: PeerAsn;
  /** Never dialled. */
  readonly passive: boolean;
  /** Our reflection client (RFC 4456), where it is in our AS. */
  readonly client: boolean;
  readonly families: readonly Family[];
  /** 0, or 3..65535 */
  readonly holdTimeSeconds: number;
  /** Send Hold Time (RFC 9687): 0 for none, absent for what the RFC suggests. */
  readonly sendHoldTimeSeconds?: number | undefined;
  readonly connectRetrySeconds: number;
  readonly idleHoldSeconds: number;
  readonly idleHoldMaximumSeconds: number;
  /** Restart Time offered, 0..4095; with 0 the peer is to keep nothing of ours. */
  readonly gracefulRestartSeconds: number;
  /**
   * Offer that graceful restart covers sessions that end by NOTIFICATION or silence, too (RFC 8538). Absent: where the
   * peer is in our AS.
   */
  readonly gracefulNotification?: boolean | undefined;
  /**
   * Long-lived Stale Time offered (RFC 9494), 0..16777215: for so long after the restart time the peer is to keep our paths
   * as a last resort. With 0 it is to keep none, and may send us what it keeps of others. Absent: nothing is offered.
   */
  readonly longLivedStaleSeconds?: number | undefined;
  /** The longest that the peer's own paths are kept so, whatever it asks for. Absent: as long as it asks for. */
  readonly longLivedStaleMaximumSeconds?: number | undefined;
  /** Between announcements, 0 to 600; 0 for none. Withdrawals never wait (RFC 4271 §9.2.1.1). */
  readonly minRouteAdvertisementIntervalSeconds: number;
  /** Offer messages of up to 65535 octets (RFC 8654). */
  readonly extendedMessages: boolean;
  /** Offer to say where a refresh begins and ends (RFC 7313). */
  readonly enhancedRouteRefresh: boolean;
  /** Absent: one path to a prefix either way. */
  readonly addPath?: AddPathSettings | undefined;
  /** Offer to take, and give, IPv6 next hops of IPv4 routes (RFC 8950). */
  readonly extendedNextHop?: boolean | undefined;
  /** Write optional parameters of OPENs in the form of RFC 9072 although they do not need it. */
  readonly extendedOpenParameters: boolean;
  /** Absent: none. */
  readonly maximumPrefixes?: PrefixLimit | undefined;
  /** No session shall come up, unless an operator enables it. */
  readonly disabled?: boolean | undefined;
}

/** Several paths to a prefix (RFC 7911), in all families of the session. */
export interface AddPathSettings {
  readonly receive: boolean;
  /** So many paths to a prefix, the best of those that may be sent; 0: one, as without. */
  readonly send: number | "all";
}

/** Settings that change under a running session. All else is part of the OPEN or of the connection: the session starts anew. */
const liveSettings: ReadonlySet<string> = new Set<keyof PeerSettings>([
  "name",
  "kind",
  "port",
  "connectRetrySeconds",
  "idleHoldSeconds",
  "idleHoldMaximumSeconds",
  "minRouteAdvertisementIntervalSeconds",
  "maximumPrefixes",
  "longLivedStaleMaximumSeconds",
  "policy",
  "importPrefixes",
  "importNever",
  "importLocalPref",
  "importMed",
  "importCommunities",
  "importLargeCommunities",
  "allowOwnAs",
  "enforceFirstAs",
  "refuseAsSets",
  "gracefulShutdown",
  "localAsNoPrepend",
  "localAsReplace",
  "advertise",
  "exportPrefixes",
  "nextHop",
  "nextHopIpv4",
  "nextHopIpv6",
  "prepend",
  "asOverride",
  "removePrivateAs",
  "exportMed",
  "exportCommunities",
  "exportLargeCommunities",
  "exportRemoveCommunities",
  "routeServerClient",
  "longLivedPartialDeployment",
]);

/** Must a session with the one settings end for the other to be in force? */
export function needsNewSession(before: PeerSettings, after: PeerSettings): boolean {
  return sessionSettings(before) !== sessionSettings(after);
}

/** One text per set of settings that a session is built on. */
function sessionSettings(settings: PeerSettings): string {
  const { families, addPath, ...rest } = settings;
  const fixed = Object.entries(rest).filter(([name]) => !liveSettings.has(name));
  fixed.sort(([a], [b]) => (a < b ? -1 : 1));
  // How many paths are sent may change; that several are may not.
  const paths = offeredAddPath({ addPath });
  return JSON.stringify([fixed, families.map(({ key }) => key), paths]);
}

function offeredAddPath({ addPath }: Pick<PeerSettings, "addPath">): {
  readonly receive: boolean;
  readonly send: boolean;
} {
  return { receive: addPath?.receive === true, send: (addPath?.send ?? 0) !== 0 };
}

/** Where paths of a peer come from, once it is known whether it is in another AS. */
export function sourceOf(settings: PeerSettings, external: boolean): PathSource {
  if (external) return PathSource.external;
  return settings.client ? PathSource.client : PathSource.nonClient;
}

/**
 * What the FSM of a peer must know.
 * @param current the peer's settings as they are now: some change under the FSM
 * @param restart asked at each OPEN
 */
export function fsmConfig(
  current: () => PeerSettings,
  { asn, identifier }: Pick<SpeakerConfig, "asn" | "identifier">,
  restart: () => RestartState,
  noAnswerHint: () => string | undefined,
): PeerFsmConfig {
  return {
    localIdentifier: identifier,
    get localAsn() {
      return current().localAs ?? asn;
    },
    get peerAsn() {
      return current().asn;
    },
    get strictRole() {
      return current().strictRole;
    },
    get holdTimeSeconds() {
      return current().holdTimeSeconds;
    },
    get sendHoldTimeSeconds() {
      return current().sendHoldTimeSeconds;
    },
    get extendedOpenParameters() {
      return current().extendedOpenParameters;
    },
    get connectRetrySeconds() {
      return current().connectRetrySeconds;
    },
    get idleHoldSeconds() {
      return current().idleHoldSeconds;
    },
    get idleHoldMaximumSeconds() {
      return current().idleHoldMaximumSeconds;
    },
    get passive() {
      return current().passive;
    },
    noAnswerHint,
    capabilities: () => offeredCapabilities(current(), current().localAs ?? asn, restart()),
  };
}

function offeredCapabilities(
  settings: PeerSettings,
  localAsn: number,
  restart: RestartState,
): readonly Capability[] {
  const capabilities: Capability[] = settings.families.map(({ afi, safi }) => ({
    name: "multiprotocol",
    afi,
    safi,
  }));
  capabilities.push({ name: "routeRefresh" });
  if (settings.enhancedRouteRefresh) capabilities.push({ name: "enhancedRouteRefresh" });
  if (settings.extendedMessages) capabilities.push({ name: "extendedMessage" });
  if (settings.extendedNextHop === true && settings.families.includes(ipv4Unicast)) {
    const { afi, safi } = ipv4Unicast;
    const families = [{ afi, safi, nextHopAfi: Afi.ipv6 }];
    capabilities.push({ name: "extendedNextHop", families });
  }
  capabilities.push({ name: "fourOctetAs", asn: localAsn });
  const paths = offeredAddPath(settings);
  if (paths.receive || paths.send) {
    const families = settings.families.map(({ afi, safi }) => ({ afi, safi, ...paths }));
    capabilities.push({ name: "addPath", families });
  }
  const isInternal = isExternalAsn(settings.asn, localAsn) === false;
  // RFC 9234 §4.1 has roles between ASes only.
  if (settings.role !== undefined && !isInternal) {
    capabilities.push({ name: "role", role: settings.role });
  }
  // Without families it keeps nothing, and still tells the peer that we wait for End-of-RIB (RFC 4724 §3).
  const families = settings.gracefulRestartSeconds === 0 ? [] : settings.families;
  const { longLivedStaleSeconds = 0 } = settings;
  capabilities.push({
    name: "gracefulRestart",
    restarted: restart.restarted,
    notification:
      families.length + longLivedStaleSeconds > 0 && (settings.gracefulNotification ?? isInternal),
    restartTimeSeconds: settings.gracefulRestartSeconds,
    families: families.map((family) => ({
      ...{ afi: family.afi, safi: family.safi },
      forwardingPreserved: preservesForwarding(restart, family),
    })),
  });
  if (settings.longLivedStaleSeconds !== undefined) {
    capabilities.push({
      name: "longLivedGracefulRestart",
      families: settings.families.map((family) => ({
        ...{ afi: family.afi, safi: family.safi },
        forwardingPreserved: preservesForwarding(restart, family),
        staleTimeSeconds: longLivedStaleSeconds,
      })),
    });
  }
  return capabilities;
}
