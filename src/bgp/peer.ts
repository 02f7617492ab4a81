import { parseIpAddress } from "../net/ip-address.ts";
import type { Prefix } from "../net/prefix.ts";
import { formatHex } from "../wire/hex.ts";
import type { Capability, GracefulRestartCapability } from "./capability/capability.ts";
import type { Family } from "./family/family.ts";
import type { DownReason } from "./fsm/action.ts";
import type { Negotiated } from "./fsm/negotiate.ts";
import type { PeerFsm } from "./fsm/peer.ts";
import type { PeerFsmConfig } from "./fsm/peer-config.ts";
import type { UpdateGroup } from "./rib/update-group.ts";
import type { GroupMember } from "./rib/group-member.ts";
import { ImportPolicy } from "./rib/import-policy.ts";
import { PathSource, type RibPeer } from "./rib/source.ts";
import type { PeerTransport } from "./peer-transport.ts";
import type { SpeakerConfig } from "./speaker-config.ts";

/** What an operator, or the topology, says of a peer. */
export interface PeerSettings {
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
  /** `any` takes the number that the peer's OPEN says. */
  readonly asn: number | "any";
  /** Never dialled. */
  readonly passive: boolean;
  /** Our reflection client (RFC 4456). */
  readonly client: boolean;
  readonly families: readonly Family[];
  /** Prefixes inside one of these are accepted; `any` is everything but martians. */
  readonly importPrefixes: readonly Prefix[] | "any";
  /** Prefixes inside one of these are refused all the same: our own. */
  readonly importNever: readonly Prefix[];
  /** Sent only what is originated here. */
  readonly exportOwnOnly: boolean;
  /** 0, or 3..65535 */
  readonly holdTimeSeconds: number;
  readonly connectRetrySeconds: number;
  readonly idleHoldSeconds: number;
  readonly idleHoldMaximumSeconds: number;
  /** Restart Time offered, 0..4095; with 0 the peer is to keep nothing of ours. */
  readonly gracefulRestartSeconds: number;
}

/** Messages of each type, by `MessageType`. */
export type MessageCounts = [
  unused: number,
  open: number,
  update: number,
  notification: number,
  keepalive: number,
  routeRefresh: number,
];

/** One family in force on a session. */
export interface PeerFamily {
  readonly key: number;
  readonly group: UpdateGroup;
  readonly member: GroupMember;
}

/** A peer of the speaker: its settings, its FSM, and what the RIBs keep of it. */
export class Peer implements RibPeer {
  readonly index: number;
  settings: PeerSettings;
  readonly fsm: PeerFsm;
  readonly addressOrder: string;
  importPolicy: ImportPolicy;
  /** Accepted from a range rather than configured: forgotten when its session ends. */
  readonly isDynamic: boolean;
  source: PathSource;
  identifier = 0;
  /** Of the present session. */
  negotiated: Negotiated | undefined;
  /** Of the present or the last session: for people. */
  lastNegotiated: Negotiated | undefined;
  families: PeerFamily[] = [];
  /** `familyKey`s whose End-of-RIB came in this session. */
  readonly endOfRibs = new Set<number>();
  /** `familyKey`s whose paths are kept over the peer's restart. */
  readonly staleFamilies = new Set<number>();
  /** Of the last session, for the case that it ends. */
  gracefulRestart: GracefulRestartCapability | undefined;
  readonly received: MessageCounts = [0, 0, 0, 0, 0, 0];
  readonly sent: MessageCounts = [0, 0, 0, 0, 0, 0];
  /** Milliseconds of the speaker's clock. */
  stateSinceMs: number;
  /** When the last session or attempt ended. */
  downAtMs: number | undefined;
  /** How the last session that was Established ended. */
  lastSessionDown: { readonly reason: DownReason; readonly atMs: number } | undefined;
  /** Times that a session was lost. */
  flaps = 0;

  constructor(
    index: number,
    settings: PeerSettings,
    fsm: PeerFsm,
    options: { readonly localAsn: number; readonly nowMs: number; readonly isDynamic: boolean },
  ) {
    this.index = index;
    this.settings = settings;
    this.fsm = fsm;
    this.isDynamic = options.isDynamic;
    this.addressOrder = addressOrder(settings.address);
    this.importPolicy = importPolicyOf(settings);
    this.source = sourceOf(settings, settings.asn !== "any" && settings.asn !== options.localAsn);
    this.stateSinceMs = options.nowMs;
  }

  get address(): string {
    return this.settings.address;
  }

  /** Has every family in force had its End-of-RIB? */
  get hasSentEndOfRib(): boolean {
    return (
      this.negotiated !== undefined && this.families.every(({ key }) => this.endOfRibs.has(key))
    );
  }
}

/** The import policy that settings describe. */
export function importPolicyOf(settings: PeerSettings): ImportPolicy {
  return new ImportPolicy(settings.importPrefixes, settings.importNever);
}

/** One text per set of settings that a session is built on. */
export function sessionSettings(settings: PeerSettings): string {
  const { name, kind, importPrefixes, importNever, families: offered, ...rest } = settings;
  return JSON.stringify([rest, offered.map((family) => family.key)]);
}

/** Where paths of a peer come from, once it is known whether it is in another AS. */
export function sourceOf(settings: PeerSettings, external: boolean): PathSource {
  if (external) return PathSource.external;
  return settings.client ? PathSource.client : PathSource.nonClient;
}

function addressOrder(address: string): string {
  const octets = parseIpAddress(address) ?? new Uint8Array(16);
  const hex = formatHex(octets);
  return octets.length === 4 ? `00000000000000000000ffff${hex}` : hex;
}

/** What our OPENs say of our own restart, RFC 4724 §3. */
interface RestartState {
  readonly restarted: boolean;
  readonly forwardingPreserved: boolean;
}

/** What the FSM of a peer with these settings must know; `restart` is asked at each OPEN. */
export function fsmConfig(
  settings: PeerSettings,
  { asn, identifier }: Pick<SpeakerConfig, "asn" | "identifier">,
  restart: () => RestartState,
  noAnswerHint: () => string | undefined,
): PeerFsmConfig {
  return {
    localAsn: asn,
    peerAsn: settings.asn,
    localIdentifier: identifier,
    holdTimeSeconds: settings.holdTimeSeconds,
    connectRetrySeconds: settings.connectRetrySeconds,
    idleHoldSeconds: settings.idleHoldSeconds,
    idleHoldMaximumSeconds: settings.idleHoldMaximumSeconds,
    passive: settings.passive,
    noAnswerHint,
    capabilities: () => offeredCapabilities(settings, asn, restart()),
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
  capabilities.push({ name: "routeRefresh" }, { name: "fourOctetAs", asn: localAsn });
  // Without families it keeps nothing, and still tells the peer that we wait for End-of-RIB (RFC 4724 §3).
  const families = settings.gracefulRestartSeconds === 0 ? [] : settings.families;
  capabilities.push({
    name: "gracefulRestart",
    restarted: restart.restarted,
    notification: false,
    restartTimeSeconds: settings.gracefulRestartSeconds,
    families: families.map(({ afi, safi }) => ({
      afi,
      safi,
      forwardingPreserved: restart.forwardingPreserved,
    })),
  });
  return capabilities;
}
