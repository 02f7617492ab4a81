import assert from "node:assert/strict";
import { test } from "node:test";
import type { Contender } from "../../bench/daemons/daemon.ts";
import { contenders } from "../../bench/daemons/index.ts";
import { measure } from "../../bench/run.ts";
import type { Scenario } from "../../bench/scenarios.ts";
import type { Steps } from "../../bench/tester/plan.ts";
import type { PhaseName } from "../../bench/tester/report.ts";

function scenario(name: string, steps: Steps): Scenario {
  return { name, description: "", family: name, size: 1, steps, measures: [] };
}

const pods = { senders: 30, prefixesEach: 4, traffic: "pods" } as const;
const internet = { senders: 2, prefixesEach: 5000, traffic: "internet" } as const;
const nodes = { senders: 2, prefixesEach: 100, traffic: "nodes" } as const;

const cases: readonly (readonly [Scenario, readonly PhaseName[]])[] = [
  [
    scenario("reflect", { kind: "exchange", listeners: 0, ...pods }),
    ["connect", "announce", "withdraw"],
  ],
  [
    scenario("feed", { kind: "exchange", listeners: 1, ...internet }),
    ["connect", "announce", "withdraw"],
  ],
  [
    scenario("churn", { kind: "churn", events: 4, perSecond: 50, ...pods }),
    ["connect", "announce", "churn"],
  ],
  [
    scenario("restart", { kind: "join", clients: 30, overSeconds: 0, ...nodes }),
    ["connect", "announce", "join"],
  ],
  [scenario("storm", { kind: "storm", overSeconds: 0.2, ...pods }), ["storm"]],
];

function contender(key: string): Contender {
  const found = contenders.find((one) => one.key === key);
  assert.ok(found !== undefined, key);
  return found;
}

for (const key of ["floor", "margay", "bird", "frr", "gobgp"]) {
  for (const [one, phases] of key === "floor" ? cases : cases.slice(0, 1)) {
    test(`${key} gets through a small ${one.name}, and does nothing wrong`, async () => {
      const { failure, report } = await measure(contender(key), one, 20);
      assert.equal(failure, undefined);
      assert.equal(report?.failure, undefined);
      assert.deepEqual(
        report?.phases.map(({ name }) => name),
        phases,
      );
      for (const { clients, complete, name, ...rest } of report.phases) {
        assert.equal(complete, clients, name);
        assert.ok((rest.latency?.samples ?? rest.seconds ?? 0) > 0, name);
      }
      assert.deepEqual([...new Set(Object.values(report.violations))], [0]);
      assert.ok(report.peakRssOctets > 1 << 20);
    });
  }
}

test("a daemon that ends is told of with its last words", async () => {
  const dying: Contender = {
    key: "dying",
    name: "dying",
    version: () => Promise.resolve("1"),
    prepare: () => Promise.resolve(["sh", "-c", "echo I cannot go on; exit 1"]),
  };
  const { failure } = await measure(dying, cases[0]?.[0] as Scenario, 5);
  assert.match(failure ?? "", /has ended; its last words:\nI cannot go on/);
});
