import assert from "node:assert/strict";
import { test } from "node:test";
import { convergencePlot, documentOf } from "../../../bench/document.ts";
import type { Results, Run } from "../../../bench/results.ts";
import type { Phase, Report } from "../../../bench/tester/report.ts";

function phase(name: Phase["name"], changes: Partial<Phase> = {}): Phase {
  const clients = 100;
  const usage = { cpuSeconds: 0.25, testerCpuSeconds: 0.125, updates: 9900 };
  return { name, clients, established: clients, complete: clients, ...usage, ...changes };
}

const noViolations = {
  nextHop: 0,
  originatorId: 0,
  clusterList: 0,
  attributes: 0,
  unknownPrefix: 0,
  malformed: 0,
  notifications: 0,
  sessionsLost: 0,
};

function report(phases: readonly Phase[], changes: Partial<Report> = {}): Report {
  return {
    phases,
    peakRssOctets: 50 * 2 ** 20,
    violations: noViolations,
    notes: { echoed: 0, repeated: 0, withdrawnInVain: 0 },
    ...changes,
  };
}

function reflected(daemon: string, scenario: string, seconds: number): Run {
  const phases = [phase("announce", { seconds }), phase("withdraw", { seconds: seconds / 2 })];
  return { daemon, scenario, report: report(phases), wallSeconds: 5 };
}

function results(runs: readonly Run[]): Results {
  return {
    date: "2026-03-01T12:00:00.000Z",
    machine: {
      processor: "A processor",
      processors: 2,
      memoryGib: 8,
      kernel: "6.1",
      system: "A system",
      node: "v24.0.0",
    },
    loadAverage: [0.1, 1.25],
    minutes: 3.2,
    timeoutSeconds: 60,
    daemons: [
      { key: "margay", name: "margay", version: "1.0" },
      { key: "bird", name: "BIRD", version: "2.0.12" },
    ],
    scenarios: ["reflect100", "restart1000"],
    runs,
    micro: [{ title: "Codec", text: "fast\n" }],
  };
}

/** The cells of the first row with this title. */
function row(document: string, title: string): readonly string[] | undefined {
  const line = document.split("\n").find((text) => text.startsWith(`| ${title} |`));
  return line
    ?.split("|")
    .slice(2, -1)
    .map((cell) => cell.trim());
}

test("a cell is the median, and how many times margay's it is", () => {
  const runs = [
    ...[0.02, 0.01, 0.09].map((seconds) => reflected("margay", "reflect100", seconds)),
    ...[0.5, 0.4, 0.6].map((seconds) => reflected("bird", "reflect100", seconds)),
  ];
  const document = documentOf(results(runs), undefined);
  assert.deepEqual(row(document, "reflect100"), ["20 ms", "500 ms (25 ×)"]);
  assert.deepEqual(row(document, "… withdrawn again"), ["10 ms", "250 ms (25 ×)"]);
  assert.equal(row(document, "restart1000"), undefined, "it did not come to run");
  assert.match(document, /Medians of 3 runs\./);
  assert.match(document, /BIRD 2\.0\.12/);
  assert.match(document, /## Codec\n\n```\nfast\n```/);
});

test("who was measured fewer times is named", () => {
  const runs = [
    ...[1, 1].map((seconds) => reflected("margay", "reflect100", seconds)),
    reflected("bird", "reflect100", 30),
  ];
  const document = documentOf(results(runs), undefined);
  assert.match(document, /Medians of 2 runs; 1 of reflect100 of BIRD\./);
});

test("who did not get there is said to be slow, or to lack sessions", () => {
  const late = phase("announce", { complete: 40 });
  const half = phase("join", { clients: 1000, established: 502, complete: 502 });
  const failed = (daemon: string, scenario: string, last: Phase): Run => {
    return { daemon, scenario, wallSeconds: 70, report: report([last], { failure: "late" }) };
  };
  const runs = [failed("bird", "reflect100", late), failed("bird", "restart1000", half)];
  const document = documentOf(results(runs), undefined);
  assert.deepEqual(row(document, "reflect100"), ["–", "> 60 s"]);
  assert.deepEqual(row(document, "… withdrawn again"), ["–", "–"]);
  assert.deepEqual(row(document, "restart1000"), ["–", "not all sessions: 502 of 1,000"]);
});

test("a daemon that could not be measured has failed, and one that does wrong is told of", () => {
  const wrong = reflected("margay", "reflect100", 1);
  const violations = { ...noViolations, nextHop: 3 };
  const runs: Run[] = [
    { ...wrong, report: { ...(wrong.report as Report), violations } },
    { daemon: "bird", scenario: "reflect100", failure: "ended", wallSeconds: 1 },
  ];
  const document = documentOf(results(runs), undefined);
  assert.deepEqual(row(document, "reflect100"), ["1 s ⚠ wrong routes", "failed"]);
  assert.match(document, /- margay in reflect100: nextHop 3/);
});

test("there is a plot when there is a line to draw", () => {
  const one = [reflected("margay", "reflect100", 1)];
  assert.equal(convergencePlot(results(one)), undefined);
  const svg = convergencePlot(results([...one, reflected("margay", "reflect250", 2)])) ?? "";
  assert.match(svg, /^<svg [\s\S]*>margay<[\s\S]*<\/svg>\n$/);
  assert.doesNotMatch(svg, />BIRD</);
  assert.match(documentOf(results(one), "docs/x.svg"), /!\[[^\]]+\]\(x\.svg\)/);
});
