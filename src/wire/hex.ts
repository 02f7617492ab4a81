/** Two lower-case digits an octet, nothing between. */
export function formatHex(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets) text += octet.toString(16).padStart(2, "0");
  return text;
}

/** The octets that `formatHex` was given; `undefined` for anything else. */
export function parseHex(text: string): Uint8Array | undefined {
  if (!/^(?:[\da-f]{2})*$/.test(text)) return undefined;
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
