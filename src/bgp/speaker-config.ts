import type { DecisionOptions } from "./rib/decision-process.ts";
import type { RibLimits } from "./rib/rib-limits.ts";
import type { Prefix } from "../net/prefix.ts";

/** What makes a speaker. */
export interface SpeakerConfig {
  readonly asn: number;
  /** BGP identifier, unsigned 32-bit, not 0. */
  readonly identifier: number;
  /** Cluster id as a reflector (RFC 4456 §7), unsigned 32-bit. */
  readonly clusterId: number;
  /** Whether what clients announce is reflected to other clients, too (RFC 4456 §4). Default: yes. */
  readonly clientToClient?: boolean;
  /** Canonical addresses of our own: paths with one of them as next hop are not used. */
  readonly ownAddresses: readonly string[];
  /** Canonical address that stands for us as next hop of what we originate, by IP version. */
  readonly nextHopSelf: { readonly 4?: string; readonly 6?: string };
  /** Default: as RFC 4271 has it, one path to a prefix. */
  readonly decision?: DecisionOptions;
  /** Of what deviates from `defaultRibLimits`. */
  readonly limits?: Partial<RibLimits>;
  /** Prefixes of the links we are on, for next hops that we share with peers (RFC 4271 §5.1.3). */
  readonly subnets?: readonly Prefix[];
}
