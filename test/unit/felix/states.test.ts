import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  direct,
  nothing,
  type State,
  type Terms,
  tunnelled,
  World,
} from "../../support/felix-world.ts";

const ipv4 = { payload: 4, underlay: 4 } as const;
const ipv6 = { payload: 6, underlay: 6 } as const;
const ipv6OverIpv4 = { payload: 6, underlay: 4 } as const;

const twoNodes: State = {
  name: "two nodes on the segment",
  routes: { 2: ["a"], 3: ["b"] },
  kernel: { 2: [direct("a")], 3: [direct("b")] },
};

const moved: State = {
  name: "the pods of one with the other",
  routes: { 2: ["b"], 3: ["b"] },
  kernel: { 2: [direct("b")], 3: [direct("b")] },
};

const spread: State = {
  name: "one prefix with both",
  routes: { 2: ["a", "b"] },
  kernel: { 2: [direct("a"), direct("b")] },
};

const turned: State = {
  name: "two prefixes with both, in two orders",
  routes: { 2: ["b", "a"], 3: ["a", "b"] },
  kernel: { 2: [direct("b"), direct("a")], 3: [direct("a"), direct("b")] },
};

const beyond: State = {
  name: "one of them beyond the router",
  routes: { 2: ["a"], 3: ["x"] },
  kernel: { 2: [direct("a")], 3: [tunnelled("x")] },
};

const always: State = {
  ...twoNodes,
  name: "tunnels to all",
  encapsulation: "always",
  kernel: { 2: [tunnelled("a")], 3: [tunnelled("b")] },
};

const alwaysMoved: State = {
  ...moved,
  name: "tunnels, and the pods of one with the other",
  encapsulation: "always",
  kernel: { 2: [tunnelled("b")], 3: [tunnelled("b")] },
};

const alwaysSpread: State = {
  name: "one prefix through two tunnels, to here and beyond",
  routes: { 2: ["a", "x"], 4: ["y"] },
  encapsulation: "always",
  kernel: { 2: [tunnelled("a"), tunnelled("x")], 4: [tunnelled("y")] },
};

const mixed: State = {
  name: "a prefix with one here and one beyond",
  routes: { 3: ["a", "x"] },
  kernel: { 3: [direct("a"), tunnelled("x")] },
};

const bothBeyond: State = {
  name: "a prefix with two beyond, of whom one has another",
  routes: { 2: ["x", "y"], 3: ["x"] },
  kernel: { 2: [tunnelled("x"), tunnelled("y")], 3: [tunnelled("x")] },
};

const stranger: State = {
  ...twoNodes,
  name: "a stranger's route in one place",
  foreign: { 2: "stranger" },
  kernel: { 2: [direct("stranger")], 3: [direct("b")] },
};

const strangerAlone: State = {
  name: "a stranger's route that nobody here wants",
  routes: {},
  foreign: { 2: "stranger" },
  kernel: { 2: [direct("stranger")] },
};

const down: State = { ...twoNodes, name: "the link is down", linkDown: true, kernel: {} };

const elsewhere: State = {
  ...twoNodes,
  name: "the segment on another link",
  otherLink: true,
  kernel: { 2: [direct("a", "eth1")], 3: [direct("b", "eth1")] },
};

const otherPods: State = { ...twoNodes, name: "other pods of our own", pods: 9 };

const inVxlan: State = { ...beyond, name: "beyond, by VXLAN", tunnel: "vxlan" };
const inTunl0: State = { ...beyond, name: "beyond, by tunl0", tunnel: "tunl0" };
const inOurs: State = { ...beyond, name: "beyond, by our IPIP device", tunnel: "an IPIP device" };
const allInOurs: State = { ...always, name: "all by our IPIP device", tunnel: "an IPIP device" };

/** A prefix that leads nowhere but into tunnels, elsewhere: what lost its way outside of them would stay. */
const farPrefix: State = {
  name: "a prefix of its own beyond",
  routes: { 2: ["a"], 4: ["x"] },
  kernel: { 2: [direct("a")], 4: [tunnelled("x")] },
};

const never: State = {
  ...farPrefix,
  name: "no tunnels",
  encapsulation: "never",
  kernel: { 2: [direct("a")] },
};

const pools: State = {
  name: "a node with one prefix in the tunnel and one beside it",
  routes: { 2: ["a"], 3: ["a"] },
  pools: { 2: "always", 3: "never" },
  kernel: { 2: [tunnelled("a")], 3: [direct("a")] },
};

const otherPools: State = {
  ...pools,
  name: "the same the other way round",
  pools: { 2: "never", 3: "always" },
  kernel: { 2: [direct("a")], 3: [tunnelled("a")] },
};

const apart: State = {
  ...twoNodes,
  name: "one that says it is in another subnet",
  apart: ["a"],
  kernel: { 2: [tunnelled("a")], 3: [direct("b")] },
};

const spreadApart: State = {
  ...spread,
  name: "one prefix with both, of whom the other says so",
  apart: ["b"],
  kernel: { 2: [direct("a"), tunnelled("b")] },
};

const elsewhereInTunnels: State = {
  ...always,
  name: "tunnels on another link",
  otherLink: true,
};

interface Suite {
  readonly terms: readonly Terms[];
  /** Neighbours in a list are what might get into each other's way. */
  readonly lists: readonly (readonly State[])[];
}

const suites: readonly Suite[] = [
  {
    terms: [
      { name: "IPv4, VXLAN", flows: [ipv4], tunnel: "vxlan" },
      { name: "IPv4, an IPIP device of ours", flows: [ipv4], tunnel: "an IPIP device" },
      { name: "IPv6, VXLAN", flows: [ipv6], tunnel: "vxlan" },
      { name: "both, VXLAN", flows: [ipv4, ipv6], tunnel: "vxlan" },
      { name: "both, tunl0 and ip6tnl", flows: [ipv4, ipv6], tunnel: "tunl0" },
    ],
    lists: [
      [nothing, twoNodes, moved, spread],
      [twoNodes, beyond, always, mixed],
      [twoNodes, stranger, strangerAlone, nothing],
      [twoNodes, down, spread, strangerAlone],
      [twoNodes, elsewhere, spread, mixed],
      [moved, otherPods, stranger, beyond],
      [spread, turned, bothBeyond, mixed],
    ],
  },
  {
    terms: [
      { name: "IPv4", flows: [ipv4], tunnel: "vxlan" },
      { name: "both", flows: [ipv4, ipv6], tunnel: "vxlan" },
    ],
    lists: [
      [inVxlan, inTunl0, inOurs, allInOurs],
      [never, farPrefix, always, twoNodes],
      [pools, otherPools, alwaysSpread, twoNodes],
      [twoNodes, apart, spreadApart, always],
      [elsewhere, always, elsewhereInTunnels, beyond],
    ],
  },
  {
    // Straight to an IPv4 address IPv6 packets cannot go.
    terms: [{ name: "both over IPv4", flows: [ipv4, ipv6OverIpv4], tunnel: "vxlan" }],
    lists: [[always, alwaysMoved, alwaysSpread, nothing]],
  },
];

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((one) =>
    permutations(all.filter((other) => other !== one)).map((rest) => [one, ...rest]),
  );
}

function assertIn(world: World, state: State): void {
  assert.deepEqual(world.there(), world.expected(state), state.name);
  assert.deepEqual(world.leftObjects(), [], `objects that nothing needs: ${state.name}`);
}

const manners: Readonly<Record<string, (world: World, states: readonly State[]) => Promise<void>>> =
  {
    "one after the other": async (world, states) => {
      for (const state of states) {
        for (const step of world.steps(state)) await step();
        await world.settled();
        assertIn(world, state);
      }
    },
    "step by step": async (world, states) => {
      for (const state of states) {
        for (const step of world.steps(state)) {
          await step();
          await world.settled();
        }
        assertIn(world, state);
      }
    },
    "all at once": async (world, states) => {
      for (const state of states) for (const step of world.steps(state)) await step();
      await world.settled();
      assertIn(world, states.at(-1) ?? nothing);
    },
  };

for (const { terms, lists } of suites) {
  for (const one of terms) {
    describe(`states of ${one.name}`, () => {
      for (const nextHopObjects of ["never", "auto"] as const) {
        for (const [manner, go] of Object.entries(manners)) {
          for (const list of lists) {
            const names = list.map(({ name }) => name).join("; ");
            test(`${manner}, in every order, next-hop objects ${nextHopObjects}: ${names}`, async () => {
              for (const states of permutations(list)) {
                const world = new World(one);
                await world.begin({ nextHopObjects });
                try {
                  await go(world, states);
                } catch (error) {
                  const order = states.map(({ name }) => name).join(" → ");
                  throw new Error(`in the order ${order}`, { cause: error });
                } finally {
                  await world.h.stop();
                }
              }
            });
          }
        }
      }
    });
  }
}
