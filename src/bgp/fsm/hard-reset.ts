import { CeaseSubcode, ErrorCode } from "../iana.ts";
import type { NotificationMessage } from "../message/message.ts";
import type { Negotiated } from "./negotiate.ts";

/**
 * Cease subcodes that part for good: sent to a peer that would otherwise keep our routes, they go as a Hard Reset. Those of
 * which RFC 8538 §4.2.1 says "depends", Administrative Reset among them, do not: the session is to come back.
 */
const forGood: ReadonlySet<number> = new Set([
  CeaseSubcode.maximumNumberOfPrefixesReached,
  CeaseSubcode.administrativeShutdown,
  CeaseSubcode.peerDeConfigured,
]);

/** A NOTIFICATION as it goes to a peer: within a Hard Reset (RFC 8538 §3.1) where it parts for good, and alone would not. */
export function hardened(
  notification: NotificationMessage,
  negotiated: Negotiated | undefined,
): NotificationMessage {
  const { code, subcode, data } = notification;
  if (negotiated?.gracefulNotification !== true) return notification;
  if (code !== ErrorCode.cease || !forGood.has(subcode)) return notification;
  const wrapped = Uint8Array.of(code, subcode, ...data);
  return { code: ErrorCode.cease, subcode: CeaseSubcode.hardReset, data: wrapped };
}

/**
 * Does a session that ended so leave its routes to graceful restart? Without a NOTIFICATION always (RFC 4724 §4.2); with
 * one, sent or received, where both sides offered that (RFC 8538 §4), but for a Hard Reset.
 */
export function isGraceful(
  notification: NotificationMessage | undefined,
  negotiated: Negotiated | undefined,
): boolean {
  if (notification === undefined) return true;
  const { code, subcode } = notification;
  const isHard = code === ErrorCode.cease && subcode === CeaseSubcode.hardReset;
  return negotiated?.gracefulNotification === true && !isHard;
}
