import type { InterfaceAddress } from "../../netlink/address.ts";
import { Errno, errnoText, NetlinkError } from "../../netlink/errno.ts";
import type { Link, LinkChange, NewLink } from "../../netlink/link.ts";
import type { Neighbour, NeighbourTable } from "../../netlink/neighbour.ts";
import type { Netlink, RouteFailure, RouteLookup } from "../../netlink/netlink.ts";
import type { NextHopObject } from "../../netlink/next-hop.ts";
import type { KernelRoute } from "../../netlink/route.ts";
import type { RouteChange, RouteFilter, RouteIdentity } from "../../netlink/route-request.ts";
import { isAnchor } from "../anchors.ts";
import {
  addressCommand,
  linkCommand,
  neighbourCommand,
  newLinkCommand,
  nextHopCommand,
  routeCommand,
} from "./ip-command.ts";

/** Indexes of interfaces that are only planned: beyond any that a kernel gives. */
const PLANNED_IFINDEX = 0x7000_0000;

/**
 * This machine's kernel as it would be after some commands, which are written down rather than done: reads see the real
 * kernel and what was planned so far. Never changes anything.
 */
export class PlannedKernel implements Netlink {
  /** In the order in which they would be done. */
  readonly commands: string[] = [];
  readonly #real: Netlink;
  readonly #hasLinkKind: (kind: string) => boolean;
  /** Links as they would be, of those that were looked at. */
  readonly #links = new Map<number, Link>();
  readonly #deleted = new Set<number>();
  #addresses: InterfaceAddress[] | undefined;
  readonly #neighbours = new Map<string, Neighbour | undefined>();
  readonly #nextHops = new Map<number, NextHopObject | undefined>();
  /** Routes as they would be, of those that were changed. */
  readonly #routes = new Map<string, KernelRoute | undefined>();
  /** Of every route that is, or would be, there. */
  readonly #taken = new Set<string>();
  #nextIfindex = PLANNED_IFINDEX;

  /** `hasLinkKind`: can this kernel, as it is, make such links? */
  constructor(real: Netlink, hasLinkKind: (kind: string) => boolean) {
    this.#real = real;
    this.#hasLinkKind = hasLinkKind;
  }

  /** A device that the kernel makes by itself, with its module. */
  appear(link: NewLink): void {
    this.#plan(link);
  }

  onEvent(): () => void {
    return () => {};
  }

  hear(): void {}

  hold<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  async dumpRoutes(filter: RouteFilter, each: (route: KernelRoute) => void): Promise<void> {
    await this.#real.dumpRoutes(filter, (route) => {
      const key = keyOf(route, route.table);
      this.#taken.add(key);
      if (!this.#routes.has(key)) each(route);
    });
    for (const route of this.#routes.values()) {
      if (route === undefined || route.prefix.version !== filter.version) continue;
      if (filter.table !== undefined && route.table !== filter.table) continue;
      if (filter.protocol === undefined || route.protocol === filter.protocol) each(route);
    }
  }

  async dumpLinks(): Promise<Link[]> {
    for (const link of await this.#real.dumpLinks()) {
      const { ifindex } = link;
      if (!this.#links.has(ifindex) && !this.#deleted.has(ifindex)) this.#links.set(ifindex, link);
    }
    return [...this.#links.values()];
  }

  async dumpAddresses(): Promise<InterfaceAddress[]> {
    this.#addresses ??= await this.#real.dumpAddresses();
    return [...this.#addresses];
  }

  lookup(address: string): RouteLookup {
    return this.#real.lookup(address);
  }

  applyRoutes(
    changes: readonly RouteChange[],
    identity: RouteIdentity,
  ): Promise<readonly RouteFailure[]> {
    const failures: RouteFailure[] = [];
    for (const [index, change] of changes.entries()) {
      if (isAnchor(change.prefix)) continue;
      const key = keyOf(change, identity.table);
      if (change.op === "create" && this.#taken.has(key)) {
        failures.push({ index, errno: Errno.exists, text: errnoText(Errno.exists) });
        continue;
      }
      if (change.op === "delete") this.#taken.delete(key);
      else this.#taken.add(key);
      this.#routes.set(key, change.op === "delete" ? undefined : routeOf(change, identity));
      this.commands.push(routeCommand(change, identity, (ifindex) => this.#name(ifindex)));
    }
    return Promise.resolve(failures);
  }

  async dumpNextHops(): Promise<NextHopObject[] | undefined> {
    const real = await this.#real.dumpNextHops();
    if (real === undefined) return undefined;
    const objects = new Map<number, NextHopObject | undefined>(real.map((one) => [one.id, one]));
    for (const [id, object] of this.#nextHops) objects.set(id, object);
    return [...objects.values()].filter((object) => object !== undefined);
  }

  makeNextHop(object: NextHopObject): void {
    this.#setNextHop(object, false);
  }

  async replaceNextHop(object: NextHopObject): Promise<void> {
    this.#setNextHop(object, true);
  }

  #setNextHop(object: NextHopObject, replace: boolean): void {
    this.#nextHops.set(object.id, object);
    this.commands.push(nextHopCommand(object, replace, (ifindex) => this.#name(ifindex)));
  }

  removeNextHop(id: number): void {
    this.#nextHops.set(id, undefined);
    this.commands.push(`ip nexthop del id ${id}`);
  }

  async dumpNeighbours(table: NeighbourTable, ifindex: number): Promise<Neighbour[]> {
    const isPlanned = ifindex >= PLANNED_IFINDEX;
    const real = isPlanned ? [] : await this.#real.dumpNeighbours(table, ifindex);
    const entries = new Map<string, Neighbour | undefined>(
      real.map((entry) => [neighbourKey(entry), entry]),
    );
    for (const [key, entry] of this.#neighbours) entries.set(key, entry);
    return [...entries.values()].filter(
      (entry) => entry !== undefined && entry.table === table && entry.ifindex === ifindex,
    ) as Neighbour[];
  }

  setNeighbour(entry: Neighbour): void {
    this.#neighbours.set(neighbourKey(entry), entry);
    this.commands.push(neighbourCommand("replace", entry, (ifindex) => this.#name(ifindex)));
  }

  removeNeighbour(entry: Neighbour): void {
    this.#neighbours.set(neighbourKey(entry), undefined);
    this.commands.push(neighbourCommand("del", entry, (ifindex) => this.#name(ifindex)));
  }

  /** Alters nothing that lasts. */
  probeNeighbour(): void {}

  createLink(link: NewLink): void {
    const operation = `create ${link.name} of type ${link.kind}`;
    for (const { name } of this.#links.values()) {
      if (name === link.name) throw new NetlinkError(operation, Errno.exists);
    }
    if (!this.#hasLinkKind(link.kind)) throw new NetlinkError(operation, Errno.notSupported);
    this.commands.push(newLinkCommand(link));
    this.#plan(link);
  }

  deleteLink(ifindex: number): void {
    this.commands.push(`ip link delete ${this.#name(ifindex)}`);
    this.#links.delete(ifindex);
    this.#deleted.add(ifindex);
    this.#addresses = this.#addresses?.filter((entry) => entry.ifindex !== ifindex);
  }

  changeLink(ifindex: number, change: LinkChange): void {
    const link = this.#links.get(ifindex);
    if (link === undefined) throw new NetlinkError(`change link ${ifindex}`, Errno.noDevice);
    const { info, ...plain } = change;
    const changed = { ...link, ...plain, ...info };
    this.#links.set(ifindex, { ...changed, running: changed.up });
    this.commands.push(linkCommand(link.name, change));
  }

  addHostAddress(ifindex: number, address: string, protocol: number): void {
    const prefixLength = address.includes(":") ? 128 : 32;
    const entry = { ifindex, address, subnetAddress: address, prefixLength, protocol };
    this.#addresses = [...(this.#addresses ?? []), entry];
    this.commands.push(addressCommand("add", address, this.#name(ifindex)));
  }

  removeHostAddress(ifindex: number, address: string): void {
    this.#addresses = this.#addresses?.filter((entry) => {
      return entry.ifindex !== ifindex || entry.address !== address;
    });
    this.commands.push(addressCommand("del", address, this.#name(ifindex)));
  }

  close(): void {
    this.#real.close();
  }

  #plan(link: NewLink): void {
    const ifindex = this.#nextIfindex++;
    const state = { mtu: 1500, up: false, running: false, loopback: false };
    this.#links.set(ifindex, { ifindex, ...state, ...link });
  }

  #name(ifindex: number): string {
    return this.#links.get(ifindex)?.name ?? `if${ifindex}`;
  }
}

function keyOf({ prefix, metric }: Pick<RouteChange, "prefix" | "metric">, table: number): string {
  return `${prefix.text} ${metric} ${table}`;
}

function routeOf(
  { prefix, metric, path: { type, hops, nextHopId, mtu } }: RouteChange,
  { protocol, table }: RouteIdentity,
): KernelRoute {
  return {
    ...{ prefix, metric, type, hops, nextHopId, mtu, protocol, table },
    ...{ scope: 0, source: undefined, extras: "" },
  };
}

function neighbourKey({ table, ifindex, address, mac }: Neighbour): string {
  return `${table} ${ifindex} ${address} ${table === "bridge" ? mac : ""}`;
}
