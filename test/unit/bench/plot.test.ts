import assert from "node:assert/strict";
import { test } from "node:test";
import { plot } from "../../../bench/plot.ts";

const options = { title: "a < b & c", xTitle: "clients", yTitle: "seconds", xMarks: [100, 10_000] };

function positionsOf(svg: string): number[][] {
  const lines = [...svg.matchAll(/<polyline points="([^"]*)"/g)];
  return lines.flatMap(([, points = ""]) =>
    points.split(" ").map((point) => point.split(",").map(Number)),
  );
}

test("both axes are logarithmic: equal ratios are equal distances", () => {
  const points = [
    { x: 100, y: 0.1 },
    { x: 1000, y: 1 },
    { x: 10_000, y: 10 },
  ];
  const [first = [], middle = [], last = []] = positionsOf(
    plot([{ name: "one", points }], options),
  );
  for (const axis of [0, 1]) {
    const [a = 0, b = 0, c = 0] = [first[axis], middle[axis], last[axis]];
    assert.ok(Math.abs(b - a - (c - b)) < 0.2);
  }
  assert.ok((last[1] as number) < (first[1] as number), "more is higher up");
});

test("names are escaped and none covers another; a line without points is left out", () => {
  const at = (y: number) => [{ x: 100, y }];
  const series = [
    { name: "<one>", points: at(1) },
    { name: "two", points: at(1.01) },
    { name: "absent", points: [] },
  ];
  const svg = plot(series, options);
  assert.match(svg, /a &lt; b &amp; c/);
  assert.doesNotMatch(svg, /absent/);
  const height = (name: string): number => {
    return Number(new RegExp(`y="([\\d.]+)"[^>]*>${name}<`).exec(svg)?.[1]);
  };
  assert.ok(Math.abs(height("&lt;one&gt;") - height("two")) >= 15);
});

test("nothing cannot be drawn", () => {
  assert.throws(() => plot([{ name: "one", points: [] }], options), RangeError);
});
