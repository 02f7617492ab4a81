/** How the TCP connections with a peer are to be. Passwords are not among it: only the session room knows them. */
export interface PeerTransport {
  /** Source address of dialled connections; canonical. The speaker's own where absent. */
  readonly localAddress?: string | undefined;
  /** Network device that connections are bound to. */
  readonly device?: string | undefined;
  /** TTL or hop limit of what we send, 1 to 255: it reaches peers that are no further away. */
  readonly ttl: number;
  /** What comes with a lower TTL or hop limit is dropped: generalized TTL security (RFC 5082). 1 to 255. */
  readonly minimumTtl?: number | undefined;
  /** Differentiated services code point of what we send, 0 to 63. */
  readonly dscp: number;
  /** What we send may stay without an acknowledgement for so long; 0: as the kernel has it. Absent: see tcp-options.ts. */
  readonly userTimeoutSeconds?: number | undefined;
}

/** CS6, network control: what RFC 4594 §3.1 has routing protocols sent with. */
export const networkControlDscp = 48;

/** The largest there is, which a peer that checks it (RFC 5082) asks for. */
export const maximumTtl = 255;

/** From any distance, as network control. */
export const plainTransport: PeerTransport = { ttl: maximumTtl, dscp: networkControlDscp };
