import type { Family } from "./family/family.ts";
import type { Prefix } from "../net/prefix.ts";
import { isLinkLocalText } from "../net/ip-address.ts";
import type { PeerSettings } from "./peer-settings.ts";
import type { SpeakerConfig } from "./speaker-config.ts";

/** Our end of a connection. All addresses are canonical and without a zone. */
export interface LocalEnd {
  /** The IP version that the connection is over. */
  readonly version?: 4 | 6;
  /** Its own address under its IP version; under the other one an address of the network device that it is on. */
  readonly 4?: string | undefined;
  readonly 6?: string | undefined;
  /** The link-local address of the device, where the peer is on the same link. */
  readonly linkLocal?: string | undefined;
  /** The IPv6 subnets of the device, likewise. */
  readonly linkSubnets?: readonly Prefix[];
  /** The network device. */
  readonly device?: string | undefined;
}

/** What decides how a session's routes name us. */
export interface NextHopSession {
  readonly settings: Pick<PeerSettings, "nextHopIpv4" | "nextHopIpv6">;
  readonly config: Pick<SpeakerConfig, "nextHopSelf">;
  readonly localEnd: LocalEnd;
  /** IPv4 routes may have IPv6 next hops (RFC 8950). */
  readonly extendedNextHop: boolean;
}

/**
 * The link-local address that goes out beside a next hop that stands for us: RFC 2545 §3 wants it where the peer is on the
 * same link, and only there. Empty where it does not.
 */
export function linkLocalSelf(nextHop: string, { linkLocal = "" }: LocalEnd): string {
  return nextHop.includes(":") && !isLinkLocalText(nextHop) ? linkLocal : "";
}

/**
 * The address that stands for us as next hop of a family's routes: what the peer's settings say, else the speaker's own
 * address of the family's IP version, else what the connection's end has. IPv4 routes have our IPv6 address where RFC 8950 is
 * in force, and the session is over IPv6 or we have no IPv4 address. Where we have no other IPv6 address it is the link-local
 * one, if the peer is on the link. Empty where there is none.
 */
export function nextHopSelf({ version }: Family, session: NextHopSession): string {
  if (version === 6) return ownAddress(6, session) ?? "";
  const { settings, localEnd, extendedNextHop } = session;
  if (extendedNextHop && localEnd.version === 6 && settings.nextHopIpv4 === undefined) {
    return ownAddress(6, session) ?? ownAddress(4, session) ?? "";
  }
  return ownAddress(4, session) ?? (extendedNextHop ? ownAddress(6, session) : undefined) ?? "";
}

function ownAddress(
  version: 4 | 6,
  { settings, config, localEnd }: NextHopSession,
): string | undefined {
  const named = version === 4 ? settings.nextHopIpv4 : settings.nextHopIpv6;
  const own = named ?? config.nextHopSelf[version] ?? localEnd[version];
  return version === 6 ? (own ?? localEnd.linkLocal) : own;
}
