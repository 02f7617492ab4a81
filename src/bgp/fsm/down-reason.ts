import type { BgpError } from "../errors.ts";
import { ErrorCode } from "../iana.ts";
import { describeNotification } from "../message/describe-notification.ts";
import type { NotificationMessage } from "../message/message.ts";
import type { DownReason } from "./action.ts";

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
  const text = `the peer sent NOTIFICATION ${code}/${subcode}, ${describeNotification(notification)}`;
  return { event: "NotifMsg", text, direction: "received", notification };
}

/** We ended it, and told the peer. */
export function sent(event: string, text: string, notification: NotificationMessage): DownReason {
  return { event, text, direction: "sent", notification };
}
