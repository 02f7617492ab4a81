/** `write-matrix.ts CELLS [PAGE]`: prints the matrix of the scenarios recorded in CELLS and writes it to PAGE. */
import { readFileSync, writeFileSync } from "node:fs";
import type { DaemonKind } from "../../support/foreign/index.ts";
import { run } from "../../support/run.ts";
import { formatMatrix, parseRecords } from "./matrix.ts";

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
const text = formatMatrix(
  parseRecords(readFileSync(cellsFile, "utf8")),
  Object.fromEntries(versions) as Record<DaemonKind, string>, // of the keys of `packages`
);
process.stdout.write(text);
if (page !== undefined) writeFileSync(page, text);
