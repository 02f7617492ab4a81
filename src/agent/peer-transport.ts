import { maximumTtl, type PeerTransport } from "../bgp/peer-transport.ts";
import type { ResolvedOptions } from "../config/peer-schema.ts";

/** How far a peer may be away where nobody says: on a segment of ours, as other daemons have it for eBGP, or anywhere. */
export type Distance = "adjacent" | "anywhere";

type TransportOptions = Pick<
  ResolvedOptions,
  "ttlSecurity" | "multihop" | "device" | "dscp" | "sourceAddress" | "tcpUserTimeoutSeconds"
>;

/** How the connections of a peer with these options are to be. */
export function peerTransport(options: TransportOptions, distance: Distance): PeerTransport {
  const { ttlSecurity, multihop, device, dscp, sourceAddress, tcpUserTimeoutSeconds } = options;
  const own = {
    dscp,
    device,
    localAddress: sourceAddress,
    userTimeoutSeconds: tcpUserTimeoutSeconds,
  };
  if (ttlSecurity !== undefined) {
    // RFC 5082 §3: what is sent with the largest TTL and comes with less has passed routers.
    return { ...own, ttl: maximumTtl, minimumTtl: maximumTtl + 1 - ttlSecurity };
  }
  return { ...own, ttl: multihop ?? (distance === "adjacent" ? 1 : maximumTtl) };
}
