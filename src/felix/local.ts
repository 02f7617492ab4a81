import type { PathContent } from "../fib/path.ts";
import { parseIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixContains, prefixFromOctets } from "../net/prefix.ts";
import type { InterfaceAddress } from "../netlink/address.ts";

/** The metric of the route for the node's own pod CIDR: worse than anything that a person or program would set. */
export const LOCAL_METRIC = 4_278_198_272;

/** An address that no pod has answers ICMP unreachable, instead of going to the default route and coming back. */
export const localPath: PathContent = { type: "unreachable", hops: [] };

/** Whether an own pod CIDR gets its `unreachable` route, and why not. */
export interface LocalDecision {
  readonly prefix: Prefix;
  readonly install: boolean;
  readonly reason: string;
}

/**
 * Every own pod CIDR gets one, save where it would take packets from something that is wanted here: a CIDR of one
 * address is that pod's own route, and one inside a wider subnet of an interface is reached by that subnet.
 */
export function decideLocal(
  prefix: Prefix,
  addresses: readonly InterfaceAddress[],
  deviceName: (ifindex: number) => string,
): LocalDecision {
  if (prefix.length === prefix.octets.length * 8) {
    return { prefix, install: false, reason: `a /${prefix.length} is the pod's own route` };
  }
  for (const entry of addresses) {
    if (entry.prefixLength >= prefix.length) continue;
    const octets = parseIpAddress(entry.subnetAddress);
    if (octets === undefined) continue;
    const subnet = prefixFromOctets(octets, entry.prefixLength);
    if (prefixContains(subnet, prefix)) {
      const reason = `it would shadow ${subnet.text} on ${deviceName(entry.ifindex)}`;
      return { prefix, install: false, reason };
    }
  }
  return { prefix, install: true, reason: "addresses that no pod has answer ICMP unreachable" };
}
