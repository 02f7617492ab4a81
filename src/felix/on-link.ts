import { withoutZone, zoneOf } from "../net/ip-address.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { SegmentVerdict } from "./segment.ts";

/** How a link-local next hop lies: on the link of its device, whatever the kernel's table says. @param address with its zone */
export function judgeOnLink(
  address: string,
  picture: Pick<KernelPicture, "linkNamed" | "addresses">,
): SegmentVerdict {
  const device = zoneOf(address) ?? "";
  const link = picture.linkNamed(device);
  if (link === undefined) {
    const text = `there is no device ${device} for ${address}`;
    return { kind: "unreachable", why: "no-route", errno: undefined, text };
  }
  const own = withoutZone(address);
  const isOwn = picture.addresses.some((entry) => {
    return entry.address === own && entry.ifindex === link.ifindex;
  });
  if (isOwn) {
    const text = `${address} is an address of this node`;
    return { kind: "unreachable", why: "own-address", errno: undefined, text };
  }
  const text = `${address} is a link-local address`;
  const { ifindex } = link;
  return { kind: "same-segment", ifindex, device, subnet: "fe80::/10", text };
}
