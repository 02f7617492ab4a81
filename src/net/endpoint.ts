/** `10.0.0.1:179`, `[2001:db8::1]:179`: an address and a TCP port as one text. */
export function formatEndpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
