// node collect.ts DIRECTORY: makes the recordings of an interop run (MARGAY_INTEROP_RECORD) fixtures, in place of those that are
// there of the same test files.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { replay } from "../../../src/recording/replay.ts";
import {
  directory,
  type Digests,
  digestsOf,
  readDigests,
  testOf,
  writeDigests,
} from "./digests.ts";

/** Of one recording, compressed: what is larger is of a test of capacity, and shows nothing more. */
const maximumOctets = 96 * 1024;

const [from] = process.argv.slice(2);
if (from === undefined) throw new Error("usage: node collect.ts DIRECTORY");

const names = readdirSync(from).filter((name) => name.endsWith(".rec"));
const tests = new Set(names.map(testOf));
const kept = Object.entries(readDigests()).filter(([name]) => !tests.has(testOf(name)));
const digests: Record<string, Digests[string]> = Object.fromEntries(kept);
for (const name of readdirSync(directory)) {
  if (name.endsWith(".gz") && digests[name] === undefined) rmSync(`${directory}/${name}`);
}
for (const name of names) {
  const recording = readFileSync(`${from}/${name}`);
  const compressed = gzipSync(recording, { level: 9 });
  if (compressed.length > maximumOctets) {
    process.stderr.write(`${name} is left out: ${compressed.length} octets\n`);
    continue;
  }
  const replayed = replay(recording);
  if (replayed.difference !== undefined) throw new Error(`${name}: ${replayed.difference}`);
  digests[`${name}.gz`] = digestsOf(replayed);
  writeFileSync(`${directory}/${name}.gz`, compressed);
}
writeDigests(digests);
process.stdout.write(
  `${names.length} recordings of ${tests.size} test files, ${Object.keys(digests).length} fixtures\n`,
);
