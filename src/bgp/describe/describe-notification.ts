import { formatHex } from "../../wire/hex.ts";
import { CeaseSubcode, ErrorCode } from "../iana.ts";
import { notificationNames } from "../message/describe-notification.ts";
import { decodeNotification } from "../message/notification.ts";
import { decodeShutdownCommunication } from "../message/shutdown-communication.ts";

/** NOTIFICATION, RFC 4271 §4.5; without properties where it is malformed. */
export interface DescribedNotification {
  readonly type: "notification";
  readonly code?: number;
  readonly subcode?: number;
  /** As IANA's registry has them. */
  readonly codeName?: string;
  readonly subcodeName?: string;
  /** RFC 9003, made harmless for terminals. */
  readonly shutdownCommunication?: string;
  /** Hex. */
  readonly data?: string;
}

/** @throws BgpError */
export function describeNotificationBody(body: Uint8Array): DescribedNotification {
  const { code, data, subcode } = decodeNotification(body);
  const mayHaveText =
    code === ErrorCode.cease &&
    (subcode === CeaseSubcode.administrativeShutdown ||
      subcode === CeaseSubcode.administrativeReset);
  const text = mayHaveText ? decodeShutdownCommunication(data) : undefined;
  return {
    type: "notification",
    code,
    subcode,
    ...notificationNames(code, subcode),
    ...(text !== undefined && { shutdownCommunication: text }),
    ...(data.length > 0 && { data: formatHex(data) }),
  };
}
