import { ipVersionOf, parseIpAddress, withoutZone } from "../net/ip-address.ts";
import { prefixContainsAddress } from "../net/prefix.ts";
import type { PasswordFiles } from "./password-files.ts";
import type { PeersDraft } from "./peers-draft.ts";
import type { ConfigPath } from "./problem.ts";
import type { Report } from "./report.ts";
import { rivalOptions } from "./resolve-peers.ts";

type PeerDraft = PeersDraft["peers"][number];
/** What peers, groups and ranges have in common. */
type Options = Pick<PeerDraft, (typeof rivalOptions)[number][number]>;

/** What must hold between options that make the connections of peers. */
export function checkTransports(draft: PeersDraft, report: Report, passwords: PasswordFiles): void {
  for (const [name, group] of Object.entries(draft.peerGroups)) {
    checkOptions(group, ["peerGroups", name], report);
    checkPasswordFile(group.passwordFile, ["peerGroups", name], report, passwords);
  }
  for (const [index, range] of draft.ranges.entries()) {
    checkOptions(range, ["ranges", index], report);
    checkPasswordFile(range.passwordFile, ["ranges", index], report, passwords);
  }
  for (const [index, peer] of draft.peers.entries()) {
    checkOptions(peer, ["peers", index], report);
    checkPasswordFile(peer.passwordFile, ["peers", index], report, passwords);
    checkSourceAddress(peer, ["peers", index, "sourceAddress"], report);
    checkPasswordOfRange(draft, index, report);
  }
}

/** Says which of the options that are given here exclude each other. */
export function checkOptions(options: Partial<Options>, path: ConfigPath, report: Report): void {
  for (const [first, second] of rivalOptions) {
    if (options[first] === undefined || options[second] === undefined) continue;
    report.error([...path, second], `excludes ${first}: remove one of the two`);
  }
}

/** Reads the password file that a part of the configuration names, if it does. */
export function checkPasswordFile(
  file: string | undefined,
  path: ConfigPath,
  report: Report,
  passwords: PasswordFiles,
): void {
  if (file === undefined) return;
  const { problem, warning } = passwords.read(file);
  if (problem !== undefined) report.error([...path, "passwordFile"], problem);
  if (warning !== undefined) report.warn([...path, "passwordFile"], warning);
}

function checkSourceAddress(peer: PeerDraft, path: ConfigPath, report: Report): void {
  const { address, sourceAddress } = peer;
  if (address === undefined || sourceAddress === undefined) return;
  const version = ipVersionOf(withoutZone(address));
  if (ipVersionOf(sourceAddress) === version) return;
  report.error(
    path,
    `${sourceAddress} cannot be the source of connections to ${address}: give an IPv${version} address`,
  );
}

function hasPassword(draft: PeersDraft, options: Options & Pick<PeerDraft, "group">): boolean {
  const shared = options.group === undefined ? undefined : draft.peerGroups[options.group];
  return [options, shared].some(
    (some) => some?.password !== undefined || some?.passwordFile !== undefined,
  );
}

/** The kernel asks everybody in a range with a password for one. */
function checkPasswordOfRange(draft: PeersDraft, index: number, report: Report): void {
  const peer = draft.peers[index];
  const octets = parseIpAddress(withoutZone(peer?.address ?? ""));
  if (peer === undefined || octets === undefined || hasPassword(draft, peer)) return;
  const range = draft.ranges.findIndex(({ prefix, ...options }) => {
    const holds = prefix !== undefined && prefixContainsAddress(prefix, octets);
    return holds && hasPassword(draft, options);
  });
  if (range < 0) return;
  const place = report.at(["ranges", range, "prefix"]);
  report.error(
    ["peers", index],
    `has no password, but the range at ${place} that holds it has one, and the kernel asks everybody in it: give the peer its own`,
  );
}
