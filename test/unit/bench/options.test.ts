import assert from "node:assert/strict";
import { test } from "node:test";
import { readOptions, UsageError } from "../../../bench/options.ts";
import { scenarios, usualScenarios } from "../../../bench/scenarios.ts";

test("without a word, all that is usual goes into the document", () => {
  const options = readOptions([]);
  assert.equal(options?.output, "docs/BENCHMARKS.md");
  assert.equal(options.runs, 5);
  assert.deepEqual(options.scenarios, usualScenarios);
});

test("quick overwrites no document unless told", () => {
  assert.equal(readOptions(["--quick"])?.output, undefined);
  assert.equal(readOptions(["--quick", "--output", "x.md"])?.output, "x.md");
  assert.equal(readOptions(["--quick", "--runs", "2"])?.runs, 2);
  assert.notEqual(readOptions(["--quick"])?.json, readOptions([])?.json, "nor raw results");
});

test("quick begins with what takes no time, and may be resumed", () => {
  assert.equal(readOptions(["--quick"])?.scenarios[0], "reflect100");
  assert.equal(readOptions(["--quick"])?.scenarios.at(-1), "restart1000");
  assert.equal(readOptions(["--quick"])?.isResumed, false);
  assert.equal(readOptions(["--quick", "--resume"])?.isResumed, true);
});

test("a selection runs in the order of the table, smaller ones of a family first", () => {
  const options = readOptions([
    "--scenarios",
    "feed1,reflect1000,reflect100",
    "--daemons",
    "bird,margay",
  ]);
  assert.deepEqual(options?.scenarios, ["reflect100", "reflect1000", "feed1"]);
  assert.deepEqual(options.daemons, ["margay", "bird"]);
  const sizes = [...scenarios.values()].filter(({ family }) => family === "reflect");
  assert.deepEqual(
    sizes.map(({ size }) => size),
    [100, 250, 500, 1000, 1000, 2000],
  );
});

test("help is help", () => {
  assert.equal(readOptions(["--help", "--runs", "x"]), undefined);
});

for (const [args, message] of [
  [["--scenarios", "reflect7"], /no reflect7; there are reflect100/],
  [["--daemons", "quagga"], /no quagga/],
  [["--runs", "0"], /--runs 0/],
  [["--runs", "many"], /--runs many/],
  [["--fast"], /--fast/],
  [["feed1"], /feed1/],
] as const) {
  test(`${args.join(" ")} is refused`, () => {
    assert.throws(
      () => readOptions(args),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}
