import type { Role } from "../role.ts";

/**
 * Capabilities as values (RFC 5492). One union member per row of the table in index.ts; a code without a row is
 * `unknown` and keeps its octets.
 */
export type Capability =
  | { readonly name: "multiprotocol"; readonly afi: number; readonly safi: number }
  | ExtendedNextHopCapability
  | { readonly name: "routeRefresh" }
  | { readonly name: "enhancedRouteRefresh" }
  | { readonly name: "extendedMessage" }
  | { readonly name: "fourOctetAs"; readonly asn: number }
  /** RFC 9234; `undefined` is a value that stands for none. */
  | { readonly name: "role"; readonly role: Role | undefined }
  | GracefulRestartCapability
  | LongLivedGracefulRestartCapability
  | AddPathCapability
  | { readonly name: "unknown"; readonly code: number; readonly value: Uint8Array };

/** RFC 7911 §4: whether the speaker is able to receive several paths to a prefix, and to send them. */
export interface AddPathCapability {
  readonly name: "addPath";
  readonly families: readonly {
    readonly afi: number;
    readonly safi: number;
    readonly receive: boolean;
    readonly send: boolean;
  }[];
}

/** RFC 8950 §4: routes of these families may have next hops of another address family. */
export interface ExtendedNextHopCapability {
  readonly name: "extendedNextHop";
  readonly families: readonly {
    readonly afi: number;
    readonly safi: number;
    readonly nextHopAfi: number;
  }[];
}

/** RFC 4724 §3, with the N bit of RFC 8538. */
export interface GracefulRestartCapability {
  readonly name: "gracefulRestart";
  /** R: the speaker has restarted. */
  readonly restarted: boolean;
  /** N: also applies to sessions ended by NOTIFICATION or hold timer. */
  readonly notification: boolean;
  /** 0..4095 */
  readonly restartTimeSeconds: number;
  readonly families: readonly {
    readonly afi: number;
    readonly safi: number;
    /** F: forwarding state was kept. */
    readonly forwardingPreserved: boolean;
  }[];
}

/** RFC 9494 §3.1 */
export interface LongLivedGracefulRestartCapability {
  readonly name: "longLivedGracefulRestart";
  readonly families: readonly {
    readonly afi: number;
    readonly safi: number;
    /** F: forwarding state was kept. */
    readonly forwardingPreserved: boolean;
    /** For so long after the restart time its paths are to be kept; 0..16777215, 0 for not at all. */
    readonly staleTimeSeconds: number;
  }[];
}
