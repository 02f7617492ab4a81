/**
 * `write-matrix.ts CELLS [PAGE]`: prints the matrix of the scenarios recorded in CELLS and writes it to PAGE, which is of a run
 * of everything: no cell of it may be empty.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { DaemonKind } from "../../support/foreign/index.ts";
import { run } from "../../support/run.ts";
import { emptyCells, formatMatrix, parseRecords } from "./matrix.ts";

const packages: Readonly<Record<DaemonKind, string>> = {
  bird: "bird2",
  frr: "frr",
  gobgp: "gobgpd",
  openbgpd: "openbgpd",
  exabgp: "exabgp",
};

/** `8.4.4` of `8.4.4-1.1~deb12u2` */
async function versionOf(name: string): Promise<string> {
  const version = await run(["dpkg-query", "--show", "--showformat=${Version}", name]);
  return /^[\d.]+/.exec(version)?.[0] ?? version;
}

const [cellsFile = "", page] = process.argv.slice(2);
const versions = await Promise.all(
  Object.entries(packages).map(async ([daemon, name]) => [daemon, await versionOf(name)]),
);
const records = parseRecords(readFileSync(cellsFile, "utf8"));
const text = formatMatrix(
  records,
  Object.fromEntries(versions) as Record<DaemonKind, string>, // of the keys of `packages`
);
process.stdout.write(text);
if (page !== undefined) {
  writeFileSync(page, text);
  const empty = emptyCells(records, Object.keys(packages) as DaemonKind[]); // its keys are just these
  for (const cell of empty) console.error(`neither a scenario nor a reason to have none: ${cell}`);
  if (empty.length > 0) process.exitCode = 1;
}
