import type { Steps } from "./tester/plan.ts";
import type { PhaseName } from "./tester/report.ts";

/** One row of the table of times: what is measured in a scenario's run. */
export interface Measure {
  readonly title: string;
  readonly phase: PhaseName;
  readonly value: "seconds" | "p50Ms" | "p99Ms";
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  /**
   * Scenarios that ask the same of a daemon, only more of it the greater `size` is: one that failed is not asked for as much
   * or more again.
   */
  readonly family: string;
  readonly size: number;
  readonly steps: Steps;
  readonly measures: readonly Measure[];
}

const number = new Intl.NumberFormat("en");

/** Clients announce their blocks at one signal, hold everybody else's, and withdraw them. */
function reflect(clients: number, blocks: number): Scenario {
  const name = `reflect${clients}`;
  const what = blocks === 1 ? "one /26" : `${blocks} /26 each`;
  return {
    name,
    description: `${number.format(clients)} clients announce ${what} at one signal; until all hold all. Then all withdraw.`,
    family: "reflect",
    size: clients,
    steps: {
      kind: "exchange",
      senders: clients,
      prefixesEach: blocks,
      listeners: 0,
      traffic: "pods",
    },
    measures: [
      { title: name, phase: "announce", value: "seconds" },
      { title: "… withdrawn again", phase: "withdraw", value: "seconds" },
    ],
  };
}

function churn(clients: number, events: number): Scenario {
  const name = `churn${clients}`;
  return {
    name,
    description: `After reflect${clients} one client withdraws and announces one block, ${events} times, ten a second; how long until another client sees it.`,
    family: "reflect",
    size: clients,
    steps: {
      kind: "churn",
      senders: clients,
      prefixesEach: 4,
      traffic: "pods",
      events,
      perSecond: 10,
    },
    measures: [
      { title: `${name}, p50`, phase: "churn", value: "p50Ms" },
      { title: `${name}, p99`, phase: "churn", value: "p99Ms" },
    ],
  };
}

/** Clients connect to a daemon that has a table already. */
function join(name: string, clients: number, overSeconds: number): Scenario {
  const when = overSeconds === 0 ? "at one instant" : `over ${overSeconds} s`;
  return {
    name: `${name}${clients}`,
    description: `4,000 /26 of 1,000 attribute sets are in the table; then ${number.format(clients)} clients connect ${when}; until all hold all.`,
    family: name,
    size: clients,
    steps: { kind: "join", senders: 4, prefixesEach: 1000, traffic: "nodes", clients, overSeconds },
    measures: [{ title: `${name}${clients}`, phase: "join", value: "seconds" }],
  };
}

function storm(clients: number): Scenario {
  const name = `storm${clients}`;
  return {
    name,
    description: `The table is empty; ${number.format(clients)} clients connect over 5 s and announce 4 /26 each at once; until all hold all. A daemon's restart, as nodes see it.`,
    family: "storm",
    size: clients,
    steps: { kind: "storm", senders: clients, prefixesEach: 4, traffic: "pods", overSeconds: 5 },
    measures: [{ title: name, phase: "storm", value: "seconds" }],
  };
}

function feed(name: string, senders: number, prefixesEach: number): Scenario {
  const sets = number.format(Math.round((senders * prefixesEach) / 6));
  const each = number.format(prefixesEach);
  return {
    name,
    description:
      senders === 1
        ? `One sender, one receiver, ${each} prefixes of about ${sets} attribute sets, in no order. Then all are withdrawn.`
        : `${senders} peers announce ${each} prefixes each; until every one holds all the others'. Then all are withdrawn.`,
    family: name,
    size: prefixesEach,
    steps: {
      kind: "exchange",
      senders,
      prefixesEach,
      listeners: senders === 1 ? 1 : 0,
      traffic: "internet",
    },
    measures: [
      { title: name, phase: "announce", value: "seconds" },
      { title: "… withdrawn again", phase: "withdraw", value: "seconds" },
    ],
  };
}

/** The points of the plot of convergence time against clients. */
export const plotted: readonly Scenario[] = [
  reflect(100, 4),
  reflect(250, 4),
  reflect(500, 4),
  reflect(1000, 4),
  reflect(2000, 1),
];

const usual: readonly Scenario[] = [
  ...plotted,
  churn(1000, 30),
  join("restart", 1000, 0),
  join("ramp", 1000, 5),
  storm(1000),
  feed("feed1", 1, 1_000_000),
  feed("feed10", 10, 100_000),
];

/** Small ones, for who is in a hurry. */
const small: readonly Scenario[] = [
  feed("feed1small", 1, 100_000),
  feed("feed10small", 10, 10_000),
];

/** All there are, in the order in which they run: of a family the smaller ones first. */
export const scenarios: ReadonlyMap<string, Scenario> = byName(
  [...Map.groupBy([...usual, ...small], ({ family }) => family).values()].flatMap((family) =>
    family.toSorted((a, b) => a.size - b.size),
  ),
);

function byName(all: readonly Scenario[]): ReadonlyMap<string, Scenario> {
  return new Map(all.map((scenario) => [scenario.name, scenario]));
}

/** What runs unless told otherwise. */
export const usualScenarios: readonly string[] = [...scenarios.keys()].filter(
  (name) => !small.some((scenario) => scenario.name === name),
);
/** Those that take long come last. */
export const quickScenarios: readonly string[] = [
  "reflect100",
  "feed1small",
  "reflect1000",
  "restart1000",
];
