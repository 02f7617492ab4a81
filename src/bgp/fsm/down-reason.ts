import type { BgpError } from "../errors.ts";
import { ErrorCode } from "../iana.ts";
import type { NotificationMessage } from "../message/message.ts";
import type { DownReason } from "./action.ts";
import { ceaseText } from "./cease.ts";

const errorNames: Readonly<Record<number, string>> = {
  [ErrorCode.messageHeader]: "Message Header Error",
  [ErrorCode.openMessage]: "OPEN Message Error",
  [ErrorCode.updateMessage]: "UPDATE Message Error",
  [ErrorCode.holdTimerExpired]: "Hold Timer Expired",
  [ErrorCode.finiteStateMachine]: "Finite State Machine Error",
  [ErrorCode.cease]: "Cease",
  [ErrorCode.routeRefreshMessage]: "ROUTE-REFRESH Message Error",
  [ErrorCode.sendHoldTimerExpired]: "Send Hold Timer Expired",
};

const errorEvents: Readonly<Record<number, string>> = {
  [ErrorCode.messageHeader]: "BGPHeaderErr",
  [ErrorCode.openMessage]: "BGPOpenMsgErr",
  [ErrorCode.updateMessage]: "UpdateMsgErr",
};

/** The name RFC 4271 §8.1.5 has for the event of a message with this error in it. */
export function errorEvent(error: BgpError): string {
  return errorEvents[error.code] ?? "MessageError";
}

/** The peer ended it. */
export function received(notification: NotificationMessage): DownReason {
  const { code, subcode } = notification;
  const text = ceaseText(notification);
  const said = text === undefined ? "" : `: "${text}"`;
  return {
    event: "NotifMsg",
    text: `the peer sent NOTIFICATION ${code}/${subcode} (${errorNames[code] ?? "unknown"})${said}`,
    direction: "received",
    notification,
  };
}

/** We ended it, and told the peer. */
export function sent(event: string, text: string, notification: NotificationMessage): DownReason {
  return { event, text, direction: "sent", notification };
}
