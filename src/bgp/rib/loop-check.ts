import type { PathAttributes } from "../attribute/path-attributes.ts";
import { PathReason } from "./path-reason.ts";

/** Who we are, as far as loops go. */
export interface LoopIdentity {
  readonly asn: number;
  /** Unsigned 32-bit. */
  readonly identifier: number;
  /** Unsigned 32-bit. */
  readonly clusterId: number;
  /** Canonical. */
  readonly ownAddresses: readonly string[];
}

/** 0 when paths with these attributes may be used here, else the `PathReason` that forbids it. */
export function loopReason(attributes: PathAttributes, identity: LoopIdentity): number {
  if (attributes.asPath?.some(({ asns }) => asns.includes(identity.asn)) === true) {
    return PathReason.asLoop;
  }
  if (attributes.originatorId === identity.identifier) return PathReason.ownOriginatorId;
  if (attributes.clusterList?.includes(identity.clusterId) === true) return PathReason.ownClusterId;
  if (attributes.nextHop !== undefined && identity.ownAddresses.includes(attributes.nextHop)) {
    return PathReason.ownNextHop;
  }
  return 0;
}
