import { appendFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { FOREIGN_SPEAKERS, type DaemonKind } from "../../support/foreign/index.ts";
import type { CellRecord } from "./matrix.ts";

/** Every daemon of the matrix, in the order of its columns. */
export const DAEMONS = Object.keys(FOREIGN_SPEAKERS) as readonly DaemonKind[]; // the table's keys are just these

/** Where cells are recorded, as JSON Lines; scripts/test-interop.sh sets it. */
const recordFile = process.env["MARGAY_INTEROP_CELLS"];
let registered = 0;

/**
 * One test of a feature against a daemon: a cell of docs/INTEROP.md. Several scenarios may share a cell, which passes when all
 * of them do.
 * @param feature the row, with its RFC, then what is shown where a cell has several: "Hold timer (RFC 4271 §6.5): a frozen peer"
 */
export function scenario(feature: string, daemon: DaemonKind, run: () => Promise<void>): void {
  const id = ++registered;
  record({ id, feature, daemon, result: "started" });
  test(`${feature}: ${daemon}`, async () => {
    await run();
    record({ id, feature, daemon, result: "pass" });
  });
}

/** The daemon cannot take part in this feature, or only in a way that proves nothing; says why. */
export function notSupported(feature: string, daemon: DaemonKind, why: string): void {
  record({ id: ++registered, feature, daemon, result: "not supported", why });
  test(`${feature}: ${daemon}`, { skip: `expected: not supported, ${why}` });
}

/** The same scenario for every daemon but those of which `except` says why not. */
export function scenarios(
  feature: string,
  run: (daemon: DaemonKind) => Promise<void>,
  except: Readonly<Partial<Record<DaemonKind, string>>> = {},
): void {
  for (const daemon of DAEMONS) {
    const why = except[daemon];
    if (why === undefined) scenario(feature, daemon, () => run(daemon));
    else notSupported(feature, daemon, why);
  }
}

/** Why these cannot be looked at by what their kernels do. */
export const programNoKernel: Readonly<Partial<Record<DaemonKind, string>>> = {
  gobgp: "GoBGP programs no kernel, by whose routes this is judged",
  openbgpd: "OpenBGPD programs no kernel on Linux, by whose routes this is judged",
  exabgp: "ExaBGP programs no kernel, by whose routes this is judged",
};

function record({ feature, ...cell }: Omit<CellRecord, "file">): void {
  if (recordFile === undefined) return;
  const [row = ""] = feature.split(": ");
  const line: CellRecord = { file: basename(process.argv[1] ?? ""), feature: row, ...cell };
  appendFileSync(recordFile, `${JSON.stringify(line)}\n`);
}
