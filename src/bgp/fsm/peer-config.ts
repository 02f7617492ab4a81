import type { Capability } from "../capability/capability.ts";
import type { PeerAsn } from "./peer-asn.ts";

/** What the FSM of a peer must know; the rest of a peer's configuration is the speaker's. */
export interface PeerFsmConfig {
  readonly localAsn: number;
  readonly peerAsn: PeerAsn;
  /** A peer that names no role is refused, where we have one (RFC 9234 §4.2). */
  readonly strictRole?: boolean | undefined;
  /** Unsigned 32-bit. */
  readonly localIdentifier: number;
  /** Offered: 0, or 3..65535 seconds. */
  readonly holdTimeSeconds: number;
  /** Send Hold Time (RFC 9687), 0 for none; absent for what the RFC suggests. */
  readonly sendHoldTimeSeconds?: number | undefined;
  /** Write optional parameters in the form of RFC 9072 although they do not need it. */
  readonly extendedOpenParameters?: boolean;
  /** Jittered by 0.75 to 1.0. */
  readonly connectRetrySeconds: number;
  /** Wait after a failure before the next start; doubles with each failure in a row up to `idleHoldMaximumSeconds`. */
  readonly idleHoldSeconds: number;
  readonly idleHoldMaximumSeconds: number;
  /** Never dials. */
  readonly passive: boolean;
  /** What may keep a dial from being answered, for people: asked when none came. */
  readonly noAnswerHint?: () => string | undefined;
  /** Capabilities to offer, in order. Called at each OPEN, since graceful restart's flags change. */
  readonly capabilities: () => readonly Capability[];
}
