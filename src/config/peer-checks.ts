import type { PasswordFiles } from "./password-files.ts";
import type { PeersDraft } from "./peers-draft.ts";
import type { Report } from "./report.ts";
import { didYouMean } from "./suggest.ts";
import { checkTransports } from "./transport-checks.ts";

/** What must hold between the peers, groups and ranges of a file, and of the password files that they name. */
export function checkPeers(draft: PeersDraft, report: Report, passwords: PasswordFiles): void {
  checkTransports(draft, report, passwords);
  checkTwins(
    draft.peers.map(({ address }) => address),
    ["peers", "address"],
    report,
  );
  checkTwins(
    draft.ranges.map(({ prefix }) => prefix?.text),
    ["ranges", "prefix"],
    report,
  );
  for (const [index, { group, asn }] of draft.peers.entries()) {
    const shared = groupOf(draft, group, ["peers", index, "group"], report);
    if (asn !== undefined || shared === "unknown" || shared?.asn !== undefined) continue;
    if (report.isGiven(["peers", index, "asn"])) continue; // and wrong, as has been said
    report.error(
      ["peers", index],
      "has no AS number: give asn, a number or one of external, internal, any",
    );
  }
  for (const [index, { group, asns }] of draft.ranges.entries()) {
    const shared = groupOf(draft, group, ["ranges", index, "group"], report);
    if (asns !== undefined || shared === "unknown" || shared?.asn !== undefined) continue;
    if (report.isGiven(["ranges", index, "asns"])) continue;
    report.error(
      ["ranges", index],
      "says of no AS that it may connect: give asns, a list or one of external, internal, any",
    );
  }
}

function checkTwins(
  values: readonly (string | undefined)[],
  [list, key]: readonly [string, string],
  report: Report,
): void {
  const seen = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    const first = seen.get(value);
    if (first === undefined) {
      seen.set(value, index);
      continue;
    }
    const what = list === "peers" ? "peer" : "range";
    const place = report.at([list, first, key]);
    report.error(
      [list, index, key],
      `${value} is already the ${what} at ${place}: remove one of the two`,
    );
  }
}

function groupOf(
  { peerGroups }: PeersDraft,
  name: string | undefined,
  path: readonly (string | number)[],
  report: Report,
): PeersDraft["peerGroups"][string] | undefined | "unknown" {
  if (name === undefined) return undefined;
  if (Object.hasOwn(peerGroups, name)) return peerGroups[name];
  const names = Object.keys(peerGroups);
  const meant = didYouMean(name, names);
  const known = names.length === 0 ? "there is none" : `there are ${names.join(", ")}`;
  const remedy =
    meant === undefined ? `${known}: add it to peerGroups` : `did you mean "${meant}"?`;
  report.error(path, `no peer group is named "${name}": ${remedy}`);
  return "unknown";
}
