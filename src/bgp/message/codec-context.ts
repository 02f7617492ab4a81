/** What the negotiation of a session changes in its codec. */
export interface CodecContext {
  /** AS numbers in AS_PATH and AGGREGATOR take four octets (RFC 6793). */
  readonly fourOctetAs: boolean;
  /** The peer is in another AS: decides RFC 7606 outcomes and which attributes are allowed. */
  readonly external: boolean;
  /** Of what we send: 4096, or 65535 where both sides offered RFC 8654. */
  readonly maximumMessageOctets: number;
  /** IPv4 unicast routes may come with an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop?: boolean;
  /** Families (`familyKey`) whose NLRI carry path identifiers on the way in, RFC 7911. */
  readonly addPathReceive: ReadonlySet<number>;
  /** The same on the way out. */
  readonly addPathSend: ReadonlySet<number>;
}

/** One number per family, for sets and maps. */
export function familyKey(afi: number, safi: number): number {
  return afi * 256 + safi;
}
