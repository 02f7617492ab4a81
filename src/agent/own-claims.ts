import type { OwnLink } from "../platform/own-links.ts";
import { encodeSegmentClaim } from "../net/segment-claim.ts";

/**
 * What this node's announcements say of its segments, as extended communities: the masks that its addresses have here, and
 * the neighbours that its programmer asks for in vain.
 */
export function ownClaims(
  addresses: readonly string[],
  links: readonly OwnLink[],
  unheard: readonly string[],
): Uint8Array[] {
  return addresses.flatMap((address) => {
    const link = links.find((one) => one.address === address);
    const length = Number(link?.cidr.split("/")[1]);
    return link === undefined ? [] : encodeSegmentClaim(address, length, unheard);
  });
}
