import { type ExportProfile, profileKey, profileName } from "./export-profile.ts";

/**
 * Names of the update groups of a family, in their order, no two the same: what the members have in common. Where that is the
 * same for several groups, since they differ in policy, next hop or subnets, a digest of all of it follows.
 */
export function groupNames(profiles: readonly ExportProfile[]): readonly string[] {
  const byName = Map.groupBy(profiles, profileName);
  return profiles.map((profile) => {
    const name = profileName(profile);
    const isShared = (byName.get(name)?.length ?? 0) > 1;
    return isShared ? `${name}, ${digest(profileKey(profile))}` : name;
  });
}

/** Eight hexadecimal digits, FNV-1a. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (const octet of new TextEncoder().encode(text)) hash = Math.imul(hash ^ octet, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
