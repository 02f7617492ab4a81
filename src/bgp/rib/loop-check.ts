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

/**
 * 0 when paths with these attributes may be used here, else the `PathReason` that forbids it.
 * @param allowedOwnAsns so often our own AS number may stand in AS_PATH
 */
export function loopReason(
  attributes: PathAttributes,
  identity: LoopIdentity,
  allowedOwnAsns: number,
): number {
  if (countAsn(attributes, identity.asn) > allowedOwnAsns) return PathReason.asLoop;
  if (attributes.originatorId === identity.identifier) return PathReason.ownOriginatorId;
  if (attributes.clusterList?.includes(identity.clusterId) === true) return PathReason.ownClusterId;
  if (attributes.nextHop !== undefined && identity.ownAddresses.includes(attributes.nextHop)) {
    return PathReason.ownNextHop;
  }
  return 0;
}

/** How often an AS number stands in AS_PATH. */
export function countAsn({ asPath = [] }: PathAttributes, asn: number): number {
  let count = 0;
  for (const { asns } of asPath) for (const each of asns) if (each === asn) count++;
  return count;
}
