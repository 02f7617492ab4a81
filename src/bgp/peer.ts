import type { PrefixLimitState } from "./prefix-limit.ts";
import { parseIpAddress, withoutZone } from "../net/ip-address.ts";
import { formatHex } from "../wire/hex.ts";
import type {
  GracefulRestartCapability,
  LongLivedGracefulRestartCapability,
} from "./capability/capability.ts";
import type { DownReason } from "./fsm/action.ts";
import type { Negotiated } from "./fsm/negotiate.ts";
import type { StartEvent } from "./fsm/event.ts";
import type { PeerFsm } from "./fsm/peer.ts";
import type { Offence } from "./offence.ts";
import type { UpdateGroup } from "./rib/update-group.ts";
import type { GroupMember } from "./rib/group-member.ts";
import type { LocalEnd } from "./next-hop-self.ts";
import { isExternalAsn } from "./fsm/peer-asn.ts";
import type { ImportPolicy } from "./rib/import-policy.ts";
import type { PathSource, RibPeer } from "./rib/source.ts";
import { type PeerSettings, sourceOf } from "./peer-settings.ts";
import { importPolicy } from "./session-policy.ts";
import type { SpeakerConfig } from "./speaker-config.ts";

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

/** A family whose paths are kept over the peer's restart. */
export interface StaleFamily {
  /** The restart time is over: they are a last resort (RFC 9494). */
  isLongLived: boolean;
  /** When they go, or become long-lived: milliseconds of the speaker's clock. */
  untilMs: number;
}

/** Why a peer shall have no session. */
export interface PeerHold {
  readonly by: "operator" | "configuration" | "prefix-limit";
  /** For people. */
  readonly text: string;
}

/** How a peer is taken in: from a range, held down (`undefined`: by its settings alone), started other than at once. */
export interface PeerAdmission {
  readonly isDynamic?: boolean;
  readonly held?: PeerHold | undefined;
  readonly start?: StartEvent;
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
  generation = 0;
  /** Of the present session. */
  negotiated: Negotiated | undefined;
  /** Of the present or the last session: for people. */
  lastNegotiated: Negotiated | undefined;
  /** Of the present or the last session. */
  localEnd: LocalEnd = {};
  families: PeerFamily[] = [];
  /** `familyKey`s whose End-of-RIB came in this session. */
  readonly endOfRibs = new Set<number>();
  /** `familyKey`s whose paths are kept over the peer's restart. */
  readonly staleFamilies = new Map<number, StaleFamily>();
  /** `familyKey`s that the peer is sending again, between BoRR and EoRR (RFC 7313). */
  readonly refreshing = new Set<number>();
  /** What has become of the limit on prefixes in this session, by `familyKey`. */
  readonly prefixLimits = new Map<number, PrefixLimitState>();
  /** Announcements refused, and times that a limit was exceeded, since the peer is known. */
  prefixesDiscarded = 0;
  prefixLimitsExceeded = 0;
  /** What it did wrong, and how often, since it is known; `undefined` where there is nothing. */
  offences: Map<Offence, number> | undefined;
  /** Why there shall be no session; `undefined` where there shall be one. */
  held: PeerHold | undefined;
  /** Of the last session, for the case that it ends. */
  gracefulRestart: GracefulRestartCapability | undefined;
  longLivedGracefulRestart: LongLivedGracefulRestartCapability | undefined;
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
    createFsm: (current: () => PeerSettings) => PeerFsm,
    options: {
      readonly config: SpeakerConfig;
      readonly nowMs: number;
      readonly isDynamic: boolean;
    },
  ) {
    this.index = index;
    this.settings = settings;
    this.fsm = createFsm(() => this.settings);
    this.isDynamic = options.isDynamic;
    this.addressOrder = addressOrder(settings.address);
    this.importPolicy = importPolicy(settings, undefined, options.config);
    this.source = sourceOf(settings, isExternalAsn(settings.asn, options.config.asn) ?? false);
    this.stateSinceMs = options.nowMs;
  }

  /** Who speaks at the address from now on. @returns whether that is somebody else than before */
  becomes(identifier: number, source: PathSource): boolean {
    if (identifier === this.identifier && source === this.source) return false;
    this.identifier = identifier;
    this.source = source;
    this.generation++;
    return true;
  }

  get address(): string {
    return this.settings.address;
  }

  get device(): string | undefined {
    return this.localEnd.device;
  }

  /** Has every family in force had its End-of-RIB? */
  get hasSentEndOfRib(): boolean {
    return (
      this.negotiated !== undefined && this.families.every(({ key }) => this.endOfRibs.has(key))
    );
  }
}

function addressOrder(address: string): string {
  const octets = parseIpAddress(withoutZone(address)) ?? new Uint8Array(16);
  const hex = formatHex(octets);
  return octets.length === 4 ? `00000000000000000000ffff${hex}` : hex;
}
