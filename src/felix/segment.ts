import { parseIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixContainsAddress } from "../net/prefix.ts";
import type { RouteLookup } from "../netlink/netlink.ts";
import type { KernelRoute } from "../netlink/route.ts";

/** How a next hop lies to this node, with the fact of the kernel that says so. */
export type SegmentVerdict =
  | {
      /** On the same L2 segment: a frame reaches it. */
      readonly kind: "same-segment";
      readonly ifindex: number;
      readonly device: string;
      /** The interface's subnet that it is in. */
      readonly subnet: string;
      /** Though there, it does not answer: no frame of ours seems to reach it. */
      readonly isSilent?: boolean;
      /** It says itself that we do not answer it: frames do not get there one way, at the least. */
      readonly isDeaf?: boolean;
      readonly text: string;
    }
  | {
      /** Beyond a router. */
      readonly kind: "routed";
      readonly why: "gateway" | "multipath" | "no-interface-subnet" | "their-subnet";
      readonly ifindex: number;
      readonly device: string;
      readonly gateway: string | undefined;
      /** The route that matches it. */
      readonly match: string;
      readonly text: string;
    }
  | {
      readonly kind: "unreachable";
      readonly why: "no-route" | "own-address" | "not-unicast" | "through-pods";
      /** Positive, where the kernel gave one. */
      readonly errno: number | undefined;
      readonly text: string;
    };

/** What the verdict needs to know of this machine. */
export interface Surroundings {
  /** Our routes' protocol: a next hop that is reached through a pod route is not reached at all. */
  readonly protocol: number;
  deviceName(ifindex: number): string;
  isInterfaceSubnet(ifindex: number, prefix: Prefix): boolean;
  /** The subnet that the next hop says it is in, where it says so: in the cluster's record of it, or else in its announcements. */
  readonly theirSubnet?: { readonly prefix: Prefix; readonly saidBy: "record" | "announcement" };
  /** Does the kernel ask for an address on that link in vain? */
  isSilent?(address: string, ifindex: number): boolean;
  /** Does the next hop announce that it asks for us in vain? */
  isDeaf?(address: string): boolean;
  /** This node's own address, which must be in it. */
  readonly nodeAddress?: string | undefined;
}

/** EAGAIN (throw), EACCES (prohibit), EINVAL (blackhole), ENETDOWN, ENETUNREACH, EHOSTUNREACH (unreachable). */
const answers: ReadonlySet<number> = new Set([11, 13, 22, 100, 101, 113]);

/** Does a look-up that fails so say how the address lies? Any other failure says nothing of it. */
export function isAnswer(errno: number): boolean {
  return answers.has(errno);
}

/**
 * Is the next hop on the same L2 segment? Asked of the kernel's own FIB entry for it: unicast, without a gateway, and
 * its destination a subnet of the interface. The interface subnet matters because a default route without a gateway
 * (a tunnel, a PPP link) looks just like a segment.
 */
export function judgeSegment(
  address: string,
  lookup: RouteLookup,
  surroundings: Surroundings,
): SegmentVerdict {
  if (!lookup.found) {
    const text = `no route to ${address} (${lookup.text})`;
    return { kind: "unreachable", why: "no-route", errno: lookup.errno, text };
  }
  const { route } = lookup;
  const match = route.prefix.text;
  if (route.type === "local") {
    return unreachable("own-address", `${address} is an address of this node`);
  }
  if (route.type !== "unicast") {
    return unreachable("not-unicast", `${address} matches the ${route.type} route ${match}`);
  }
  if (route.protocol === surroundings.protocol) {
    return unreachable("through-pods", `${address} is inside the pod route ${match}`);
  }
  return judgeUnicast(address, route, surroundings);
}

function unreachable(why: "own-address" | "not-unicast" | "through-pods", text: string) {
  return { kind: "unreachable", why, errno: undefined, text } as const;
}

function judgeUnicast(
  address: string,
  route: KernelRoute,
  surroundings: Surroundings,
): SegmentVerdict {
  const match = route.prefix.text;
  const [hop] = route.hops;
  if (hop === undefined) return unreachable("not-unicast", `the route ${match} leads nowhere`);
  const { ifindex, gateway } = hop;
  const device = surroundings.deviceName(ifindex);
  const routed = { kind: "routed", ifindex, device, gateway, match } as const;
  if (route.hops.length > 1) {
    const text = `${address} is behind the multipath route ${match}`;
    return { ...routed, why: "multipath", text };
  }
  if (gateway !== undefined) {
    const text = `${address} is behind ${gateway} on ${device} (route ${match})`;
    return { ...routed, why: "gateway", text };
  }
  if (!surroundings.isInterfaceSubnet(ifindex, route.prefix)) {
    const text = `${match} on ${device} is not a subnet of an address of ${device}`;
    return { ...routed, why: "no-interface-subnet", text };
  }
  const { theirSubnet, nodeAddress = "" } = surroundings;
  const own = parseIpAddress(nodeAddress);
  const theirs = theirSubnet?.prefix;
  if (theirs !== undefined && own !== undefined && !holds(theirs, own, route.prefix)) {
    const says = theirSubnet?.saidBy === "announcement" ? "announces that" : "says";
    const text = `${address} ${says} its subnet is ${theirs.text}, which does not hold ${nodeAddress}`;
    return { ...routed, why: "their-subnet", text };
  }
  const text = `${address} is in ${match}, a subnet of ${device}`;
  const segment = { kind: "same-segment", ifindex, device, subnet: match } as const;
  if (surroundings.isSilent?.(address, ifindex) === true) {
    return { ...segment, isSilent: true, text: `${text}, but does not answer there` };
  }
  if (surroundings.isDeaf?.(address) !== true) return { ...segment, text };
  const told = `${text}, but announces that ${nodeAddress} does not answer it there`;
  return { ...segment, isDeaf: true, text: told };
}

/**
 * Does what the far end says of its subnet leave us in it? Of the two ends of a point-to-point link either has a mask of all
 * bits, and a route to the other alone.
 */
function holds(theirs: Prefix, own: Uint8Array, match: Prefix): boolean {
  const isPointToPoint = theirs.length === theirs.octets.length * 8 && theirs.text === match.text;
  return isPointToPoint || prefixContainsAddress(theirs, own);
}
