import type { Capability, GracefulRestartCapability } from "../capability/capability.ts";
import type { CodecContext } from "../message/codec-context.ts";

/** What two OPENs make in force for a session. */
export interface Negotiated {
  readonly localAsn: number;
  readonly peerAsn: number;
  /** Unsigned 32-bit. */
  readonly localIdentifier: number;
  readonly peerIdentifier: number;
  /** 0 (no hold timer, no keepalives) or at least 3. */
  readonly holdTimeSeconds: number;
  /** A third of the hold time; 0 with it. */
  readonly keepaliveSeconds: number;
  /** Families both sides offered; IPv4 unicast is implied where neither side sent the multiprotocol capability. */
  readonly families: readonly { readonly afi: number; readonly safi: number }[];
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** The peer's graceful restart capability, when both sides sent one. */
  readonly gracefulRestart?: GracefulRestartCapability;
  readonly codec: CodecContext;
  /** As offered, for people who compare the two. */
  readonly localCapabilities: readonly Capability[];
  readonly peerCapabilities: readonly Capability[];
}
