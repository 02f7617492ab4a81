import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { offenceTexts } from "../../src/bgp/offence.ts";
import { ExitCode } from "../../src/cli/exit-code.ts";
import { StatusCode } from "../../src/gen/margay/v1/frame_pb.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Paths in backticks; those of a directory end with a slash or have no suffix. */
function pathsIn(text: string): string[] {
  const paths = text.matchAll(/`((?:src|test|docs|bench|lab|scripts|proto)\/[\w@./-]*)`/g);
  return [...paths].map(([, path = ""]) => path);
}

/** Numbers in `RFC 4271`, `RFC4271` and `RFC 4486, 8538 and 9384`. */
function rfcsIn(text: string): number[] {
  const mentions = text.matchAll(/RFCs? ?(\d{3,5}(?:(?:, | and )\d{3,5}\b)*)/g);
  return [...mentions].flatMap(([, list = ""]) => (list.match(/\d+/g) ?? []).map(Number));
}

/** Cells of the tables in a text, without their heads. */
function tableRows(text: string): string[][] {
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  const isRuler = (line: string | undefined): boolean => /^\|[-|\s:]+\|$/.test(line ?? "");
  return rows
    .filter((line, index) => !isRuler(line) && !isRuler(rows[index + 1]))
    .map((line) => line.split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
}

const pages = [...globSync("docs/*.md", { cwd: root }), "README.md"].filter((page) =>
  existsSync(join(root, page)),
);

for (const page of pages) {
  test(`every path that ${page} names is there`, () => {
    const missing = pathsIn(read(page)).filter((path) => !existsSync(join(root, path)));
    assert.deepEqual(missing, []);
  });
}

interface RfcRow {
  readonly rfc: number;
  readonly state: string;
  readonly sources: readonly string[];
  readonly tests: readonly string[];
}

const rfcRows: readonly RfcRow[] = tableRows(read("docs/RFCS.md")).map((cells) => {
  const [rfc = "", , state = "", sources = "", tests = ""] = cells;
  assert.equal(cells.length, 5, `a row of docs/RFCS.md with other than five cells: ${rfc}`);
  return { rfc: Number.parseInt(rfc, 10), state, sources: pathsIn(sources), tests: pathsIn(tests) };
});

test("docs/RFCS.md is ordered by number", () => {
  assert.ok(rfcRows.length > 40);
  const numbers = rfcRows.map(({ rfc }) => rfc);
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
});

test("docs/RFCS.md calls nothing implemented, nor decoded, without a file that does it and a test that proves it", () => {
  for (const { rfc, state, sources, tests } of rfcRows) {
    assert.match(state, /^(whole$|part: |decoded only|not yet|background$)/, `state of RFC ${rfc}`);
    const misplaced = [
      ...sources.filter((path) => !/^(src|proto)\//.test(path)),
      ...tests.filter((path) => !path.startsWith("test/")),
    ];
    assert.deepEqual(misplaced, [], `RFC ${rfc}: sources among tests, or tests among sources`);
    if (state === "background" || state.startsWith("not yet")) continue;
    assert.ok(sources.length > 0, `RFC ${rfc} names no file`);
    assert.ok(tests.length > 0, `RFC ${rfc} names no test`);
  }
});

test("every RFC that the sources name has a row in docs/RFCS.md", () => {
  const known = new Set(rfcRows.map(({ rfc }) => rfc));
  const missing = new Map<number, string>();
  for (const path of globSync("src/**/*.ts", { cwd: root })) {
    for (const rfc of rfcsIn(read(path))) if (!known.has(rfc)) missing.set(rfc, path);
  }
  assert.deepEqual([...missing], []);
});

function firstColumn(heading: string): string[] {
  const section = read("docs/ERRORS.md").split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return tableRows(section).map(([code = ""]) => code.replaceAll("`", ""));
}

test("docs/ERRORS.md has every exit code, and no other", () => {
  assert.deepEqual(firstColumn("Exit codes of margay"), Object.values(ExitCode).map(String));
});

test("docs/ERRORS.md has every status code of the API, and no other", () => {
  // UNSPECIFIED is what protobuf makes of a frame that says none.
  const codes = Object.keys(StatusCode).filter((name) => name !== "UNSPECIFIED");
  assert.deepEqual(firstColumn("Status codes of the API").toSorted(), codes.toSorted());
});

test("docs/OPERATIONS.md has every kind of what peers do wrong, with its line in the log and its test", () => {
  const section = read("docs/OPERATIONS.md").split("## What peers do wrong\n")[1] ?? "";
  const rows = tableRows(section.split("\n## ")[0] ?? "");
  const kinds = rows.map(([kind = ""]) => kind.replaceAll("`", ""));
  const counters = kinds.filter((kind) => kind.startsWith("margay_"));
  assert.deepEqual(
    kinds.filter((kind) => !counters.includes(kind)).toSorted(),
    Object.keys(offenceTexts).toSorted(),
  );
  assert.equal(counters.length, 2);
  for (const [kind, , , line = "", tests = ""] of rows) {
    assert.notEqual(line, "", kind);
    assert.ok(pathsIn(tests).length > 0, kind);
  }
});
