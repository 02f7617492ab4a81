import { WellKnownCommunity, type LargeCommunity } from "../../net/community.ts";
import { prependAsPath } from "../attribute/as-path.ts";
import type { PathAttributes } from "../attribute/path-attributes.ts";
import type { Role } from "../role.ts";
import { AttributeTrait } from "./attribute-summary.ts";
import { countAsn } from "./loop-check.ts";
import type { PathAttributeStore } from "./path-attributes.ts";
import { PathReason } from "./path-reason.ts";

/** What is asked of the attributes of a peer's paths, and what becomes of them before the Decision Process sees them. */
export interface ImportRules {
  /** The peer's AS number, where it must be the leftmost of AS_PATH; otherwise 0. */
  readonly firstAsn: number;
  readonly refusesAsSets: boolean;
  /** So often our own AS number may stand in AS_PATH, 0 to 10. */
  readonly allowedOwnAsns: number;
  /** What the peer is to us, where that is said (RFC 9234). */
  readonly peerRole: Role | undefined;
  readonly peerAsn: number;
  /** The AS number that we are to this peer, where it is not our own (RFC 7705); otherwise 0. */
  readonly localAs: number;
  /** It is put before AS_PATH. */
  readonly prependsLocalAs: boolean;
  /** GRACEFUL_SHUTDOWN makes LOCAL_PREF 0 (RFC 8326 §4). */
  readonly heedsGracefulShutdown: boolean;
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly communities: readonly number[];
  readonly largeCommunities: readonly LargeCommunity[];
}

/** Takes a path as it is. */
export const noRules: ImportRules = {
  firstAsn: 0,
  refusesAsSets: false,
  allowedOwnAsns: 0,
  peerRole: undefined,
  peerAsn: 0,
  localAs: 0,
  prependsLocalAs: false,
  heedsGracefulShutdown: false,
  localPref: undefined,
  med: undefined,
  communities: [],
  largeCommunities: [],
};

/** Why no path with a block of attributes may be used if it comes from this peer (a `PathReason`), or 0. */
export function judgeBlock(rules: ImportRules, store: PathAttributeStore, block: number): number {
  const { firstAsn, refusesAsSets, peerRole, localAs } = rules;
  if (firstAsn !== 0 && store.neighborAs(block) !== firstAsn) return PathReason.foreignFirstAs;
  if (refusesAsSets && store.has(block, AttributeTrait.hasAsSet)) return PathReason.asSet;
  if (peerRole !== undefined && store.has(block, AttributeTrait.hasOnlyToCustomer)) {
    const { onlyToCustomer } = store.attributes(block);
    if (isLeak(peerRole, onlyToCustomer, rules.peerAsn)) return PathReason.routeLeak;
  }
  if (localAs !== 0 && countAsn(store.attributes(block), localAs) > rules.allowedOwnAsns) {
    return PathReason.asLoop;
  }
  return 0;
}

/** RFC 9234 §5, the ingress procedure's first two rules. */
function isLeak(peerRole: Role, onlyToCustomer: number | undefined, peerAsn: number): boolean {
  if (peerRole === "customer" || peerRole === "rs-client") return true;
  return peerRole === "peer" && onlyToCustomer !== peerAsn;
}

/** Is there anything about this block that `importAttributes` changes? Cheap where there is not. */
export function rewritesBlock(
  rules: ImportRules,
  store: PathAttributeStore,
  block: number,
): boolean {
  return (
    rules.localPref !== undefined ||
    rules.med !== undefined ||
    rules.prependsLocalAs ||
    rules.communities.length + rules.largeCommunities.length > 0 ||
    (rules.heedsGracefulShutdown && store.has(block, AttributeTrait.gracefulShutdown)) ||
    (attachesOnlyToCustomer(rules) && !store.has(block, AttributeTrait.hasOnlyToCustomer))
  );
}

/** RFC 9234 §5, the ingress procedure's third rule. */
function attachesOnlyToCustomer({ peerRole }: ImportRules): boolean {
  return peerRole === "provider" || peerRole === "peer" || peerRole === "rs";
}

/** The attributes that are used in place of those that came. */
export function importAttributes(rules: ImportRules, attributes: PathAttributes): PathAttributes {
  const { asPath = [], communities = [], largeCommunities = [], onlyToCustomer } = attributes;
  const isGoingDown =
    rules.heedsGracefulShutdown && communities.includes(WellKnownCommunity.gracefulShutdown);
  const localPref = isGoingDown ? 0 : rules.localPref;
  return {
    ...attributes,
    ...(localPref !== undefined && { localPref }),
    ...(rules.med !== undefined && { multiExitDisc: rules.med }),
    ...(rules.prependsLocalAs && { asPath: prependAsPath(asPath, rules.localAs) }),
    ...(rules.communities.length > 0 && {
      communities: [...new Set([...communities, ...rules.communities])],
    }),
    ...(rules.largeCommunities.length > 0 && {
      largeCommunities: [...largeCommunities, ...rules.largeCommunities],
    }),
    ...(attachesOnlyToCustomer(rules) && { onlyToCustomer: onlyToCustomer ?? rules.peerAsn }),
  };
}
