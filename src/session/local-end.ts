import type { LocalEnd } from "../bgp/next-hop-self.ts";
import { withoutZone } from "../net/ip-address.ts";
import type { OwnLink } from "../platform/own-links.ts";

/**
 * What a peer may have as next hops toward us: our end of the connection, and the first address of the other IP version
 * on the device that has it. @param address of our end, as the socket has it @param links all of this machine's
 */
export function localEnd(address: string, links: readonly OwnLink[]): LocalEnd {
  const own = withoutZone(address);
  const device = links.find((link) => link.address === own)?.device;
  const others = links.filter((link) => link.device === device && !link.isLinkLocal);
  const four = others.find((link) => !link.address.includes(":"))?.address;
  const six = others.find((link) => link.address.includes(":"))?.address;
  return own.includes(":") ? { version: 6, 4: four, 6: own } : { version: 4, 4: own, 6: six };
}
