import type { LocalEnd } from "../bgp/next-hop-self.ts";
import { isLinkLocalText, parseIpAddress, withoutZone, zoneOf } from "../net/ip-address.ts";
import { type Prefix, prefixContainsAddress, prefixFromOctets } from "../net/prefix.ts";
import type { OwnLink } from "../platform/own-links.ts";

/**
 * What a peer may have as next hops toward us: our end of the connection, and the first other addresses of the device that
 * has it.
 * @param address of our end @param peerAddress of the other, both as sockets have them @param links all of this machine's
 */
export function localEnd(
  address: string,
  peerAddress: string,
  links: readonly OwnLink[],
): LocalEnd {
  const own = withoutZone(address);
  const device = zoneOf(address) ?? links.find((link) => link.address === own)?.device;
  const onDevice = links.filter((link) => link.device === device);
  const routable = onDevice.filter(({ isLinkLocal }) => !isLinkLocal);
  const four = routable.find((link) => !link.address.includes(":"))?.address;
  const six = routable.find((link) => link.address.includes(":"))?.address;
  const isOnLink = isLinkLocalText(address) || onDevice.some((link) => holds(link, peerAddress));
  const common = { device, ...(isOnLink && linkOf(onDevice)) };
  if (isLinkLocalText(address)) return { ...common, version: 6, 4: four, 6: six, linkLocal: own };
  return own.includes(":")
    ? { ...common, version: 6, 4: four, 6: own }
    : { ...common, version: 4, 4: own, 6: six };
}

/** What those on the same link can use of us. */
function linkOf(onDevice: readonly OwnLink[]): Pick<LocalEnd, "linkLocal" | "linkSubnets"> {
  const linkSubnets = onDevice.flatMap((link) => {
    return link.isLinkLocal || !link.address.includes(":") ? [] : (subnetOf(link) ?? []);
  });
  return { linkLocal: onDevice.find(({ isLinkLocal }) => isLinkLocal)?.address, linkSubnets };
}

function subnetOf({ address, cidr }: OwnLink): Prefix | undefined {
  const octets = parseIpAddress(address);
  return octets && prefixFromOctets(octets, Number(cidr.split("/")[1]));
}

/** Is an address in the subnet of a link? */
function holds(link: OwnLink, address: string): boolean {
  const [subnet, octets] = [subnetOf(link), parseIpAddress(address)];
  return subnet !== undefined && octets !== undefined && prefixContainsAddress(subnet, octets);
}
