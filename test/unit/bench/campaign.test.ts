import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Campaign } from "../../../bench/campaign.ts";
import type { Contender } from "../../../bench/daemons/daemon.ts";
import type { Run } from "../../../bench/results.ts";
import { scenarios } from "../../../bench/scenarios.ts";
import type { Phase } from "../../../bench/tester/report.ts";

function contender(key: string): Contender {
  return {
    key,
    name: key,
    version: () => Promise.resolve("1"),
    prepare: () => Promise.reject(new Error("nothing is run here")),
  };
}

function ran(daemon: string, scenario: string, seconds: number, wallSeconds = 5): Run {
  const clients = { clients: 2, established: 2, complete: 2 };
  const used = { cpuSeconds: 0, testerCpuSeconds: 0, updates: 0 };
  const name = scenario.startsWith("storm") ? "storm" : "announce";
  const phases: readonly Phase[] = [{ name, seconds, ...clients, ...used }];
  const violations = {
    ...{ nextHop: 0, originatorId: 0, clusterList: 0, attributes: 0 },
    ...{ unknownPrefix: 0, malformed: 0, notifications: 0, sessionsLost: 0 },
  };
  const notes = { echoed: 0, repeated: 0, withdrawnInVain: 0 };
  return { daemon, scenario, wallSeconds, report: { phases, peakRssOctets: 1, violations, notes } };
}

function failed(daemon: string, scenario: string): Run {
  return { daemon, scenario, failure: "it ended", wallSeconds: 5 };
}

/** What a campaign runs from here to its end, when everything goes as `outcome` says. */
function order(
  names: readonly string[],
  daemons: readonly string[],
  outcome: (daemon: string, scenario: string) => Run,
  earlier: readonly Run[] = [],
): readonly string[] {
  const contenders = daemons.map(contender);
  const pairings = names.flatMap((name) => {
    const scenario = scenarios.get(name);
    assert.ok(scenario !== undefined, name);
    return contenders.map((one) => ({ scenario, contender: one }));
  });
  const campaign = new Campaign(pairings, { runs: 3, timeoutSeconds: 60 }, earlier);
  const done: string[] = [];
  for (let next = campaign.next(); next !== undefined; next = campaign.next()) {
    done.push(`${next.scenario.name} ${next.contender.key}`);
    campaign.runs.push(outcome(next.contender.key, next.scenario.name));
  }
  return done;
}

describe("a campaign", () => {
  test("goes in rounds over all who are close, and leaves who is far off to the end", () => {
    const seconds: Readonly<Record<string, number>> = { margay: 0.1, bird: 0.3, gobgp: 0.9 };
    const one = (daemon: string, name: string): Run => ran(daemon, name, seconds[daemon] ?? 0);
    assert.deepEqual(order(["reflect100"], ["margay", "bird", "gobgp"], one), [
      ...["reflect100 margay", "reflect100 bird", "reflect100 gobgp"],
      ...["reflect100 margay", "reflect100 bird"],
      ...["reflect100 margay", "reflect100 bird"],
      ...["reflect100 gobgp", "reflect100 gobgp"],
    ]);
  });

  test("asks who failed for nothing of the same or more, but for less and for something else", () => {
    const one = (daemon: string, name: string): Run =>
      name === "reflect500" ? failed(daemon, name) : ran(daemon, name, 0.1, 30);
    const names = ["reflect250", "reflect500", "reflect1000", "churn1000", "storm1000"];
    assert.deepEqual(order(names, ["bird"], one), [
      "reflect250 bird",
      "reflect500 bird",
      "storm1000 bird",
    ]);
  });

  test("does not ask for more who would take too long if its time but grew in step", () => {
    const names = ["reflect100", "reflect250", "reflect1000"];
    const one = (seconds: number) => (daemon: string, name: string) =>
      ran(daemon, name, seconds, 30);
    assert.deepEqual(order(names, ["bird"], one(10)), ["reflect100 bird", "reflect250 bird"]);
    assert.deepEqual(order(names, ["bird"], one(1)).length, 3);
  });

  test("asks who is slow fewer times, but for margay, which all are compared with", () => {
    const slow = (daemon: string, name: string): Run => ran(daemon, name, 5, 12);
    assert.deepEqual(order(["storm1000"], ["bird", "margay"], slow), [
      ...["storm1000 bird", "storm1000 margay", "storm1000 bird", "storm1000 margay"],
      "storm1000 margay",
    ]);
  });

  test("counts what ran before", () => {
    const one = (daemon: string, name: string): Run => ran(daemon, name, 0.1);
    const earlier = [
      one("margay", "reflect100"),
      one("bird", "reflect100"),
      one("margay", "reflect100"),
    ];
    assert.deepEqual(order(["reflect100"], ["margay", "bird"], one, earlier), [
      "reflect100 bird",
      "reflect100 margay",
      "reflect100 bird",
    ]);
  });
});
