import type { FibPath, PathHop, PathTable } from "../fib/path.ts";
import { ipVersionOf, parseIpAddress } from "../net/ip-address.ts";
import { type Prefix, prefixContainsAddress } from "../net/prefix.ts";
import type { Netlink } from "../netlink/netlink.ts";
import { decideMode, type Encapsulation, hopFor } from "./encapsulation.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { NextHop, NextHopGroup, RouteOwner } from "./owner.ts";
import { judgeSegment, type SegmentVerdict } from "./segment.ts";
import type { Tunnel } from "./tunnel.ts";

export interface NextHopsOptions {
  readonly netlink: Netlink;
  readonly picture: KernelPicture;
  readonly tunnel: Tunnel;
  readonly paths: PathTable;
  readonly encapsulation: Encapsulation;
  readonly protocol: number;
}

/** Next hops are looked up in slices of this many, some hundred microseconds. */
const SLICE = 64;

/** Every next hop in use, its verdict, and the path that follows from it: asked of the kernel once, not per route. */
export class NextHops {
  readonly #options: NextHopsOptions;
  readonly #hops = new Map<string, NextHop>();
  readonly #groups = new Map<string, NextHopGroup>();

  constructor(options: NextHopsOptions) {
    this.#options = options;
  }

  /** The group of these addresses, resolved; give it back with `release`. */
  acquire(addresses: readonly string[]): NextHopGroup {
    const key = addresses.length === 1 ? (addresses[0] as string) : addresses.join(" ");
    let group = this.#groups.get(key);
    if (group === undefined) {
      const hops = addresses.map((address) => this.#hop(address));
      group = newGroup(key, hops, this.#pathOf(hops));
      this.#groups.set(key, group);
    }
    group.users++;
    return group;
  }

  release(group: NextHopGroup): void {
    if (--group.users > 0) return;
    this.#groups.delete(group.key);
    for (const hop of group.hops) if (--hop.users === 0) this.#hops.delete(hop.address);
  }

  /** Asks the kernel about every next hop again; resolves to the groups whose path changed. */
  async reevaluate(): Promise<ReadonlySet<NextHopGroup>> {
    let count = 0;
    for (const hop of this.#hops.values()) {
      this.#judge(hop);
      if (++count % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const changed = new Set<NextHopGroup>();
    for (const group of this.#groups.values()) {
      const path = this.#pathOf(group.hops);
      if (path === group.path) continue;
      group.path = path;
      changed.add(group);
    }
    return changed;
  }

  /** Some next hop goes, or would go, through the tunnel. */
  get tunnelNeeded(): boolean {
    for (const hop of this.#hops.values()) if (hop.mode === "tunnel") return true;
    return false;
  }

  /** Octets: the smallest MTU among the interfaces towards tunnelled next hops. */
  get underlayMtu(): number | undefined {
    let smallest: number | undefined;
    for (const { mode, verdict } of this.#hops.values()) {
      if (mode !== "tunnel" || verdict.kind === "unreachable") continue;
      const mtu = this.#options.picture.link(verdict.ifindex)?.mtu;
      if (mtu !== undefined && (smallest === undefined || mtu < smallest)) smallest = mtu;
    }
    return smallest;
  }

  /** Does a route for this prefix matter to the way to any next hop? */
  concernedBy(prefix: Prefix): boolean {
    for (const hop of this.#hops.values()) {
      if (prefixContainsAddress(prefix, hop.octets)) return true;
    }
    return false;
  }

  #hop(address: string): NextHop {
    let hop = this.#hops.get(address);
    if (hop === undefined) {
      const octets = parseIpAddress(address);
      const version = ipVersionOf(address);
      if (octets === undefined || version === undefined) {
        throw new TypeError(`not an IP address: ${address}`);
      }
      const verdict = this.#verdict(address);
      hop = { address, octets, version, verdict, ...unresolved, users: 0 };
      this.#hops.set(address, hop);
      this.#decide(hop);
    }
    hop.users++;
    return hop;
  }

  #judge(hop: NextHop): void {
    hop.verdict = this.#verdict(hop.address);
    this.#decide(hop);
  }

  #verdict(address: string): SegmentVerdict {
    const { netlink, picture, protocol } = this.#options;
    return judgeSegment(address, netlink.lookup(address), {
      protocol,
      deviceName: (ifindex) => picture.deviceName(ifindex),
      isInterfaceSubnet: (ifindex, prefix) => picture.isInterfaceSubnet(ifindex, prefix),
    });
  }

  #decide(hop: NextHop): void {
    const { tunnel, encapsulation } = this.#options;
    const { verdict } = hop;
    const decision = decideMode(verdict, encapsulation, hop.version);
    hop.mode = decision.mode;
    hop.hop = undefined;
    hop.problem = undefined;
    if (decision.mode === undefined) hop.problem = decision.problem;
    else if (decision.mode === "direct" && verdict.kind !== "unreachable") {
      hop.hop = hopFor("direct", hop.address, verdict.ifindex);
    } else if (tunnel.ifindex !== undefined) {
      hop.hop = hopFor("tunnel", hop.address, tunnel.ifindex);
    } else hop.problem = tunnel.problem;
  }

  #pathOf(hops: readonly NextHop[]): FibPath | undefined {
    const ways: PathHop[] = [];
    for (const { hop } of hops) if (hop !== undefined) ways.push(hop);
    if (ways.length === 0) return undefined;
    return this.#options.paths.intern({ type: "unicast", hops: ways });
  }
}

function newGroup(key: string, hops: readonly NextHop[], path: FibPath | undefined): NextHopGroup {
  const group = { key, hops, path, users: 0 } as NextHopGroup;
  // The two name each other, so one of them is completed after the other exists.
  return Object.assign(group, { owner: { kind: "remote", group } satisfies RouteOwner });
}

const unresolved = { mode: undefined, hop: undefined, problem: undefined } as const;
