import type { Encapsulation } from "../../src/felix/encapsulation.ts";
import type { FelixOptions } from "../../src/felix/options.ts";
import { tunnelLinkLocal } from "../../src/felix/tunnel-kind.ts";
import { FelixHarness, prefix, STATIC } from "./felix-harness.ts";

type Version = 4 | 6;

/** Subnet and number of each: the first subnet is that of our own link, the second lies beyond the router. */
const hosts = {
  self: [1, 2],
  a: [1, 3],
  b: [1, 4],
  stranger: [1, 9],
  x: [2, 2],
  y: [2, 3],
} as const;

type Host = keyof typeof hosts;

/** IP tunnels over IPv6 have a device of their own whichever that of IPv4 is. */
const tunnels = {
  vxlan: { kind: "vxlan", ipipDevice: "tunl0", devices: { 4: "vxlan.margay", 6: "vxlan6.margay" } },
  tunl0: { kind: "ipip", ipipDevice: "tunl0", devices: { 4: "tunl0", 6: "ip6tnl.margay" } },
  "an IPIP device": {
    kind: "ipip",
    ipipDevice: "ours",
    devices: { 4: "ours", 6: "ip6tnl.margay" },
  },
} as const;

/** Pods of one IP version whose nodes are known by addresses of another, or the same. */
interface Flow {
  readonly payload: Version;
  readonly underlay: Version;
}

/** In what terms all states are. */
export interface Terms {
  readonly name: string;
  readonly flows: readonly Flow[];
  readonly tunnel: keyof typeof tunnels;
}

interface Hop {
  readonly host: Host;
  /** `undefined` for the tunnel, whichever it is. */
  readonly device: string | undefined;
}

export const direct = (host: Host, device = "eth0"): Hop => ({ host, device });
export const tunnelled = (host: Host): Hop => ({ host, device: undefined });

/** What is wanted, what others do, and what the kernel then has of pods. Prefixes are numbers. */
export interface State {
  readonly name: string;
  /** Prefixes, and the nodes that have them. */
  readonly routes: Readonly<Record<number, readonly Host[]>>;
  /** Routes of another program: prefixes and gateways. */
  readonly foreign?: Readonly<Record<number, Host>>;
  readonly linkDown?: boolean;
  /** The subnet is on eth1 instead. */
  readonly otherLink?: boolean;
  /** Cross-subnet by default. */
  readonly encapsulation?: Encapsulation;
  /** Of single prefixes, where it is another. */
  readonly pools?: Readonly<Record<number, Encapsulation>>;
  /** Another than that of the terms. */
  readonly tunnel?: keyof typeof tunnels;
  /** Nodes that say of themselves that they are alone in their subnet. */
  readonly apart?: readonly Host[];
  /** Pods of our own; 1 by default. */
  readonly pods?: number;
  readonly kernel: Readonly<Record<number, readonly Hop[]>>;
}

export const nothing: State = { name: "nothing", routes: {}, kernel: {} };

/** A programmer and the kernel around it, which go from state to state. */
export class World {
  readonly h = new FelixHarness();
  readonly #terms: Terms;
  readonly #underlays: readonly Version[];
  #eth1 = 0;
  #now: State = nothing;

  constructor(terms: Terms) {
    this.#terms = terms;
    this.#underlays = [...new Set(terms.flows.map(({ underlay }) => underlay))];
  }

  async begin(options: Partial<FelixOptions>): Promise<void> {
    const { h } = this;
    const [first = 4, second] = this.#underlays;
    this.#eth1 = h.kernel.addLink("eth1", { up: true }).ifindex;
    for (const version of this.#underlays) {
      // The harness has given it its IPv4 address.
      if (version === 6) h.kernel.addAddress(h.eth0, addressOf("self", 6), 64);
      await h.router(version);
    }
    await h.start({
      nodeAddress: addressOf("self", first),
      secondAddress: second && addressOf("self", second),
      podCidrs: this.#prefixes(1),
      podPools: ["10.233.0.0/16", "fd00:233::/32"].map(prefix),
      tunnel: tunnels[this.#terms.tunnel].kind,
      ...options,
    });
    h.felix.pictureComplete();
    await h.quiet();
  }

  /** The single steps that lead to a state. */
  *steps(next: State): Generator<() => unknown> {
    const { h } = this;
    const { flows } = this.#terms;
    const now = this.#now;
    this.#now = next;
    yield* this.#linkSteps(now, next);
    yield* this.#foreignSteps("replace", next, now);
    for (const { payload, underlay } of flows) {
      for (const [number, nodes] of Object.entries(next.routes)) {
        const nextHops = nodes.map((node) => addressOf(node, underlay));
        yield () => h.set(podsOf(number, payload), ...nextHops);
      }
      for (const number of Object.keys(now.routes)) {
        if (number in next.routes) continue;
        yield () => h.felix.removeRoute(prefix(podsOf(number, payload)));
      }
    }
    yield* this.#foreignSteps("delete", now, next);
    const { kind: tunnel, ipipDevice } = tunnels[next.tunnel ?? this.#terms.tunnel];
    const pools = Object.entries(next.pools ?? {}).flatMap(([number, encapsulation]) =>
      this.#prefixes(number).map((pool) => ({ prefix: pool, encapsulation, tunnel })),
    );
    const { encapsulation = "cross-subnet" } = next;
    yield () => h.felix.setNodeSubnets(this.#subnetsApart(next));
    yield () => h.felix.setTunnelSettings({ ipipDevice, ttl: 64 });
    yield () => h.felix.setPoolPolicies(pools, { encapsulation, tunnel });
    yield () => h.felix.setLocalPrefixes(this.#prefixes(next.pods ?? 1));
  }

  *#linkSteps(now: State, next: State): Generator<() => unknown> {
    const { h } = this;
    if (now.otherLink !== next.otherLink) {
      const [from, to] = next.otherLink === true ? [h.eth0, this.#eth1] : [this.#eth1, h.eth0];
      for (const version of this.#underlays) {
        const address = addressOf("self", version);
        yield () => h.kernel.removeAddress(from, address);
        yield () => h.kernel.addAddress(to, address, version === 4 ? 24 : 64);
      }
    }
    if (now.linkDown === next.linkDown) return;
    yield () => h.kernel.changeLink(h.eth0, { up: next.linkDown !== true });
    if (next.linkDown === true) return;
    // As the kernel's own default route, it went with the link.
    for (const version of this.#underlays) yield () => h.router(version);
  }

  /** Routes of another program that one state has and the other has not. */
  *#foreignSteps(op: "replace" | "delete", those: State, but: State): Generator<() => unknown> {
    const { h } = this;
    for (const [number, host] of Object.entries(those.foreign ?? {})) {
      if (but.foreign !== undefined && number in but.foreign) continue;
      for (const { payload, underlay } of this.#terms.flows) {
        const change = h.change(op, podsOf(number, payload), addressOf(host, underlay));
        yield () => h.other.applyRoutes([change], STATIC);
      }
    }
  }

  #prefixes(number: number | string) {
    return this.#terms.flows.map(({ payload }) => prefix(podsOf(number, payload)));
  }

  #subnetsApart({ apart = [] }: State) {
    return new Map(
      this.#underlays.flatMap((version) =>
        apart.map((host) => {
          const address = addressOf(host, version);
          return [address, prefix(`${address}/${version === 4 ? 32 : 128}`)] as const;
        }),
      ),
    );
  }

  async settled(): Promise<void> {
    await this.h.quiet();
    await this.h.quiet();
  }

  /** What the kernel has of pods, every next hop of a route, and the nodes that a VXLAN device knows. */
  there(): string[] {
    const { kernel } = this.h;
    const deviceName = (ifindex: number) => kernel.links.get(ifindex)?.name;
    const routes = kernel.routes
      .filter(({ prefix: { text }, table }) => /^(10\.233\.|fd00:)/.test(text) && table === 254)
      .map(({ prefix: { text }, hops, nextHopId, protocol, type }) => {
        const ways = nextHopId === undefined ? hops : kernel.hopsOf(nextHopId);
        const words = ways.map((hop) => `${hop.gateway} ${deviceName(hop.ifindex)}`);
        return `${text} ${words.length === 0 ? type : words.join(" ")} ${protocol}`;
      });
    const nodes = kernel.neighbours
      .filter(({ table }) => table === "bridge")
      .map(({ address, ifindex }) => `${address} behind ${deviceName(ifindex)}`);
    return [...routes, ...nodes].sort();
  }

  /** What is to be there in a state. */
  expected(state: State): string[] {
    const lines = new Set<string>();
    const { kind, devices } = tunnels[state.tunnel ?? this.#terms.tunnel];
    for (const { payload, underlay } of this.#terms.flows) {
      lines.add(`${podsOf(state.pods ?? 1, payload)} unreachable 77`);
      for (const [number, hops] of Object.entries(state.kernel)) {
        const words = hops.map(({ host, device }) => {
          const address = addressOf(host, underlay);
          if (device !== undefined) return `${address} ${device}`;
          if (kind === "vxlan") lines.add(`${address} behind ${devices[underlay]}`);
          const isPlain = kind !== "vxlan" || (payload === 4 && underlay === 4);
          return `${isPlain ? address : tunnelLinkLocal(address)} ${devices[underlay]}`;
        });
        const isForeign = state.foreign !== undefined && number in state.foreign;
        lines.add(`${podsOf(number, payload)} ${words.join(" ")} ${isForeign ? 4 : 77}`);
      }
    }
    return [...lines].sort();
  }

  /** Next-hop objects that no route leads through, those aside of routes that are wanted and cannot be for now. */
  leftObjects(): number[] {
    const { nextHops, routes } = this.h.kernel;
    const used = new Set(routes.map(({ nextHopId }) => nextHopId));
    for (const { id, members } of nextHops.values()) {
      if (used.has(id)) for (const member of members) used.add(member.id);
    }
    const left = [...nextHops.keys()].filter((id) => !used.has(id));
    const { routes: wanted, foreign = {}, kernel: there } = this.#now;
    const waiting = Object.entries(wanted).flatMap(([number, nodes]) => {
      return number in foreign || !(number in there) ? nodes : [];
    });
    return left.slice(waiting.length * this.#terms.flows.length);
  }
}

function addressOf(host: Host, version: Version): string {
  const [subnet, number] = hosts[host];
  return version === 4 ? `192.168.${subnet}.${number}` : `2001:db8:${subnet}::${number}`;
}

function podsOf(number: number | string, version: Version): string {
  return version === 4 ? `10.233.${number}.0/24` : `fd00:233:${number}::/64`;
}
