import { Writer } from "../../wire/writer.ts";
import type {
  Capability,
  GracefulRestartCapability,
  LongLivedGracefulRestartCapability,
} from "../capability/capability.ts";
import { encodeCapability } from "../capability/index.ts";
import { OpenMessageError } from "../errors.ts";
import { formatFamily } from "../family/format-family.ts";
import { Afi, extendedMessageOctets, maximumMessageOctets, OpenSubcode, Safi } from "../iana.ts";
import type { CodecContext } from "../message/codec-context.ts";
import type { OpenMessage } from "../message/message.ts";
import { negotiateAddPath } from "./negotiate-add-path.ts";
import { validateRole } from "./validate-role.ts";
import { admitsAsn, describePeerAsn, type PeerAsn } from "./peer-asn.ts";

interface Family {
  readonly afi: number;
  readonly safi: number;
}

/** What two OPENs make in force for a session. */
export interface Negotiated {
  readonly localAsn: number;
  readonly peerAsn: number;
  /** Unsigned 32-bit. */
  readonly localIdentifier: number;
  readonly peerIdentifier: number;
  /** 0 (no hold timer, no keepalives) or at least 3. */
  readonly holdTimeSeconds: number;
  /** What each side offered. */
  readonly localHoldTimeSeconds: number;
  readonly peerHoldTimeSeconds: number;
  /** A third of the hold time; 0 with it. */
  readonly keepaliveSeconds: number;
  /** Families both sides offered; IPv4 unicast is implied where neither side sent the multiprotocol capability. */
  readonly families: readonly { readonly afi: number; readonly safi: number }[];
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** The peer's graceful restart capability, when both sides sent one. */
  readonly gracefulRestart?: GracefulRestartCapability;
  /** Graceful restart covers sessions that end by NOTIFICATION, too: both sides set the N bit (RFC 8538 §2). */
  readonly gracefulNotification: boolean;
  /** The peer's capability of RFC 9494, when both sides sent one, and graceful restart's with it (§4.1). */
  readonly longLivedGracefulRestart?: LongLivedGracefulRestartCapability;
  /** IPv4 routes may go out with IPv6 next hops (RFC 8950). */
  readonly extendedNextHop: boolean;
  readonly codec: CodecContext;
  /** Whose OPEN had the form of RFC 9072 for its optional parameters. */
  readonly localExtendedParameters: boolean;
  readonly peerExtendedParameters: boolean;
  /** As offered, for people who compare the two. */
  readonly localCapabilities: readonly Capability[];
  readonly peerCapabilities: readonly Capability[];
}

/**
 * Refuses an OPEN that decodes but that this peer may not send (RFC 4271 §6.2).
 *
 * @throws OpenMessageError 2/2 (AS number; 0 always, RFC 7607), 2/3 (identifier 0, or ours within one AS, RFC 6286 §2.2),
 * 2/6 (hold time of 1 or 2 seconds), 2/7 (no family in common; the data are the capabilities missed, RFC 5492 §5),
 * 2/11 (role, RFC 9234)
 */
export function validateOpen(
  expectedAsn: PeerAsn,
  localOpen: OpenMessage,
  peerOpen: OpenMessage,
  strictRole = false,
): void {
  validateAsn(expectedAsn, localOpen.asn, peerOpen.asn);
  validateIdentifier(localOpen, peerOpen);
  const { holdTimeSeconds } = peerOpen;
  if (holdTimeSeconds === 1 || holdTimeSeconds === 2) {
    throw new OpenMessageError(
      OpenSubcode.unacceptableHoldTime,
      `hold time of ${holdTimeSeconds} s: must be 0 or at least 3`,
      Uint8Array.of(0, holdTimeSeconds),
    );
  }
  validateFamilies(localOpen, peerOpen);
  validateRole(localOpen, peerOpen, strictRole);
}

function validateAsn(expected: PeerAsn, localAsn: number, asn: number): void {
  if (admitsAsn(expected, localAsn, asn)) return;
  throw new OpenMessageError(
    OpenSubcode.badPeerAs,
    `the peer says it is AS ${asn}, expected ${describePeerAsn(expected, localAsn)}`,
  );
}

function validateIdentifier(localOpen: OpenMessage, peerOpen: OpenMessage): void {
  if (peerOpen.bgpIdentifier === 0) {
    throw new OpenMessageError(
      OpenSubcode.badBgpIdentifier,
      "the peer's BGP identifier is 0.0.0.0",
    );
  }
  if (peerOpen.asn === localOpen.asn && peerOpen.bgpIdentifier === localOpen.bgpIdentifier) {
    throw new OpenMessageError(
      OpenSubcode.badBgpIdentifier,
      "the peer has our own BGP identifier, which must be unique within an AS",
    );
  }
}

function validateFamilies(localOpen: OpenMessage, peerOpen: OpenMessage): void {
  const wanted = familiesOf(localOpen);
  if (commonFamilies(wanted, familiesOf(peerOpen)).length > 0) return;
  const writer = new Writer();
  for (const family of wanted) encodeCapability({ ...family, name: "multiprotocol" }, writer);
  const names = wanted.map(({ afi, safi }) => formatFamily(afi, safi)).join(", ");
  throw new OpenMessageError(
    OpenSubcode.unsupportedCapability,
    `no address family in common, ours: ${names}`,
    writer.finish(),
  );
}

/** A speaker without the multiprotocol capability is one of IPv4 unicast alone (RFC 4760 §8). */
function familiesOf({ capabilities }: OpenMessage): readonly Family[] {
  const families = capabilities.filter((capability) => capability.name === "multiprotocol");
  return families.length > 0 ? families : [{ afi: Afi.ipv4, safi: Safi.unicast }];
}

function commonFamilies(ours: readonly Family[], theirs: readonly Family[]): Family[] {
  const isCommon = (family: Family, index: number): boolean =>
    theirs.some((their) => isSameFamily(their, family)) &&
    ours.findIndex((our) => isSameFamily(our, family)) === index;
  return ours.filter(isCommon).map(({ afi, safi }) => ({ afi, safi }));
}

function isSameFamily(a: Family, b: Family): boolean {
  return a.afi === b.afi && a.safi === b.safi;
}

/** Of several, the last (RFC 4724 §3). */
function gracefulRestartOf({ capabilities }: OpenMessage): GracefulRestartCapability | undefined {
  return capabilities.findLast((capability) => capability.name === "gracefulRestart");
}

function longLivedOf({
  capabilities,
}: OpenMessage): LongLivedGracefulRestartCapability | undefined {
  return capabilities.findLast((capability) => capability.name === "longLivedGracefulRestart");
}

/** Does an OPEN say that IPv4 unicast may have IPv6 next hops (RFC 8950 §4)? */
function takesIpv6NextHops({ capabilities }: OpenMessage): boolean {
  return capabilities.some(
    (capability) =>
      capability.name === "extendedNextHop" &&
      capability.families.some(
        ({ afi, safi, nextHopAfi }) =>
          afi === Afi.ipv4 && safi === Safi.unicast && nextHopAfi === Afi.ipv6,
      ),
  );
}

/** What two valid OPENs, ours and the peer's, put in force. Families are in our order, each once. */
export function negotiate(localOpen: OpenMessage, peerOpen: OpenMessage): Negotiated {
  const both = (name: Capability["name"]): boolean =>
    localOpen.capabilities.some((capability) => capability.name === name) &&
    peerOpen.capabilities.some((capability) => capability.name === name);
  const holdTimeSeconds = Math.min(localOpen.holdTimeSeconds, peerOpen.holdTimeSeconds);
  const ourRestart = gracefulRestartOf(localOpen);
  const gracefulRestart = ourRestart && gracefulRestartOf(peerOpen);
  const longLived = gracefulRestart && longLivedOf(localOpen) && longLivedOf(peerOpen);
  const families = commonFamilies(familiesOf(localOpen), familiesOf(peerOpen));
  return {
    localAsn: localOpen.asn,
    peerAsn: peerOpen.asn,
    localIdentifier: localOpen.bgpIdentifier,
    peerIdentifier: peerOpen.bgpIdentifier,
    holdTimeSeconds,
    localHoldTimeSeconds: localOpen.holdTimeSeconds,
    peerHoldTimeSeconds: peerOpen.holdTimeSeconds,
    keepaliveSeconds: Math.floor(holdTimeSeconds / 3),
    families,
    routeRefresh: both("routeRefresh"),
    enhancedRouteRefresh: both("enhancedRouteRefresh"),
    ...(gracefulRestart && { gracefulRestart }),
    gracefulNotification:
      ourRestart?.notification === true && gracefulRestart?.notification === true,
    ...(longLived && { longLivedGracefulRestart: longLived }),
    extendedNextHop: takesIpv6NextHops(localOpen) && takesIpv6NextHops(peerOpen),
    codec: {
      fourOctetAs: both("fourOctetAs"),
      external: localOpen.asn !== peerOpen.asn,
      maximumMessageOctets: both("extendedMessage") ? extendedMessageOctets : maximumMessageOctets,
      extendedNextHop: takesIpv6NextHops(localOpen),
      ...negotiateAddPath(localOpen, peerOpen, families),
    },
    localExtendedParameters: localOpen.extendedParameters === true,
    peerExtendedParameters: peerOpen.extendedParameters === true,
    localCapabilities: localOpen.capabilities,
    peerCapabilities: peerOpen.capabilities,
  };
}
