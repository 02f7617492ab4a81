import { isLinkLocalText, ipVersionOf, parseIpAddress } from "../../src/net/ip-address.ts";
import {
  hostPrefix,
  type Prefix,
  prefixContainsAddress,
  prefixFromOctets,
} from "../../src/net/prefix.ts";
import type { InterfaceAddress } from "../../src/netlink/address.ts";
import { Errno, errnoText, NetlinkError } from "../../src/netlink/errno.ts";
import type { Link, LinkChange, NewLink } from "../../src/netlink/link.ts";
import type { Neighbour, NeighbourTable } from "../../src/netlink/neighbour.ts";
import type {
  Netlink,
  NetlinkEvent,
  RouteFailure,
  RouteLookup,
} from "../../src/netlink/netlink.ts";
import type { NextHopObject } from "../../src/netlink/next-hop.ts";
import type { KernelRoute, RouteHop, RouteType } from "../../src/netlink/route.ts";
import type { RouteChange, RouteFilter, RouteIdentity } from "../../src/netlink/route-request.ts";

const MAIN = 254;
const LOCAL = 255;
const KERNEL = 2;
const LINK_SCOPE = 253;
const HOST_SCOPE = 254;
/** Of an IPv6 route for which nobody gave one. */
const IPV6_METRIC = 1024;

/** What goes wrong once, the next time it can. */
export interface Faults {
  /** The outcome of the next batch of routes is lost; what it did is done. */
  loseNextAcknowledgement?: boolean;
  /** The next dump of routes is refused with this errno. */
  failNextDump?: number;
  /** The next change of exactly this prefix is refused with this errno. */
  refuseNext?: { readonly prefix: string; readonly errno: number };
}

/**
 * The routing side of a kernel in memory, for one address family: links, addresses, tables, and the rules that the
 * programmer relies on. Each `open` is another hand; all see one kernel.
 */
export class MemoryKernel {
  readonly links = new Map<number, Link>();
  addresses: InterfaceAddress[] = [];
  routes: KernelRoute[] = [];
  hasIpip = true;
  hasVxlan = true;
  hasNextHopObjects = true;
  nextHops = new Map<number, NextHopObject>();
  /** Messages about next-hop objects that were applied. */
  nextHopChanges = 0;
  neighbours: Neighbour[] = [];
  /** Addresses that nobody answers for. */
  readonly silent = new Set<string>();
  /** Addresses that were asked for. */
  probes: string[] = [];
  readonly faults: Faults = {};
  /** Batches and route changes that were applied. */
  batches = 0;
  changes: RouteChange[] = [];
  readonly #hands = new Set<MemoryNetlink>();
  #muted = false;
  #nextIfindex = 2;

  constructor() {
    this.addLink("lo", { loopback: true, up: true });
    this.addAddress(1, "127.0.0.1", 8);
  }

  open(): MemoryNetlink {
    const hand = new MemoryNetlink(this, () => this.#hands.delete(hand));
    this.#hands.add(hand);
    return hand;
  }

  addLink(
    name: string,
    options: Partial<Omit<Link, "ifindex" | "name" | "mtu" | "running">>,
  ): Link {
    const loopback = options.loopback ?? false;
    const link: Link = {
      ifindex: loopback ? 1 : this.#nextIfindex++,
      name,
      mtu: loopback ? 65536 : options.kind === "ipip" ? 1480 : 1500,
      up: options.up ?? false,
      running: options.up ?? false,
      loopback,
      kind: options.kind,
      mac: options.mac,
      alias: options.alias,
      vxlan: options.vxlan,
      ipTunnel: options.ipTunnel,
    };
    this.links.set(link.ifindex, link);
    this.tell({ kind: "link", op: "new", link });
    return link;
  }

  changeLink(ifindex: number, change: LinkChange): void {
    const link = this.links.get(ifindex);
    if (link === undefined) throw new NetlinkError(`change link ${ifindex}`, Errno.noDevice);
    const { info, ...plain } = change;
    const { up = link.up } = change;
    const changed = { ...link, ...plain, ...info, running: up };
    this.links.set(ifindex, changed);
    this.tell({ kind: "link", op: "new", link: changed });
    if (link.up && !up) {
      // As Linux does: every route of the link goes, and nobody is told.
      this.routes = this.routes.filter(({ hops }) => hops.every((hop) => hop.ifindex !== ifindex));
      for (const { id, hop } of this.nextHops.values()) {
        if (hop?.ifindex === ifindex) this.#dropNextHop(id);
      }
    } else if (!link.up && up) {
      for (const entry of this.addresses) {
        if (entry.ifindex === ifindex) this.#connect(entry);
      }
    }
  }

  deleteLink(ifindex: number): void {
    const link = this.links.get(ifindex);
    if (link === undefined) throw new NetlinkError(`delete link ${ifindex}`, Errno.noDevice);
    this.links.delete(ifindex);
    this.addresses = this.addresses.filter((entry) => entry.ifindex !== ifindex);
    this.neighbours = this.neighbours.filter((entry) => entry.ifindex !== ifindex);
    this.routes = this.routes.filter(({ hops }) => hops.every((hop) => hop.ifindex !== ifindex));
    this.tell({ kind: "link", op: "deleted", link });
  }

  addAddress(ifindex: number, address: string, prefixLength: number, protocol?: number): void {
    if (this.addresses.some((entry) => entry.address === address && entry.ifindex === ifindex)) {
      throw new NetlinkError(`add ${address}/${prefixLength}`, Errno.exists);
    }
    const entry = { ifindex, address, subnetAddress: address, prefixLength, protocol };
    this.addresses.push(entry);
    this.tell({ kind: "address", op: "new", address: entry });
    if (this.links.get(ifindex)?.up === true) this.#connect(entry);
  }

  removeAddress(ifindex: number, address: string): void {
    const entry = this.addresses.find((one) => one.address === address && one.ifindex === ifindex);
    if (entry === undefined) throw new NetlinkError(`remove ${address}`, Errno.addressNotAvailable);
    this.addresses = this.addresses.filter((one) => one !== entry);
    for (const { prefix, table, scope } of connectedRoutes(entry)) {
      this.#remove(
        (route) =>
          route.prefix.text === prefix.text && route.table === table && route.scope === scope,
        undefined,
      );
    }
    this.tell({ kind: "address", op: "deleted", address: entry });
  }

  /** Events between this and `unmute` are lost, and that is told. */
  mute(): void {
    this.#muted = true;
  }

  unmute(): void {
    this.#muted = false;
    this.tell({ kind: "overflow" });
  }

  tell(event: NetlinkEvent, cause?: MemoryNetlink): void {
    if (this.#muted) return;
    for (const hand of this.#hands) {
      if (hand !== cause) hand.overhear(event);
    }
  }

  change(asked: RouteChange, identity: RouteIdentity, cause: MemoryNetlink): number {
    this.changes.push(asked);
    const change = withMetric(asked);
    const { refuseNext } = this.faults;
    if (refuseNext?.prefix === change.prefix.text) {
      delete this.faults.refuseNext;
      return refuseNext.errno;
    }
    if (change.op === "delete") return this.#delete(change, identity, cause);
    const route = this.#routeOf(change, identity);
    if (typeof route === "number") return route;
    const { text, length, ipv4Address } = change.prefix;
    const isIt = ({ prefix, metric, table }: KernelRoute): boolean =>
      prefix.ipv4Address === ipv4Address && // Sooner compared than texts, of which IPv6 has nothing else.
      prefix.length === length &&
      metric === change.metric &&
      table === identity.table &&
      (ipv4Address !== undefined || prefix.text === text);
    const at = this.routes.findIndex(isIt);
    if (at >= 0 && change.op === "create") return Errno.exists;
    if (at >= 0 && this.#isBehind(at, route)) return Errno.exists;
    if (at >= 0) this.routes[at] = route;
    else this.routes.push(route);
    this.tell({ kind: "route", op: "new", replaced: at >= 0, route, portId: 0 }, cause);
    return 0;
  }

  /** As ip-route(8) does: puts a route before all those of the same prefix and metric, or behind them. */
  putBeside(place: "prepend" | "append", route: KernelRoute): void {
    const alike = ({ prefix, metric, table }: KernelRoute): boolean =>
      prefix.text === route.prefix.text && metric === route.metric && table === route.table;
    const first = this.routes.findIndex(alike);
    const at = place === "prepend" ? first : this.routes.findLastIndex(alike) + 1;
    this.routes.splice(at, 0, route);
    this.tell({ kind: "route", op: "new", replaced: false, route, portId: 4711 });
  }

  setNextHop(object: NextHopObject, replace: boolean, cause: MemoryNetlink): void {
    const operation = `set next hop ${object.id}`;
    if (!replace && this.nextHops.has(object.id)) throw new NetlinkError(operation, Errno.exists);
    const errno = object.hop === undefined ? 0 : this.#refusal({ ...object.hop, weight: 1 });
    if (errno !== 0) throw new NetlinkError(operation, errno);
    if (object.members.some(({ id }) => !this.nextHops.has(id))) {
      throw new NetlinkError(operation, Errno.invalid, "Invalid nexthop id");
    }
    this.nextHopChanges++;
    this.nextHops.set(object.id, object);
    this.tell({ kind: "next-hop", op: "new", object, portId: 0 }, cause);
  }

  removeNextHop(id: number, cause?: MemoryNetlink): void {
    const object = this.nextHops.get(id);
    if (object === undefined) return;
    this.nextHopChanges++;
    this.#dropNextHop(id);
    this.tell({ kind: "next-hop", op: "deleted", object, portId: 0 }, cause);
  }

  /** As Linux does: its routes go with it, and nobody is told of them. */
  #dropNextHop(id: number): void {
    this.nextHops.delete(id);
    for (const group of this.nextHops.values()) {
      const members = group.members.filter((member) => member.id !== id);
      if (members.length === group.members.length) continue;
      if (members.length === 0) this.#dropNextHop(group.id);
      else this.nextHops.set(group.id, { ...group, members });
    }
    this.routes = this.routes.filter(({ nextHopId }) => nextHopId !== id);
  }

  /** Where the routes through an object lead, as the kernel shows it. */
  hopsOf(id: number): RouteHop[] {
    const object = this.nextHops.get(id);
    if (object?.hop !== undefined) return [{ ...object.hop, weight: 1 }];
    return (object?.members ?? []).flatMap((member) => this.hopsOf(member.id));
  }

  lookup(address: string): RouteLookup {
    const octets = parseIpAddress(address) as Uint8Array;
    let best: KernelRoute | undefined;
    for (const route of this.routes) {
      if (!prefixContainsAddress(route.prefix, octets)) continue;
      if (best === undefined || isBetter(route, best)) best = route;
    }
    const errno =
      best === undefined
        ? Errno.networkUnreachable
        : best.type === "unreachable"
          ? Errno.hostUnreachable
          : best.type === "blackhole"
            ? Errno.invalid
            : 0;
    if (best === undefined || errno !== 0) return { found: false, errno, text: errnoText(errno) };
    return { found: true, route: this.shown(best) };
  }

  /** With the next hops of the object that it leads through. */
  shown(route: KernelRoute): KernelRoute {
    const { nextHopId } = route;
    return nextHopId === undefined ? route : { ...route, hops: this.hopsOf(nextHopId) };
  }

  #routeOf(change: RouteChange, identity: RouteIdentity): KernelRoute | number {
    const { prefix, metric, path } = change;
    for (const hop of path.hops) {
      const refusal = this.#refusal(hop);
      if (refusal !== 0) return refusal;
    }
    const { nextHopId } = path;
    if (nextHopId !== undefined && !this.nextHops.has(nextHopId)) return Errno.invalid;
    const scope = path.hops.some((hop) => hop.gateway !== undefined) ? 0 : LINK_SCOPE;
    return {
      ...{ prefix, metric, type: path.type, hops: path.hops, nextHopId, mtu: path.mtu },
      ...{ table: identity.table, protocol: identity.protocol },
      scope: path.hops.length === 0 ? 0 : scope,
      source: undefined,
      extras: "",
    };
  }

  /** As Linux does: what stands behind the first already is not put in its place. */
  #isBehind(at: number, route: KernelRoute): boolean {
    return this.routes.some((one, index) => {
      if (index <= at || one.prefix.text !== route.prefix.text) return false;
      return JSON.stringify(one) === JSON.stringify(route);
    });
  }

  #refusal(hop: RouteHop): number {
    const link = this.links.get(hop.ifindex);
    if (link === undefined) return Errno.noDevice;
    if (!link.up) return Errno.networkDown;
    if (hop.gateway === undefined || hop.onlink) return 0;
    if (isLinkLocalText(hop.gateway)) {
      // It has such an address by itself, once it is up.
      if (link.kind === "vxlan") return 0;
      const isOnLink = this.addresses.some(({ address, ifindex }) => {
        return ifindex === hop.ifindex && isLinkLocalText(address);
      });
      return isOnLink ? 0 : Errno.networkUnreachable;
    }
    const way = this.lookup(hop.gateway);
    const direct = way.found && way.route.scope === LINK_SCOPE;
    return direct && way.route.hops[0]?.ifindex === hop.ifindex ? 0 : Errno.networkUnreachable;
  }

  #delete(change: RouteChange, identity: RouteIdentity, cause: MemoryNetlink): number {
    const removed = this.#remove(
      (route) =>
        route.prefix.text === change.prefix.text &&
        (change.metric === 0 || route.metric === change.metric) &&
        route.table === identity.table &&
        route.type === change.path.type &&
        route.protocol === identity.protocol,
      cause,
    );
    return removed ? 0 : Errno.noSuchRoute;
  }

  #remove(match: (route: KernelRoute) => boolean, cause: MemoryNetlink | undefined): boolean {
    const route = this.routes.find(match);
    if (route === undefined) return false;
    this.routes = this.routes.filter((one) => one !== route);
    this.tell({ kind: "route", op: "deleted", replaced: false, route, portId: 0 }, cause);
    return true;
  }

  #connect(entry: InterfaceAddress): void {
    for (const route of connectedRoutes(entry)) {
      this.routes.push(route);
      this.tell({ kind: "route", op: "new", replaced: false, route, portId: 0 });
    }
  }
}

/** As Linux does: an IPv6 route is never without, and one of any is deleted where none is named. */
function withMetric(change: RouteChange): RouteChange {
  const { op, prefix, metric } = change;
  return prefix.version === 6 && metric === 0 && op !== "delete"
    ? { ...change, metric: IPV6_METRIC }
    : change;
}

function isBetter(a: KernelRoute, b: KernelRoute): boolean {
  if ((a.table === LOCAL) !== (b.table === LOCAL)) return a.table === LOCAL;
  if (a.prefix.length !== b.prefix.length) return a.prefix.length > b.prefix.length;
  return a.metric < b.metric;
}

/** What the kernel puts in for an address: the address itself, and its subnet where that is more than it. */
function connectedRoutes(entry: InterfaceAddress): KernelRoute[] {
  const octets = parseIpAddress(entry.address) as Uint8Array;
  const make = (prefix: Prefix, type: RouteType, table: number, scope: number): KernelRoute => ({
    prefix,
    type,
    hops: [{ gateway: undefined, ifindex: entry.ifindex, onlink: false, weight: 1 }],
    ...{ table, scope, protocol: KERNEL, metric: 0, source: entry.address, extras: "" },
  });
  const own = make(hostPrefix(octets), "local", LOCAL, HOST_SCOPE);
  if (entry.prefixLength === octets.length * 8) return [own];
  const subnet = prefixFromOctets(octets, entry.prefixLength);
  if (octets[0] === 127) return [own, make(subnet, "local", LOCAL, HOST_SCOPE)];
  return [own, make(subnet, "unicast", MAIN, LINK_SCOPE)];
}

/** One hand on it. */
export class MemoryNetlink implements Netlink {
  readonly #kernel: MemoryKernel;
  readonly #onClose: () => void;
  readonly #listeners = new Set<(event: NetlinkEvent) => void>();
  #heard: NetlinkEvent[] = [];
  #holds = 0;

  constructor(kernel: MemoryKernel, onClose: () => void) {
    this.#kernel = kernel;
    this.#onClose = onClose;
  }

  /** Events come in a later turn, as from a socket. */
  overhear(event: NetlinkEvent): void {
    if (this.#heard.push(event) === 1) setImmediate(() => this.hear());
  }

  hear(): void {
    if (this.#holds > 0) return;
    const events = this.#heard;
    this.#heard = [];
    for (const one of events) for (const listener of this.#listeners) listener(one);
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#holds++;
    try {
      return await work();
    } finally {
      this.#holds--;
      this.hear();
    }
  }

  onEvent(listener: (event: NetlinkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async dumpRoutes(filter: RouteFilter, each: (route: KernelRoute) => void): Promise<void> {
    await Promise.resolve();
    const { faults, routes } = this.#kernel;
    const errno = faults.failNextDump;
    delete faults.failNextDump;
    if (errno !== undefined) throw new NetlinkError("list routes", errno);
    for (const route of [...routes]) {
      if (route.prefix.version !== filter.version) continue;
      if (filter.table !== undefined && route.table !== filter.table) continue;
      if (filter.protocol !== undefined && route.protocol !== filter.protocol) continue;
      each(this.#kernel.shown(route));
    }
  }

  dumpLinks(): Promise<Link[]> {
    return Promise.resolve([...this.#kernel.links.values()]);
  }

  dumpAddresses(): Promise<InterfaceAddress[]> {
    return Promise.resolve([...this.#kernel.addresses]);
  }

  lookup(address: string): RouteLookup {
    return this.#kernel.lookup(address);
  }

  async applyRoutes(
    changes: readonly RouteChange[],
    identity: RouteIdentity,
  ): Promise<readonly RouteFailure[]> {
    const kernel = this.#kernel;
    const failures: RouteFailure[] = [];
    await Promise.resolve();
    kernel.batches++;
    for (const [index, change] of changes.entries()) {
      const errno = kernel.change(change, identity, this);
      if (errno !== 0 && errno !== Errno.noSuchRoute) {
        failures.push({ index, errno, text: errnoText(errno) });
      }
    }
    if (kernel.faults.loseNextAcknowledgement === true) {
      delete kernel.faults.loseNextAcknowledgement;
      throw new NetlinkError("change routes", Errno.noBuffers);
    }
    return failures;
  }

  dumpNextHops(): Promise<NextHopObject[] | undefined> {
    const { hasNextHopObjects, nextHops } = this.#kernel;
    return Promise.resolve(hasNextHopObjects ? [...nextHops.values()] : undefined);
  }

  makeNextHop(object: NextHopObject): void {
    this.#kernel.setNextHop(object, false, this);
  }

  async replaceNextHop(object: NextHopObject): Promise<void> {
    this.#kernel.setNextHop(object, true, this);
  }

  removeNextHop(id: number): void {
    this.#kernel.removeNextHop(id, this);
  }

  dumpNeighbours(table: NeighbourTable, ifindex: number): Promise<Neighbour[]> {
    const entries = this.#kernel.neighbours.filter(
      (entry) => entry.table === table && entry.ifindex === ifindex,
    );
    return Promise.resolve(entries);
  }

  setNeighbour(entry: Neighbour): void {
    this.removeNeighbour(entry);
    this.#kernel.neighbours.push(entry);
    this.#kernel.tell({ kind: "neighbour", op: "new", neighbour: entry });
  }

  removeNeighbour(entry: Neighbour): void {
    const { table, ifindex, address } = entry;
    const kernel = this.#kernel;
    const gone = kernel.neighbours.find(
      (one) => one.table === table && one.ifindex === ifindex && one.address === address,
    );
    if (gone === undefined) return;
    kernel.neighbours = kernel.neighbours.filter((one) => one !== gone);
    kernel.tell({ kind: "neighbour", op: "deleted", neighbour: gone });
  }

  probeNeighbour(table: NeighbourTable, ifindex: number, address: string): void {
    const kernel = this.#kernel;
    kernel.probes.push(address);
    const failed = kernel.silent.has(address);
    const mac = failed ? undefined : "02:00:00:00:00:01";
    const entry = { table, ifindex, address, mac, permanent: false, failed, reachable: !failed };
    this.removeNeighbour(entry);
    kernel.neighbours.push(entry);
    kernel.tell({ kind: "neighbour", op: "new", neighbour: entry });
  }

  deleteLink(ifindex: number): void {
    this.#kernel.deleteLink(ifindex);
  }

  createLink({ name, kind, mac, vxlan, ipTunnel }: NewLink): void {
    const operation = `create ${name} of type ${kind}`;
    const { hasIpip, hasVxlan } = this.#kernel;
    const kinds = new Map([
      ["ipip", hasIpip],
      ["ip6tnl", hasIpip],
      ["vxlan", hasVxlan],
    ]);
    if (kinds.get(kind) !== true) {
      throw new NetlinkError(operation, Errno.notSupported, "Unknown device type");
    }
    for (const link of this.#kernel.links.values()) {
      if (link.name === name) throw new NetlinkError(operation, Errno.exists);
      // As Linux does: of two alike it could not tell which one a packet is for.
      const isAlike =
        (vxlan !== undefined &&
          link.vxlan?.id === vxlan.id &&
          ipVersionOf(link.vxlan.local ?? "") === ipVersionOf(vxlan.local ?? "")) ||
        (ipTunnel !== undefined && link.ipTunnel?.local === ipTunnel.local);
      if (isAlike) throw new NetlinkError(operation, Errno.exists);
    }
    this.#kernel.addLink(name, { kind, mac, vxlan, ipTunnel });
  }

  changeLink(ifindex: number, change: LinkChange): void {
    this.#kernel.changeLink(ifindex, change);
  }

  addHostAddress(ifindex: number, address: string, protocol: number): void {
    const bits = ipVersionOf(address) === 6 ? 128 : 32;
    this.#kernel.addAddress(ifindex, address, bits, protocol);
  }

  removeHostAddress(ifindex: number, address: string): void {
    this.#kernel.removeAddress(ifindex, address);
  }

  close(): void {
    this.#onClose();
    this.#listeners.clear();
  }
}
