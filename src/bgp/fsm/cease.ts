import { CeaseSubcode, ErrorCode } from "../iana.ts";
import type { NotificationMessage } from "../message/message.ts";

const maximumTextOctets = 255;

/**
 * A Cease NOTIFICATION (RFC 4486). The text goes with Administrative Shutdown and Administrative Reset only (RFC 9003)
 * and is cut after the last whole character within 255 octets of UTF-8.
 */
export function cease(subcode: number, text = ""): NotificationMessage {
  const data = carriesText(subcode) && text !== "" ? textOctets(text) : new Uint8Array(0);
  return { code: ErrorCode.cease, subcode, data };
}

function carriesText(subcode: number): boolean {
  return (
    subcode === CeaseSubcode.administrativeShutdown || subcode === CeaseSubcode.administrativeReset
  );
}

function textOctets(text: string): Uint8Array {
  const octets = new Uint8Array(1 + maximumTextOctets);
  const { written } = new TextEncoder().encodeInto(text, octets.subarray(1));
  octets[0] = written;
  return octets.slice(0, 1 + written);
}

/** The text a peer's Cease carries (RFC 9003 §2), fit to be shown: no control characters, replacement for broken UTF-8. */
export function ceaseText({ code, subcode, data }: NotificationMessage): string | undefined {
  const lengthOctets = data[0] ?? 0;
  if (code !== ErrorCode.cease || !carriesText(subcode)) return undefined;
  if (lengthOctets === 0 || data.length < 1 + lengthOctets) return undefined;
  const text = new TextDecoder().decode(data.subarray(1, 1 + lengthOctets));
  return text.replaceAll(/\p{C}/gu, " ");
}
