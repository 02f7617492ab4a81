import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FelixOptions } from "../../../src/felix/options.ts";
import { FelixHarness, prefix, STATIC } from "../../support/felix-harness.ts";

/** A world: what is wanted, what others do, and what the kernel then has of pods. */
interface State {
  readonly name: string;
  /** Prefixes, and the nodes that have them. */
  readonly routes: Readonly<Record<string, readonly string[]>>;
  /** Routes of another program: prefixes and gateways. */
  readonly foreign?: Readonly<Record<string, string>>;
  readonly linkDown?: boolean;
  /** The subnet is on eth1 instead. */
  readonly otherLink?: boolean;
  readonly encapsulation?: "cross-subnet" | "always";
  readonly podCidr?: string;
  readonly kernel: readonly string[];
}

const POD_CIDR = "10.233.1.0/24";
const LOCAL = "10.233.1.0/24 unreachable 77";

const nothing: State = { name: "nothing", routes: {}, kernel: [LOCAL] };

const twoNodes: State = {
  name: "two nodes on the segment",
  routes: { "10.233.2.0/24": ["192.168.1.3"], "10.233.3.0/24": ["192.168.1.4"] },
  kernel: [LOCAL, "10.233.2.0/24 192.168.1.3 eth0 77", "10.233.3.0/24 192.168.1.4 eth0 77"],
};

const moved: State = {
  name: "the pods of one with the other",
  routes: { "10.233.2.0/24": ["192.168.1.4"], "10.233.3.0/24": ["192.168.1.4"] },
  kernel: [LOCAL, "10.233.2.0/24 192.168.1.4 eth0 77", "10.233.3.0/24 192.168.1.4 eth0 77"],
};

const spread: State = {
  name: "one prefix with both",
  routes: { "10.233.2.0/24": ["192.168.1.3", "192.168.1.4"] },
  kernel: [LOCAL, "10.233.2.0/24 192.168.1.3 eth0 192.168.1.4 eth0 77"],
};

const beyond: State = {
  name: "one of them beyond the router",
  routes: { "10.233.2.0/24": ["192.168.1.3"], "10.233.3.0/24": ["192.168.2.2"] },
  kernel: [LOCAL, "10.233.2.0/24 192.168.1.3 eth0 77", "10.233.3.0/24 192.168.2.2 vxlan.margay 77"],
};

const always: State = {
  ...twoNodes,
  name: "tunnels to all",
  encapsulation: "always",
  kernel: [
    LOCAL,
    "10.233.2.0/24 192.168.1.3 vxlan.margay 77",
    "10.233.3.0/24 192.168.1.4 vxlan.margay 77",
  ],
};

const mixed: State = {
  name: "a prefix with one here and one beyond",
  routes: { "10.233.3.0/24": ["192.168.1.3", "192.168.2.2"] },
  kernel: [LOCAL, "10.233.3.0/24 192.168.1.3 eth0 192.168.2.2 vxlan.margay 77"],
};

const stranger: State = {
  ...twoNodes,
  name: "a stranger's route in one place",
  foreign: { "10.233.2.0/24": "192.168.1.9" },
  kernel: [LOCAL, "10.233.2.0/24 192.168.1.9 eth0 4", "10.233.3.0/24 192.168.1.4 eth0 77"],
};

const strangerAlone: State = {
  name: "a stranger's route that nobody here wants",
  routes: {},
  foreign: { "10.233.2.0/24": "192.168.1.9" },
  kernel: [LOCAL, "10.233.2.0/24 192.168.1.9 eth0 4"],
};

const down: State = {
  ...twoNodes,
  name: "the link is down",
  linkDown: true,
  kernel: [LOCAL],
};

const elsewhere: State = {
  ...twoNodes,
  name: "the segment on another link",
  otherLink: true,
  kernel: [LOCAL, "10.233.2.0/24 192.168.1.3 eth1 77", "10.233.3.0/24 192.168.1.4 eth1 77"],
};

const otherPods: State = {
  ...twoNodes,
  name: "other pods of our own",
  podCidr: "10.233.9.0/24",
  kernel: [...twoNodes.kernel.slice(1), "10.233.9.0/24 unreachable 77"],
};

/** Neighbours in a list are what might get into each other's way. */
const lists: readonly (readonly State[])[] = [
  [nothing, twoNodes, moved, spread],
  [twoNodes, beyond, always, mixed],
  [twoNodes, stranger, strangerAlone, nothing],
  [twoNodes, down, spread, strangerAlone],
  [twoNodes, elsewhere, spread, mixed],
  [moved, otherPods, stranger, beyond],
];

/** Brings the world of a harness from state to state. */
class World {
  readonly h = new FelixHarness();
  readonly #options: Partial<FelixOptions>;
  #eth1 = 0;
  #now: State = nothing;

  constructor(options: Partial<FelixOptions>) {
    this.#options = options;
  }

  async begin(): Promise<void> {
    this.#eth1 = this.h.kernel.addLink("eth1", { up: true }).ifindex;
    await this.h.router();
    await this.h.start({ tunnel: "vxlan", ...this.#options });
    this.h.felix.pictureComplete();
    await this.h.quiet();
  }

  /** The single steps that lead to a state. */
  *steps(next: State): Generator<() => unknown> {
    const { h } = this;
    const now = this.#now;
    this.#now = next;
    if (now.otherLink !== next.otherLink) {
      const [from, to] = next.otherLink === true ? [h.eth0, this.#eth1] : [this.#eth1, h.eth0];
      yield () => h.kernel.removeAddress(from, "192.168.1.2");
      yield () => h.kernel.addAddress(to, "192.168.1.2", 24);
    }
    if (now.linkDown !== next.linkDown) {
      yield () => h.kernel.changeLink(h.eth0, { up: next.linkDown !== true });
      // As the kernel's own default route, it went with the link.
      if (next.linkDown !== true) yield () => h.router();
    }
    for (const [text, gateway] of Object.entries(next.foreign ?? {})) {
      if (now.foreign?.[text] === undefined) {
        yield () => h.other.applyRoutes([h.change("replace", text, gateway)], STATIC);
      }
    }
    for (const [text, nodes] of Object.entries(next.routes)) yield () => h.set(text, ...nodes);
    for (const text of Object.keys(now.routes)) {
      if (next.routes[text] === undefined) yield () => h.felix.removeRoute(prefix(text));
    }
    for (const [text, gateway] of Object.entries(now.foreign ?? {})) {
      if (next.foreign?.[text] === undefined) {
        yield () => h.other.applyRoutes([h.change("delete", text, gateway)], STATIC);
      }
    }
    const encapsulation = next.encapsulation ?? "cross-subnet";
    yield () => h.felix.setPoolPolicies([], { encapsulation, tunnel: "vxlan" });
    yield () => h.felix.setLocalPrefixes([prefix(next.podCidr ?? POD_CIDR)]);
  }

  /** What the kernel has of pods, every next hop of a route. */
  there(): string[] {
    const { kernel } = this.h;
    return kernel.routes
      .filter(({ prefix: { text }, table }) => text.startsWith("10.233.") && table === 254)
      .map(({ prefix: { text }, hops, nextHopId, protocol, type }) => {
        const ways = nextHopId === undefined ? hops : kernel.hopsOf(nextHopId);
        const words = ways.map((hop) => `${hop.gateway} ${kernel.links.get(hop.ifindex)?.name}`);
        return `${text} ${words.length === 0 ? type : words.join(" ")} ${protocol}`;
      })
      .sort();
  }

  settled(): Promise<void> {
    return this.h.quiet().then(() => this.h.quiet());
  }
}

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((one) =>
    permutations(all.filter((other) => other !== one)).map((rest) => [one, ...rest]),
  );
}

const manners: Readonly<Record<string, (world: World, states: readonly State[]) => Promise<void>>> =
  {
    "one after the other": async (world, states) => {
      for (const state of states) {
        for (const step of world.steps(state)) await step();
        await world.settled();
        assert.deepEqual(world.there(), state.kernel, state.name);
      }
    },
    "step by step": async (world, states) => {
      for (const state of states) {
        for (const step of world.steps(state)) {
          await step();
          await world.settled();
        }
        assert.deepEqual(world.there(), state.kernel, state.name);
      }
    },
    "all at once": async (world, states) => {
      for (const state of states) for (const step of world.steps(state)) await step();
      await world.settled();
      assert.deepEqual(world.there(), states.at(-1)?.kernel);
    },
  };

describe("states", () => {
  for (const nextHopObjects of ["never", "auto"] as const) {
    for (const [manner, go] of Object.entries(manners)) {
      for (const list of lists) {
        const names = list.map(({ name }) => name).join("; ");
        test(`${manner}, in every order, next-hop objects ${nextHopObjects}: ${names}`, async () => {
          for (const states of permutations(list)) {
            const world = new World({ nextHopObjects });
            await world.begin();
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
