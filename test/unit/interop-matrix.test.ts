import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyCells, formatMatrix, parseRecords } from "../interop/support/matrix.ts";

const versions = { bird: "2.0", frr: "8.4", gobgp: "3.10", openbgpd: "7.7", exabgp: "4.2" };

function rowsOf(lines: readonly object[]): string[] {
  const text = lines.map((line) => `${JSON.stringify({ file: "x.test.ts", ...line })}\n`).join("");
  const page = formatMatrix(parseRecords(text), versions);
  return page.split("\n").filter((line) => /^(\| [A-Z]|\d\.)/.test(line));
}

test("a cell passes when all its scenarios do; one that only started has failed", () => {
  const feature = "Hold timer";
  assert.deepEqual(
    rowsOf([
      { id: 1, feature, daemon: "bird", result: "started" },
      { id: 2, feature, daemon: "bird", result: "started" },
      { id: 3, feature, daemon: "frr", result: "started" },
      { id: 4, feature, daemon: "frr", result: "started" },
      { id: 1, feature, daemon: "bird", result: "pass" },
      { id: 2, feature, daemon: "bird", result: "pass" },
      { id: 3, feature, daemon: "frr", result: "pass" },
    ]),
    ["| Hold timer | ✓ | ✗ |  |  |  | `test/interop/x.test.ts` |"],
  );
});

test("a scenario that is run once more is what it was the last time", () => {
  const again = (feature: string, last: string): object[] =>
    ["started", "pass", "started", last].map((result) => ({
      id: 1,
      feature,
      daemon: "frr",
      result,
    }));
  assert.deepEqual(rowsOf(again("Hold timer", "pass")), [
    "| Hold timer |  | ✓ |  |  |  | `test/interop/x.test.ts` |",
  ]);
  assert.deepEqual(rowsOf(again("Hold timer", "started")), [
    "| Hold timer |  | ✗ |  |  |  | `test/interop/x.test.ts` |",
  ]);
});

test("rows and notes have the same order, whichever file came first", () => {
  const lines = [
    { id: 1, file: "b.test.ts", feature: "C", daemon: "bird", result: "not supported", why: "one" },
    { id: 2, file: "a.test.ts", feature: "D", daemon: "bird", result: "not supported", why: "two" },
    { id: 1, file: "a.test.ts", feature: "A", daemon: "bird", result: "pass" },
    { id: 1, file: "c.test.ts", feature: "B", daemon: "bird", result: "pass" },
    { id: 2, file: "b.test.ts", feature: "B", daemon: "bird", result: "pass" },
  ];
  const expected = [
    "| A | ✓ |  |  |  |  | `test/interop/a.test.ts` |",
    "| D | – (1) |  |  |  |  | `test/interop/a.test.ts` |",
    "| B | ✓ |  |  |  |  | `test/interop/b.test.ts`, `test/interop/c.test.ts` |",
    "| C | – (2) |  |  |  |  | `test/interop/b.test.ts` |",
    "1. two",
    "2. one",
  ];
  assert.deepEqual(rowsOf(lines), expected);
  assert.deepEqual(rowsOf(lines.toReversed()), expected);
});

test("what a daemon does not support is said once, by a note", () => {
  const missing = { daemon: "gobgp", result: "not supported", why: "GoBGP has none" };
  assert.deepEqual(
    rowsOf([
      { id: 1, feature: "A", ...missing },
      { id: 2, feature: "B", ...missing },
      { id: 1, file: "y.test.ts", feature: "B", daemon: "frr", result: "started" },
      { id: 1, file: "y.test.ts", feature: "B", daemon: "frr", result: "pass" },
    ]),
    [
      "| A |  |  | – (1) |  |  | `test/interop/x.test.ts` |",
      "| B |  | ✓ | – (1) |  |  | `test/interop/x.test.ts`, `test/interop/y.test.ts` |",
      "1. GoBGP has none",
    ],
  );
});

test("a cell is empty that has neither a scenario nor a reason to have none", () => {
  const cell = { file: "x.test.ts", feature: "A" };
  const records = [
    { ...cell, id: 1, daemon: "bird", result: "started" },
    { ...cell, id: 2, daemon: "gobgp", result: "not supported", why: "GoBGP has none" },
    { ...cell, id: 3, daemon: "frr", feature: "B", result: "pass" },
  ] as const;
  assert.deepEqual(emptyCells(records, ["bird", "frr", "gobgp"]), [
    "A: frr",
    "B: bird",
    "B: gobgp",
  ]);
});
