import type { PathContent } from "./path.ts";

/** A route that another program, the kernel or a person put where we want one. */
export interface ForeignRoute extends PathContent {
  /** rtm_protocol. */
  readonly protocol: number;
}

/** rtm_protocol of what a person types without saying otherwise; a routing daemon may take its place. */
const PROTOCOL_BOOT = 3;

/** What bears our protocol number is ours; nothing else is. */
export function isOurs(protocol: number, ownProtocol: number): boolean {
  return protocol === ownProtocol;
}

/**
 * A route took the place of ours. Is that a change of our route, to be repaired, or somebody's own route, to be left?
 * `ip route replace` without a protocol leaves `boot`, by which nobody claims the route (ip-route(8): a routing daemon
 * purges them); any other protocol is a claim.
 */
export function replacedByHand(protocol: number): boolean {
  return protocol === PROTOCOL_BOOT;
}
