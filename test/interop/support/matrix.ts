import type { DaemonKind } from "../../support/foreign/index.ts";

/** A line of the file that scenarios write. A cell that only ever started has failed. */
export interface CellRecord {
  /** The test file. */
  readonly file: string;
  /** Tells the scenarios of a file apart. */
  readonly id: number;
  readonly feature: string;
  readonly daemon: DaemonKind;
  readonly result: "started" | "pass" | "not supported";
  /** Of "not supported". */
  readonly why?: string;
}

interface Cell {
  readonly result: "pass" | "fail" | "not supported";
  readonly why: string;
}

interface Row {
  readonly feature: string;
  readonly files: readonly string[];
  readonly cells: ReadonlyMap<DaemonKind, Cell>;
}

/** Rows by file, then by name: files run side by side, so that the order of records is chance. */
function rowsOf(records: readonly CellRecord[]): readonly Row[] {
  const byFeature = Map.groupBy(records, ({ feature }) => feature);
  const rows = [...byFeature].map(([feature, own]) => ({
    feature,
    files: [...new Set(own.map(({ file }) => file))].toSorted(),
    cells: new Map(
      [...Map.groupBy(own, ({ daemon }) => daemon)].map(([daemon, some]) => [daemon, cellOf(some)]),
    ),
  }));
  const placeOf = ({ files, feature }: Row): string => `${files[0]} ${feature}`;
  return rows.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

/** What came last counts: a file that failed is run once more. */
function cellOf(records: readonly CellRecord[]): Cell {
  const last = new Map(records.map((record) => [`${record.file} ${record.id}`, record]));
  const results = new Set([...last.values()].map(({ result }) => result));
  if (results.has("started")) return { result: "fail", why: "" };
  if (results.has("pass")) return { result: "pass", why: "" };
  return { result: "not supported", why: records[0]?.why ?? "" };
}

/** Features that a daemon has neither a scenario of nor a reason to have none, as `feature: daemon`. */
export function emptyCells(
  records: readonly CellRecord[],
  daemons: readonly DaemonKind[],
): readonly string[] {
  return rowsOf(records).flatMap(({ feature, cells }) =>
    daemons.filter((daemon) => !cells.has(daemon)).map((daemon) => `${feature}: ${daemon}`),
  );
}

/** The matrix as a page of Markdown. @param versions of the daemons, which are the columns */
export function formatMatrix(
  records: readonly CellRecord[],
  versions: Readonly<Record<DaemonKind, string>>,
): string {
  const daemons = Object.keys(versions) as readonly DaemonKind[]; // its keys are just these
  const notes: string[] = [];
  const lines = rowsOf(records).map((row) => {
    const cells = daemons.map((daemon) => cellText(row.cells.get(daemon), notes));
    const tests = row.files.map((file) => `\`test/interop/${file}\``).join(", ");
    return `| ${[row.feature, ...cells, tests].join(" | ")} |`;
  });
  return `# Interoperability

margay against other implementations, as Debian 12 packages them. \`npm run test:interop\` runs every scenario and writes this page.
Each cell stands for one or more scenarios that look at routes and at the session on both ends.

| feature | ${daemons.map((daemon) => `${daemon} ${versions[daemon]}`).join(" | ")} | test |
|---|${daemons.map(() => ":-:|").join("")}---|
${lines.join("\n")}

✓ passes, ✗ fails, – not supported there, for the reason noted.

${notes.map((note, index) => `${index + 1}. ${note}\n`).join("")}`;
}

function cellText(cell: Cell | undefined, notes: string[]): string {
  if (cell === undefined) return "";
  if (cell.result !== "not supported") return cell.result === "pass" ? "✓" : "✗";
  const known = notes.indexOf(cell.why);
  return `– (${known >= 0 ? known + 1 : notes.push(cell.why)})`;
}

/** Lines of JSON to records. */
export function parseRecords(text: string): readonly CellRecord[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as CellRecord); // we wrote them
}
