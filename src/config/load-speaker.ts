import { dirname } from "node:path";
import { ipVersionOf } from "../net/ip-address.ts";
import type { Draft } from "./draft.ts";
import { readDraft } from "./draft.ts";
import { checkSessionTimers } from "./node-checks.ts";
import { PasswordFiles } from "./password-files.ts";
import { checkPeers } from "./peer-checks.ts";
import { type ConfigProblem, sortProblems } from "./problem.ts";
import { type Listen, ownAddresses } from "./listen.ts";
import { readSchema } from "./read-schema.ts";
import { Report } from "./report.ts";
import { resolvePeers, resolveRanges } from "./resolve-peers.ts";
import { readSourceFile } from "./source-file.ts";
import { type SpeakerFile, speakerSchema } from "./speaker-schema.ts";
import type { LoadedSpeaker, SpeakerSettings } from "./speaker-settings.ts";

/**
 * Reads the file of `margay speaker`, and all that is wrong with it at once. Never throws.
 * @param path of the YAML file
 */
export function loadSpeaker(path: string): LoadedSpeaker {
  const file = readSourceFile(path);
  if ("problem" in file) return failed([file.problem]);
  const { source } = file;
  if (source.problems.length > 0) return failed(source.problems);
  const result = readSchema(speakerSchema, source);
  const report = new Report(source);
  const passwords = new PasswordFiles(dirname(path));
  checkSpeaker(readDraft(speakerSchema, source.value), report, passwords);
  const problems = [...("problems" in result ? result.problems : []), ...report.problems];
  if ("problems" in result || problems.some(({ severity }) => severity === "error")) {
    return failed(problems);
  }
  return {
    ok: true,
    settings: settingsOf(result.value, passwords),
    warnings: sortProblems(problems),
  };
}

/** Keys of a speaker's file that a node's has not, and the other way round. */
const onlyHere = ["asn", "routerId", "clusterId", "clientToClient", "originate"];
const onlyNodes = [
  ...["cluster", "node", "mesh", "encapsulation", "tunnel", "ipip", "kernel"],
  ...["firewall", "felix"],
];

/** Does the file at this path look like one of a speaker, rather than of a node? Never throws. */
export function isSpeakerFile(path: string): boolean {
  const keys = keysOf(path);
  return keys.some((key) => onlyHere.includes(key)) && !keys.some((key) => onlyNodes.includes(key));
}

/** Is it one of a node, which must name its cluster? Never throws. */
export function isNodeFile(path: string): boolean {
  return keysOf(path).includes("cluster");
}

function keysOf(path: string): string[] {
  const file = readSourceFile(path);
  if ("problem" in file) return [];
  const { value } = file.source;
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
}

function failed(problems: readonly ConfigProblem[]): LoadedSpeaker {
  const sorted = sortProblems(problems);
  return {
    ok: false,
    errors: sorted.filter(({ severity }) => severity === "error"),
    warnings: sorted.filter(({ severity }) => severity === "warning"),
  };
}

/** The file with what it leaves out. @param file one that was checked */
function settingsOf(file: SpeakerFile, passwords: PasswordFiles): SpeakerSettings {
  const { peerGroups, ...rest } = file;
  const routerId = file.routerId ?? ownAddresses(file.listen)[4] ?? ""; // never: checkSpeaker has seen to it
  return {
    ...rest,
    routerId,
    clusterId: file.clusterId ?? routerId,
    peers: resolvePeers(file.peers, { ...file, passwords }),
    ranges: resolveRanges(file.ranges, { ...file, passwords }),
  };
}

function checkSpeaker(draft: Draft<SpeakerFile>, report: Report, passwords: PasswordFiles): void {
  checkSessionTimers(draft.timers, report);
  checkPeers(draft, report, passwords);
  const { address } = draft.listen;
  // The draft has the list as it is, or not at all.
  const own = address === undefined ? {} : ownAddresses({ address: address as Listen["address"] });
  if (!report.isGiven(["routerId"]) && address !== undefined && own[4] === undefined) {
    report.error([], "no routerId can be told from listen.address: give one, such as 192.0.2.1");
  }
  for (const [index, { prefix, nextHop }] of draft.originate.entries()) {
    if (prefix === undefined) continue;
    const path = ["originate", index];
    const given = report.isGiven([...path, "nextHop"]);
    if (!given && address === undefined) continue;
    const hop = given ? nextHop : (own[prefix.version] ?? own[6]);
    // An IPv4 route may have an IPv6 next hop (RFC 8950).
    if (hop !== undefined && (prefix.version === 4 || ipVersionOf(hop) === 6)) continue;
    if (given && hop === undefined) continue; // wrong, as has been said
    report.error(
      path,
      `${prefix.text} has no next hop of its IP version: give nextHop, IPv${prefix.version}`,
    );
  }
}
