import { formatCommunity, formatLargeCommunity } from "../net/community.ts";
import { holdsMartians } from "../net/martians.ts";
import type { Prefix } from "../net/prefix.ts";
import { advertised, type PeerPolicy, type PolicySession } from "./peer-policy.ts";

/** What a session's policies come to, for people: a line each way. */
export function describePolicy(
  policy: PeerPolicy,
  session: Pick<PolicySession, "external">,
): readonly string[] {
  return [`import: ${importText(policy, session)}`, `export: ${exportText(policy, session)}`];
}

function importText(policy: PeerPolicy, { external }: Pick<PolicySession, "external">): string {
  const { importPrefixes, importNever = [], role } = policy;
  if (importPrefixes === undefined && external && policy.policy !== "accept-all") {
    return "nothing, since it is another AS and there is no policy (RFC 8212)";
  }
  const accepted = importPrefixes === undefined ? "any" : importPrefixes;
  return joined([
    accepted === "any" ? "everything but martians" : `inside ${prefixesText(accepted)}`,
    accepted !== "any" && accepted.some(holdsMartians) && "no martians that it does not name",
    importNever.length > 0 && `never inside ${prefixesText(importNever)}`,
    policy.importLocalPref !== undefined && `LOCAL_PREF ${policy.importLocalPref}`,
    policy.importMed !== undefined && `MED ${policy.importMed}`,
    addedText(policy.importCommunities, policy.importLargeCommunities),
    (policy.allowOwnAs ?? 0) > 0 && `own AS up to ${policy.allowOwnAs} times`,
    external && role !== undefined && `role ${role}`,
    external && policy.localAs !== undefined && `local AS ${policy.localAs}`,
  ]);
}

function exportText(policy: PeerPolicy, session: Pick<PolicySession, "external">): string {
  const which = advertised(policy, session);
  if (which === "none") {
    return policy.advertise === "none"
      ? "nothing"
      : "nothing, since it is another AS and there is no policy (RFC 8212)";
  }
  const { exportPrefixes, exportRemoveCommunities: removed = [], removePrivateAs = "no" } = policy;
  return joined([
    which === "own" ? "what is originated here" : "all routes selected",
    exportPrefixes !== undefined && `inside ${prefixesText(exportPrefixes)}`,
    policy.routeServerClient === true && "as its route server",
    policy.nextHop !== undefined && policy.nextHop !== "auto" && `next hop ${policy.nextHop}`,
    (policy.prepend ?? 0) > 0 && `own AS ${policy.prepend} times more`,
    policy.asOverride === true && "its AS number overridden",
    removePrivateAs !== "no" &&
      `private AS numbers ${removePrivateAs === "all" ? "removed" : "replaced"}`,
    policy.exportMed !== undefined && `MED ${policy.exportMed}`,
    removed.length > 0 &&
      `communities removed: ${removed === "all" ? "all" : removed.map(formatCommunity).join(" ")}`,
    addedText(policy.exportCommunities, policy.exportLargeCommunities),
  ]);
}

function addedText(
  communities: PeerPolicy["importCommunities"] = [],
  large: PeerPolicy["importLargeCommunities"] = [],
): string | false {
  const all = [...communities.map(formatCommunity), ...large.map(formatLargeCommunity)];
  return all.length > 0 && `communities added: ${all.join(" ")}`;
}

function prefixesText(prefixes: readonly Prefix[]): string {
  return prefixes.length === 0 ? "nothing" : prefixes.map(({ text }) => text).join(", ");
}

function joined(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join("; ");
}
