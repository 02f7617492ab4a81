import assert from "node:assert/strict";
import type { TunnelKind } from "../../../src/felix/tunnel-kind.ts";
import type { PseudoRandom } from "../../fuzz/pseudo-random.ts";
import { until } from "../../support/until.ts";
import { FelixProcess } from "./felix-process.ts";
import { Lookups } from "./lookups.ts";
import { Network } from "./network.ts";
import {
  expectedSurroundings,
  foundSurroundings,
  GUARD,
  type SurroundingsNeed,
} from "./torture-surroundings.ts";

const NODE = "192.168.1.2";
const ROUTER = "192.168.1.1";
const OTHER_ROUTER = "192.168.1.5";
/** Next hops: on the segment that nobody harms, behind its routers, and on the link that has all the troubles. */
export const NEAR = ["192.168.1.3", "192.168.1.4", "192.168.1.6"];
export const FAR = ["192.168.2.2", "192.168.2.3"];
export const SHAKY = ["192.168.7.3", "192.168.7.4"];

/** Tunnels that nobody needs go soon, so that they come and go. */
const TUNNEL_LINGER_MS = 500;

const numbered = (from: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `10.233.${from + index}.0/24`);

/** Prefixes by what may happen to them. Of those of the first three some next hop is always there, and nobody else touches them. */
export const PREFIXES = {
  near: numbered(11, 4),
  far: numbered(21, 3),
  /** Several next hops, one of which may be on the shaky link. */
  multipath: numbered(31, 2),
  /** Others delete and replace their routes. */
  harmed: numbered(41, 6),
  /** Behind the shaky link. */
  shaky: numbered(51, 3),
  /** Come and go. */
  passing: numbered(61, 6),
} as const;

export const TUNNELS: Readonly<Record<TunnelKind, string>> = {
  vxlan: "vxlan.margay",
  ipip: "tunl0",
};
/** What is left of 1500 octets inside. */
const TUNNEL_MTUS: Readonly<Record<TunnelKind, number>> = { vxlan: 1450, ipip: 1480 };

export interface Life {
  readonly name: string;
  readonly random: PseudoRandom;
  /** Encapsulations that are switched between. With `never` what is behind a router is not looked up. */
  readonly encapsulations: readonly string[];
  /** Kinds of tunnels that this kernel has. */
  readonly tunnels: readonly TunnelKind[];
  readonly nextHopObjects: "auto" | "never";
}

/** A node in a namespace, whose programmer lives through all that happens there, and what its kernel should have by now. */
export class TortureWorld {
  readonly life: Life;
  readonly random: PseudoRandom;
  /** What the programmer is to want: next hops by prefix. */
  readonly wanted = new Map<string, readonly string[]>();
  encapsulation: string;
  tunnel: TunnelKind;
  podCidrs: readonly string[] = ["10.233.1.0/24"];
  /** `undefined` while the daemon is dead. */
  felix: FelixProcess | undefined;
  /** The shaky link's name; `undefined` while it is deleted. */
  link: string | undefined = "shaky0";
  /** What happened, for whoever must find out why. */
  readonly story: string[] = [];
  readonly #network: Network;
  #node = "";
  #neighbour = "";
  #lookups: Lookups | undefined;

  constructor(life: Life) {
    this.life = life;
    this.random = life.random;
    this.#network = new Network(life.name);
    this.encapsulation = life.encapsulations[0] ?? "cross-subnet";
    this.tunnel = life.tunnels[0] ?? "vxlan";
  }

  async build(): Promise<void> {
    this.#node = await this.#network.namespace("a");
    this.#neighbour = await this.#network.namespace("b");
    await this.#network.wire(
      { namespace: this.#node, device: "eth0", address: `${NODE}/24` },
      { namespace: this.#neighbour, device: "eth0", address: `${ROUTER}/24` },
    );
    const addresses = [...NEAR, OTHER_ROUTER].map((one) => `addr add ${one}/24 dev eth0`);
    await this.#network.batch(this.#neighbour, addresses);
    await this.makeLink();
    await this.routeToFar(ROUTER);
    for (const prefix of [...PREFIXES.near, ...PREFIXES.harmed])
      this.wanted.set(prefix, [NEAR[0]!]);
    for (const prefix of PREFIXES.far) this.wanted.set(prefix, [FAR[0]!]);
    for (const prefix of PREFIXES.multipath) this.wanted.set(prefix, NEAR.slice(0, 2));
    for (const prefix of PREFIXES.shaky) this.wanted.set(prefix, [SHAKY[0]!]);
    await this.startFelix();
    const stable = [...PREFIXES.near, ...PREFIXES.multipath];
    if (!this.life.encapsulations.includes("never")) stable.push(...PREFIXES.far);
    await this.converged();
    const pods = stable.map((prefix) => prefix.replace("0/24", "7"));
    this.#lookups = await Lookups.start(this.#node, ...pods);
  }

  /** Notes what is done next. */
  note(what: string): void {
    this.story.push(`${new Date().toISOString().slice(17, 23)} ${what}`);
  }

  /** `ip -n NODE WORDS`, whatever becomes of it. */
  ip(words: string): Promise<void> {
    return this.run(`ip ${words}`);
  }

  /** A command on the node, whatever becomes of it: what is to be harmed may not be there. */
  async run(words: string): Promise<void> {
    this.note(words);
    const [command = "", ...rest] = words.split(" ");
    await this.#network.exec(this.#node, command, ...rest).catch((error: unknown) => {
      this.note(`  which failed: ${String(error).split("\n").at(-2)}`);
    });
  }

  routeToFar(gateway = this.random.pick([ROUTER, OTHER_ROUTER])): Promise<void> {
    return this.ip(`route replace 192.168.2.0/24 via ${gateway}`);
  }

  async makeLink(): Promise<void> {
    this.link = this.random.pick(["shaky0", "shaky1"]);
    await this.#network.wire(
      { namespace: this.#node, device: this.link, address: "192.168.7.2/24" },
      { namespace: this.#neighbour, device: "shaky", address: `${SHAKY[0]}/24` },
    );
    await this.#network.ip(this.#neighbour, `addr add ${SHAKY[1]}/24 dev shaky`);
  }

  async startFelix(): Promise<void> {
    this.note("start");
    const felix = new FelixProcess(this.#node, {
      nodeAddress: NODE,
      podCidrs: this.podCidrs,
      encapsulation: this.encapsulation,
      tunnel: this.tunnel,
      nextHopObjects: this.life.nextHopObjects,
      ...{ firewall: GUARD, tunnelLingerMs: TUNNEL_LINGER_MS },
    });
    this.felix = felix;
    await felix.call("start");
    for (const [prefix, nextHops] of this.wanted) await felix.call("setRoute", prefix, ...nextHops);
    await felix.call("pictureComplete");
  }

  /** Ends what was harmed by others, and waits until the kernel has what is wanted, and nothing else of ours. */
  async converged(): Promise<void> {
    this.note("all is well again");
    if (this.felix === undefined) await this.startFelix();
    if (this.link === undefined) await this.makeLink();
    await this.ip(`link set ${this.link} up`);
    await this.ip(`addr replace 192.168.7.2/24 dev ${this.link}`);
    for (const prefix of PREFIXES.harmed) {
      // Another's route that came while ours was not there stays: that is for its owner to end.
      await this.#network.ip(this.#node, `route del ${prefix} proto boot`).catch(() => undefined);
    }
    const need = this.#need();
    const expected = [...this.#expected(), ...expectedSurroundings(need).toSorted()];
    let found: readonly string[] = [];
    try {
      const isThere = async (): Promise<boolean> => {
        const around = await foundSurroundings(need, (command, ...words) =>
          this.#network.exec(this.#node, command, ...words).catch(() => ""),
        );
        found = [...(await this.#found()), ...around.toSorted()];
        return found.join() === expected.join();
      };
      // A next hop on the shaky link that was silent is led to straight again only after a while.
      await until("the kernel to have what is wanted", isThere, { timeoutSeconds: 120 });
    } catch {
      assert.deepEqual(found, expected);
    }
  }

  /** What the routes need besides: entries, guard, forwarding. */
  #need(): SurroundingsNeed {
    const wanted = [...this.wanted].filter(([prefix]) => !this.#hasNoWay(prefix));
    const nextHops = [...new Set(wanted.flatMap(([, some]) => some))];
    const links = new Set(nextHops.map((one) => this.#device(one)));
    const all = [...this.wanted.values()].flat();
    const name = TUNNELS[this.tunnel];
    const address = (this.podCidrs[0] ?? "").replace("/24", "");
    const device = { name, mtu: TUNNEL_MTUS[this.tunnel], address };
    return {
      vxlanPeers: nextHops.filter((one) => this.#device(one) === TUNNELS.vxlan),
      tunnel: this.encapsulation === "never" ? undefined : this.tunnel,
      device: links.has(name) ? device : undefined,
      nodes: [...new Set([NODE, ...all])],
      links: [...links],
    };
  }

  /** The link that routes to a next hop lead through. */
  #device(nextHop: string): string {
    if (FAR.includes(nextHop) || this.encapsulation === "always") return TUNNELS[this.tunnel];
    return SHAKY.includes(nextHop) ? (this.link ?? "") : "eth0";
  }

  /** Routes of the pods, as `10.233.11.0/24 via 192.168.1.3 dev eth0`. */
  #expected(): readonly string[] {
    const hop = (nextHop: string): string => `via ${nextHop} dev ${this.#device(nextHop)}`;
    const lines = this.podCidrs.map((prefix) => `unreachable ${prefix}`);
    for (const [prefix, nextHops] of this.wanted) {
      if (!this.#hasNoWay(prefix))
        lines.push(`${prefix} ${nextHops.map(hop).toSorted().join(" ")}`);
    }
    return lines.toSorted();
  }

  /** Without tunnels there is no way across a router: what is wanted there keeps the way that it had, if any, but in no tunnel. */
  #hasNoWay(prefix: string): boolean {
    const nextHops = this.wanted.get(prefix) ?? [];
    return this.encapsulation === "never" && nextHops.some((nextHop) => FAR.includes(nextHop));
  }

  /** The same of the kernel: all with our protocol number, and all else to our prefixes. */
  async #found(): Promise<readonly string[]> {
    const text = await this.#network.ip(this.#node, "-N -j -4 route show table main");
    const objects = await this.#network.ip(this.#node, "-N -j nexthop show");
    const byId = new Map(
      (JSON.parse(objects || "[]") as NextHopOfIp[]).map((one) => [one.id, one]),
    );
    const hopsOf = (route: NextHopOfIp): readonly NextHopOfIp[] => {
      const object = route.nhid === undefined ? undefined : byId.get(route.nhid);
      if (route.gateway !== undefined) return [route];
      return route.nexthops ?? object?.group?.map(({ id }) => byId.get(id) ?? {}) ?? [object ?? {}];
    };
    const isTunnelled = (route: RouteOfIp): boolean =>
      hopsOf(route).some(({ dev = "" }) => Object.values(TUNNELS).includes(dev));
    const routes = (JSON.parse(text) as RouteOfIp[]).filter(
      (route) =>
        (route.protocol === "77" || route.dst.startsWith("10.233.")) &&
        (!this.#hasNoWay(route.dst) || isTunnelled(route)),
    );
    const lines = routes.map((route) => {
      if (route.type !== undefined && route.type !== "1") return `unreachable ${route.dst}`;
      const hops = hopsOf(route).map(({ gateway, dev }) => `via ${gateway} dev ${dev}`);
      return `${route.dst} ${hops.toSorted().join(" ")}`;
    });
    return lines.toSorted();
  }

  /** Asserts that no look-up of a stable destination has failed. */
  async noLookupFailed(): Promise<number> {
    const { lookups, failures } = await this.#lookups!.end();
    assert.deepEqual(failures, []);
    return lookups;
  }

  /** What happened, and what the daemon said of it. */
  lastWords(): string {
    return `what happened:\n${this.story.slice(-150).join("\n")}\n${this.felix?.log.slice(-4000)}`;
  }

  async close(): Promise<void> {
    this.#lookups?.kill();
    await this.felix?.kill();
    this.#network.close();
  }
}

interface NextHopOfIp {
  readonly id?: number;
  readonly nhid?: number;
  readonly gateway?: string;
  readonly dev?: string;
  readonly nexthops?: readonly NextHopOfIp[];
  readonly group?: readonly { readonly id: number }[];
}

interface RouteOfIp extends NextHopOfIp {
  readonly dst: string;
  readonly type?: string;
  readonly protocol?: string;
}
