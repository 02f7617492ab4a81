import { parseCommunity } from "../../../src/net/community.ts";

/** `65535:6`, of a community however a daemon writes it: a number, a pair, or a name, `llgr-stale` or `LLGR_STALE`. */
export function communityText(community: number | readonly number[] | string): string {
  if (typeof community === "object") return community.join(":");
  if (typeof community === "number") return `${community >>> 16}:${community & 0xffff}`;
  const value = parseCommunity(community.toLowerCase().replaceAll("_", "-"));
  return value === undefined ? community : communityText(value);
}
