import { parseIpAddress } from "../net/ip-address.ts";

/**
 * Which end of a session between members dials. `both` leaves the choice to collision resolution (RFC 4271 §6.8);
 * the others let one end wait. `calico` compares the addresses as text, as Calico's own nodes do, so that 10.0.0.9
 * counts as greater than 10.0.0.10; the greater dials.
 */
export type DialRule = "both" | "higher" | "lower" | "calico";

/**
 * Does this end dial?
 * @param own @param peer canonical addresses, unlike each other
 */
export function dials(rule: DialRule, own: string, peer: string): boolean {
  switch (rule) {
    case "both":
      return true;
    case "higher":
      return compareAddresses(own, peer) > 0;
    case "lower":
      return compareAddresses(own, peer) < 0;
    case "calico":
      return own > peer;
  }
}

/** As numbers; IPv4 before IPv6. */
function compareAddresses(a: string, b: string): number {
  const left = parseIpAddress(a) ?? new Uint8Array();
  const right = parseIpAddress(b) ?? new Uint8Array();
  if (left.length !== right.length) return left.length - right.length;
  for (const [index, octet] of left.entries()) {
    const difference = octet - (right[index] as number); // same length
    if (difference !== 0) return difference;
  }
  return 0;
}
