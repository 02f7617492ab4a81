import { CeaseSubcode, ErrorCode } from "../iana.ts";
import type { NotificationMessage } from "../message/message.ts";
import { encodeShutdownCommunication } from "../message/shutdown-communication.ts";

/** A Cease NOTIFICATION (RFC 4486). The text goes with Administrative Shutdown and Administrative Reset only (RFC 9003). */
export function cease(subcode: number, text = ""): NotificationMessage {
  const data =
    carriesText(subcode) && text !== "" ? encodeShutdownCommunication(text) : new Uint8Array(0);
  return { code: ErrorCode.cease, subcode, data };
}

function carriesText(subcode: number): boolean {
  return (
    subcode === CeaseSubcode.administrativeShutdown || subcode === CeaseSubcode.administrativeReset
  );
}
