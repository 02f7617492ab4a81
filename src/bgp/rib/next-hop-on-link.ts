import { isLinkLocalText, zoneOf } from "../../net/ip-address.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import type { RibPeer } from "./source.ts";

/**
 * The next hop of a peer's path as packets find it: a link-local one with its device, since the same may be somebody else's on
 * another link. On a session of link-local addresses such a one counts before a global one.
 */
export function nextHopOnLink(
  { nextHop, linkLocalNextHop }: PathAttributes,
  { address, device = "" }: Pick<RibPeer, "address" | "device">,
): string | undefined {
  if (nextHop === undefined || !nextHop.includes(":")) return nextHop;
  const zone = zoneOf(address);
  const linkLocal = isLinkLocalText(nextHop) ? nextHop : zone && linkLocalNextHop;
  return linkLocal === undefined ? nextHop : `${linkLocal}%${zone ?? device}`;
}
