import { setImmediate as nextTurn } from "node:timers/promises";
import type { NextHopObjects, ObjectWay } from "../fib/next-hop-objects.ts";
import type { PathTable } from "../fib/path.ts";
import { ipVersionOf, isLinkLocalText, parseIpAddress, withoutZone } from "../net/ip-address.ts";
import { type Prefix, prefixContainsAddress } from "../net/prefix.ts";
import type { Netlink } from "../netlink/netlink.ts";
import { decideMode, directHop, isLost } from "./encapsulation.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { PathMtus } from "./mtu/path-mtus.ts";
import { type MtuContext, mtuContext, routeMtu } from "./mtu/route-mtu.ts";
import type { NeighbourWatch, StraightNextHop } from "./neighbour-watch.ts";
import { judgeOnLink } from "./on-link.ts";
import type { NextHop, NextHopGroup, RouteOwner, Way } from "./owner.ts";
import { type PathPolicy, policyKey } from "./pool-policy.ts";
import { isAnswer, judgeSegment, type SegmentVerdict, type Surroundings } from "./segment.ts";
import type { LostNextHop } from "./status.ts";
import type { Tunnel } from "./tunnel.ts";
import type { SegmentClaims } from "./segment-claims.ts";
import { tunnelHop } from "./tunnel-kind.ts";
import type { TunnelNeed, Tunnels } from "./tunnels.ts";

export interface NextHopsOptions {
  readonly netlink: Netlink;
  readonly picture: KernelPicture;
  readonly tunnels: Tunnels;
  readonly paths: PathTable;
  readonly objects: NextHopObjects;
  readonly pathMtus: PathMtus;
  readonly protocol: number;
  readonly neighbours: Pick<NeighbourWatch, "isSilent">;
  /** What next hops announce of themselves. */
  readonly claims: Pick<SegmentClaims, "subnet" | "isDeaf">;
  /** The kernel could not say how a next hop lies: it is to be asked again. */
  readonly onDoubt: () => void;
  /** A next hop came into use, or went out of it. */
  readonly onMembers: () => void;
  /** This node's own addresses. */
  readonly nodeAddresses: Readonly<Partial<Record<4 | 6, string>>>;
}

/** Next hops are looked up in slices of this many, some hundred microseconds. */
const SLICE = 64;

/** Every next hop in use, its verdict, and the path that follows from it: asked of the kernel once, not per route. */
export class NextHops {
  readonly #options: NextHopsOptions;
  readonly #hops = new Map<string, NextHop>();
  readonly #groups = new Map<string, NextHopGroup>();
  /** The same by policy and addresses, for `acquire`, which is asked for every route and must not put words together. */
  readonly #ofPolicies = new Map<string, Map<string, NextHopGroup>>();
  readonly #ofPolicy = {
    4: new WeakMap<PathPolicy, Map<string, NextHopGroup>>(),
    6: new WeakMap<PathPolicy, Map<string, NextHopGroup>>(),
  };
  /** The one that was asked for last: routes of one node mostly come together. */
  #last: NextHopGroup | undefined;
  /** Another number when other next hops are in use, or they were judged anew. */
  generation = 0;
  /** The subnets that other nodes say they are in. */
  #subnets: ReadonlyMap<string, Prefix> = new Map();
  readonly #mtuContext: MtuContext;
  /** Counts changes of the groups and their paths. */
  revision = 0;

  constructor(options: NextHopsOptions) {
    this.#options = options;
    this.#mtuContext = mtuContext(options.pathMtus, options.picture);
  }

  /** Those that routes lead through. */
  groups(): Iterable<NextHopGroup> {
    return this.#groups.values();
  }

  /** The group of these addresses for routes of one policy and IP version, resolved; give it back with `release`. */
  acquire(addresses: readonly string[], policy: PathPolicy, payload: 4 | 6): NextHopGroup {
    const last = this.#last;
    const isSame = last?.policy === policy && last.payload === payload && isSingle(last, addresses);
    if (isSame && last.users > 0) {
      last.users++;
      return last;
    }
    const to = wordsOf(addresses);
    const ofPolicy = this.#groupsOf(policy, payload);
    let group = ofPolicy.get(to);
    if (group === undefined) {
      const key = groupKey(to, payload, policy);
      group = newGroup(key, addresses, policy, payload, (address) => this.#hop(address));
      this.generation++;
      ofPolicy.set(to, group);
      this.#groups.set(key, group);
      this.#resolve(group);
    }
    group.users++;
    this.#last = group;
    return group;
  }

  /** `successor`: where its last route went. Returns whether routes are to be wired anew. */
  release(group: NextHopGroup, successor?: NextHopGroup): boolean {
    if (--group.users > 0) return false;
    this.generation++;
    this.revision++;
    this.#groups.delete(group.key);
    const addresses = group.ways.map(({ nextHop }) => nextHop.address);
    this.#groupsOf(group.policy, group.payload).delete(wordsOf(addresses));
    const isInherited = this.#options.objects.release(group.key, successor?.key);
    if (isInherited && successor !== undefined) this.#resolve(successor);
    for (const { nextHop } of group.ways) {
      if (--nextHop.users > 0) continue;
      this.#hops.delete(nextHop.address);
      this.#options.onMembers();
      this.#options.pathMtus.forget(nextHop.address);
    }
    return isInherited;
  }

  /** What the next-hop objects say, or what is known of the paths' MTUs, changed: the paths follow. */
  renumber(): void {
    for (const group of this.#groups.values()) this.#resolve(group);
  }

  /** Other nodes' subnets, by their address: two are on one segment only when each is in the other's. Returns whether that is news. */
  setSubnets(subnets: ReadonlyMap<string, Prefix>): boolean {
    const words = (map: ReadonlyMap<string, Prefix>): string =>
      [...map].map(([address, { text }]) => `${address} ${text}`).join(", ");
    const isNews = words(subnets) !== words(this.#subnets);
    this.#subnets = subnets;
    return isNews;
  }

  /** Asks the kernel about every next hop again; resolves to the groups whose path changed. */
  async reevaluate(): Promise<ReadonlySet<NextHopGroup>> {
    this.generation++;
    let count = 0;
    for (const hop of this.#hops.values()) {
      hop.verdict = this.#verdict(hop.address, hop.verdict);
      this.#watchMtu(hop);
      if (++count % SLICE === 0) await nextTurn();
    }
    this.#options.objects.retryRefused();
    const changed = new Set<NextHopGroup>();
    for (const group of this.#groups.values()) {
      const before = group.path;
      this.#resolve(group);
      if (group.path !== before) changed.add(group);
    }
    return changed;
  }

  /** The tunnels that some route goes, or would go, through. */
  tunnelNeeds(): ReadonlyMap<Tunnel, TunnelNeed> {
    const needs = new Map<Tunnel, TunnelNeed>();
    for (const { ways, payload } of this.#groups.values()) {
      for (const { tunnel, nextHop } of ways) {
        if (tunnel === undefined || nextHop.verdict.kind === "unreachable") continue;
        const mtu = this.#options.picture.link(nextHop.verdict.ifindex)?.mtu;
        const need = needs.get(tunnel) ?? newNeed(tunnel);
        if (payload === 6) need.linkLocal = true;
        need.peers.add(nextHop.address);
        if (mtu !== undefined) need.underlayMtu = Math.min(mtu, need.underlayMtu ?? mtu);
        needs.set(tunnel, need);
      }
    }
    return needs;
  }

  /** Next hops that routes lead straight to, or would if they answered, where those could go through a tunnel instead. */
  straight(): StraightNextHop[] {
    const found = new Map<NextHop, StraightNextHop>();
    for (const { ways, policy } of this.#groups.values()) {
      if (policy.encapsulation !== "cross-subnet") continue;
      for (const { nextHop } of ways) {
        const { address, verdict } = nextHop;
        if (verdict.kind !== "same-segment" || isLinkLocalText(address)) continue;
        found.set(nextHop, { address, ifindex: verdict.ifindex });
      }
    }
    return [...found.values()];
  }

  /** Those on a segment of ours that frames do not get to and back. */
  lost(): LostNextHop[] {
    const lost = [...this.#hops.values()].filter(({ verdict }) => isLost(verdict));
    return lost
      .map(({ address, verdict }) => {
        const isDeaf = verdict.kind === "same-segment" && verdict.isDeaf === true;
        return { address, isDeaf, text: verdict.text };
      })
      .sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  /** Those in use; link-local ones with their device. */
  addresses(): Iterable<string> {
    return this.#hops.keys();
  }

  /** Does a route for this prefix matter to the way to any next hop? */
  concernedBy(prefix: Prefix): boolean {
    for (const hop of this.#hops.values()) {
      if (prefixContainsAddress(prefix, hop.octets)) return true;
    }
    return false;
  }

  #groupsOf(policy: PathPolicy, payload: 4 | 6): Map<string, NextHopGroup> {
    let groups = this.#ofPolicy[payload].get(policy);
    if (groups === undefined) {
      const words = groupKey("", payload, policy);
      groups = this.#ofPolicies.get(words) ?? new Map<string, NextHopGroup>();
      this.#ofPolicies.set(words, groups);
      this.#ofPolicy[payload].set(policy, groups);
    }
    return groups;
  }

  #hop(address: string): NextHop {
    let hop = this.#hops.get(address);
    if (hop === undefined) {
      const bare = withoutZone(address);
      const octets = parseIpAddress(bare);
      const version = ipVersionOf(bare);
      if (octets === undefined || version === undefined) {
        throw new TypeError(`not an IP address: ${address}`);
      }
      hop = { address, octets, version, verdict: this.#verdict(address), users: 0 };
      this.#hops.set(address, hop);
      this.#options.onMembers();
      this.#watchMtu(hop);
    }
    hop.users++;
    return hop;
  }

  /** The path is probed anew where it is another now. */
  #watchMtu({ address, version, verdict }: NextHop): void {
    const { pathMtus, picture } = this.#options;
    const isWay = verdict.kind !== "unreachable";
    const link = isWay ? picture.link(verdict.ifindex) : undefined;
    const linkMtu = link?.running === true ? link.mtu : undefined;
    const router = verdict.kind === "routed" ? verdict.gateway : undefined;
    pathMtus.watch({ address, version, linkMtu, via: `${link?.ifindex} ${router}` });
  }

  /** A failure that is no answer leaves the verdict as it was. */
  #verdict(address: string, before?: SegmentVerdict): SegmentVerdict {
    const { netlink, picture, protocol, nodeAddresses, neighbours, claims, onDoubt } =
      this.#options;
    if (isLinkLocalText(address)) return judgeOnLink(address, picture);
    const version = address.includes(":") ? 6 : 4;
    const lookup = netlink.lookup(address);
    if (!lookup.found && !isAnswer(lookup.errno)) {
      onDoubt();
      if (before !== undefined) return before;
    }
    return judgeSegment(address, lookup, {
      protocol,
      deviceName: (ifindex) => picture.deviceName(ifindex),
      isInterfaceSubnet: (ifindex, prefix) => picture.isInterfaceSubnet(ifindex, prefix),
      isSilent: (one, ifindex) => neighbours.isSilent(one, ifindex),
      isDeaf: (one) => claims.isDeaf(one),
      ...this.#theirSubnet(address),
      nodeAddress: nodeAddresses[version],
    });
  }

  /** Where the cluster's record has none, the announced one counts. */
  #theirSubnet(address: string): Pick<Surroundings, "theirSubnet"> {
    const recorded = this.#subnets.get(address);
    if (recorded !== undefined) return { theirSubnet: { prefix: recorded, saidBy: "record" } };
    const claimed = this.#options.claims.subnet(address);
    return claimed === undefined
      ? {}
      : { theirSubnet: { prefix: claimed, saidBy: "announcement" } };
  }

  #resolve(group: NextHopGroup): void {
    const { objects, paths } = this.#options;
    const { key: own, payload, policy } = group;
    const isOnly = group.ways.length === 1;
    const ways = group.ways.map((way): ObjectWay => {
      this.#decide(way, group);
      const key = isOnly ? own : groupKey(way.nextHop.address, payload, policy);
      return { key, hop: way.hop };
    });
    const nextHopId = objects.want(own, ways);
    const hops = ways.flatMap(({ hop }) => (hop === undefined ? [] : [hop]));
    const before = group.path;
    const mtu = this.#pathMtu(group);
    group.path =
      hops.length === 0 ? undefined : paths.intern({ type: "unicast", hops, nextHopId, mtu });
    if (group.path !== before) this.revision++;
  }

  /** What the route itself is to say, where the interface would send more than gets there. */
  #pathMtu({ ways, payload }: NextHopGroup): number | undefined {
    const mtu = routeMtu(ways, payload, this.#mtuContext);
    return mtu?.isPath === true ? mtu.octets : undefined;
  }

  #decide(way: Way, { policy, payload }: NextHopGroup): void {
    const { address, verdict, version } = way.nextHop;
    // Nobody beyond the link has a link-local address: there is no other way to it than the link.
    const isOnLink = isLinkLocalText(address);
    const decision = decideMode(verdict, isOnLink ? "never" : policy.encapsulation);
    way.mode = decision.mode;
    way.tunnel = undefined;
    way.hop = undefined;
    way.problem = undefined;
    if (decision.mode === undefined) way.problem = decision.problem;
    else if (decision.mode === "direct" && verdict.kind !== "unreachable") {
      way.hop = directHop(withoutZone(address), verdict.ifindex);
    } else {
      way.tunnel = this.#options.tunnels.choose(policy.tunnel, version, payload);
      this.#enter(way, policy, payload);
    }
    if (payload === 6 && version === 4 && way.mode === "direct" && way.hop !== undefined) {
      way.hop = undefined;
      const text = `an IPv6 route cannot lead to the IPv4 next hop ${address}`;
      way.problem = {
        errno: undefined,
        text,
        remedy: "give every node an IPv6 address, or `encapsulation: always` with `tunnel: vxlan`",
      };
    }
  }

  #enter(way: Way, policy: PathPolicy, payload: 4 | 6): void {
    const { tunnel, nextHop } = way;
    if (tunnel === undefined) {
      const text = `no ${policy.tunnel} tunnel over IPv${nextHop.version} carries IPv${payload}`;
      way.problem = { errno: undefined, text, remedy: "tunnel: vxlan, on every node" };
    } else if (tunnel.ifindex === undefined || tunnel.isShortOf(nextHop.address)) {
      way.problem = tunnel.problem;
    } else way.hop = tunnelHop(tunnel.spec, tunnel.ifindex, nextHop.address, payload);
    const { verdict } = nextHop;
    // Silent or not: without a tunnel there is no better way.
    if (way.hop !== undefined || verdict.kind !== "same-segment" || !isLost(verdict)) return;
    if (policy.encapsulation !== "cross-subnet") return;
    way.mode = "direct";
    way.hop = directHop(nextHop.address, verdict.ifindex);
  }
}

/** Is this the group of a single address, and of that one? */
function isSingle({ ways }: NextHopGroup, addresses: readonly string[]): boolean {
  return ways.length === 1 && addresses.length === 1 && ways[0]?.nextHop.address === addresses[0];
}

function wordsOf(addresses: readonly string[]): string {
  return addresses.length === 1 ? (addresses[0] as string) : addresses.join(" ");
}

function groupKey(to: string, payload: 4 | 6, policy: PathPolicy): string {
  return `${to} ${payload} ${policyKey(policy)}`;
}

function newGroup(
  key: string,
  addresses: readonly string[],
  policy: PathPolicy,
  payload: 4 | 6,
  hopOf: (address: string) => NextHop,
): NextHopGroup {
  const ways = addresses.map((address): Way => ({ nextHop: hopOf(address), ...unresolved }));
  const group = { key, policy, payload, ways, path: undefined, users: 0 };
  // The two name each other, so one of them is completed after the other exists.
  const whole = group as typeof group & { owner?: RouteOwner };
  whole.owner = { kind: "remote", group: whole as NextHopGroup };
  return whole as NextHopGroup;
}

function newNeed({ spec }: Tunnel): TunnelNeed {
  return { underlayMtu: undefined, peers: new Set(), linkLocal: spec.underlay === 6 };
}

const unresolved = { mode: undefined, tunnel: undefined, hop: undefined, problem: undefined };
