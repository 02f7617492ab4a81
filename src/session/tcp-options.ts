import { sendHoldSeconds } from "../bgp/fsm/send-hold.ts";
import type { PeerSettings } from "../bgp/peer-settings.ts";
import { maximumTtl, plainTransport } from "../bgp/peer-transport.ts";
import type { TcpConnection, TcpOptions } from "../platform/tcp.ts";

/** What the TCP connections of a peer are to be like. */
export function tcpOptions(settings: PeerSettings, password: string | undefined): TcpOptions {
  const { ttl, minimumTtl, dscp, device } = settings.transport ?? plainTransport;
  const seconds = userTimeoutSeconds(settings);
  return {
    ttl,
    dscp,
    ...(minimumTtl !== undefined && { minimumTtl }),
    ...(device !== undefined && { device }),
    ...(password !== undefined && { password }),
    ...(seconds > 0 && { userTimeoutMs: seconds * 1000 }),
  };
}

/**
 * TCP_USER_TIMEOUT, RFC 5482; 0 for the kernel's own. Unless told: the kernel counts a window that stays closed, too, and a
 * busy peer is not a dead one, so never less than RFC 9687 suggests for such a peer, nor than is configured for it.
 */
function userTimeoutSeconds(settings: PeerSettings): number {
  const { transport, holdTimeSeconds, sendHoldTimeSeconds } = settings;
  const sendHold = sendHoldSeconds(sendHoldTimeSeconds, holdTimeSeconds);
  const patience =
    sendHold === 0 ? 0 : Math.max(sendHold, sendHoldSeconds(undefined, holdTimeSeconds));
  return transport?.userTimeoutSeconds ?? patience;
}

/** Why a connection whose SYN came with this TTL is refused by TTL security, if it is. */
export function tooFarObjection(
  { transport = plainTransport }: PeerSettings,
  tcp: Pick<TcpConnection, "synTtl">,
): string | undefined {
  const { minimumTtl } = transport;
  if (minimumTtl === undefined) return undefined;
  const { synTtl } = tcp; // to be asked for only where it matters: the kernel is asked
  if (synTtl === undefined || synTtl >= minimumTtl) return undefined;
  return (
    `its SYN came with TTL ${synTtl}, where TTL security (RFC 5082) asks for ${minimumTtl}: ` +
    "it is too many hops away, or has no TTL security itself"
  );
}

/** What may keep a dial from being answered. @param badSignatures of segments during a dial with a password */
export function noAnswerHint(
  { transport = plainTransport }: PeerSettings,
  badSignatures: number | undefined,
): string | undefined {
  const hints: string[] = [];
  if (badSignatures !== undefined) {
    const seen = badSignatures > 0 ? ` (segments with a bad signature came: ${badSignatures})` : "";
    hints.push(`is the password the same at both ends?${seen}`);
  }
  const { minimumTtl } = transport;
  if (minimumTtl !== undefined) {
    const hops = maximumTtl + 1 - minimumTtl;
    hints.push(
      `does the peer send with TTL 255, from ${hops} ${hops === 1 ? "hop" : "hops"} away at most?`,
    );
  }
  return hints.length === 0 ? undefined : hints.join(" ");
}

/** What to add to the reason why a dial failed: a router in which the TTL ends says so, and it comes as "no route". */
export function tooFarHint({ transport = plainTransport }: PeerSettings, reason: string): string {
  const { ttl } = transport;
  if (ttl === maximumTtl || !reason.includes("EHOSTUNREACH")) return "";
  return `; or it is more than ${ttl === 1 ? "one hop" : `${ttl} hops`} away: then set multihop`;
}
