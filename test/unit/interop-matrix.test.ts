import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMatrix, parseRecords } from "../interop/support/matrix.ts";

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
