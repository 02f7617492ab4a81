/** Two lower-case digits an octet, nothing between. */
export function formatHex(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets) text += octet.toString(16).padStart(2, "0");
  return text;
}
