/** The text's length is one octet, RFC 9003 §2. */
const maximumTextOctets = 255;

/**
 * The data of a Cease/Administrative Shutdown or Reset that tells the peer why, RFC 9003. Text that takes more than 255
 * octets of UTF-8 is cut between characters.
 */
export function encodeShutdownCommunication(text: string): Uint8Array {
  const data = new Uint8Array(1 + maximumTextOctets);
  const { written } = new TextEncoder().encodeInto(text, data.subarray(1));
  data[0] = written;
  return data.slice(0, 1 + written);
}

/**
 * The text in such data, fit to be logged; `undefined` when there is none or the length does not fit. What could forge
 * or garble a log line is replaced by U+FFFD (RFC 9003 §5): invalid UTF-8, control and formatting characters.
 */
export function decodeShutdownCommunication(data: Uint8Array): string | undefined {
  const length = data[0];
  if (length === undefined || length === 0 || length > data.length - 1) return undefined;
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(data.subarray(1, 1 + length));
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
}
