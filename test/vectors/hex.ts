/** Octets of annotated hex: `#` starts a comment, blanks and line breaks mean nothing. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/#.*/g, "").replaceAll(/\s/g, "");
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new Error(`not hex: ${digits}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Hex without blanks. */
export function toHex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

const marker = "ff".repeat(16);

/** A whole message: header and body. */
export function message(type: number, body: string | Uint8Array): Uint8Array {
  const octets = typeof body === "string" ? hex(body) : body;
  const whole = Uint8Array.from([...hex(marker), 0, 0, type, ...octets]);
  whole[16] = whole.length >>> 8;
  whole[17] = whole.length;
  return whole;
}
