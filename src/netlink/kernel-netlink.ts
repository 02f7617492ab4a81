import { ipVersionOf } from "../net/ip-address.ts";
import {
  decodeInterfaceAddress,
  encodeAddressDump,
  encodeInterfaceAddress,
  type InterfaceAddress,
} from "./address.ts";
import { MessageFlag, MessageType, MulticastGroup } from "./constants.ts";
import { Conversation } from "./conversation.ts";
import { Errno, errnoText, NetlinkError } from "./errno.ts";
import { EventStream } from "./event-stream.ts";
import {
  decodeLink,
  encodeLinkChange,
  encodeLinkDeletion,
  encodeLinkDump,
  encodeNewLink,
  type Link,
  type LinkChange,
  type NewLink,
} from "./link.ts";
import {
  decodeNeighbour,
  encodeNeighbour,
  encodeNeighbourDump,
  encodeNeighbourProbe,
  type Neighbour,
  type NeighbourTable,
} from "./neighbour.ts";
import type { Netlink, NetlinkEvent, RouteFailure, RouteLookup } from "./netlink.ts";
import {
  decodeNextHop,
  encodeNextHop,
  encodeNextHopDump,
  encodeNextHopId,
  type NextHopObject,
} from "./next-hop.ts";
import type { NetlinkMessage } from "./message.ts";
import { RouteReader } from "./route-reader.ts";
import { decodeRoute, type KernelRoute } from "./route.ts";
import {
  encodeRouteDump,
  encodeRouteLookup,
  type RouteChange,
  type RouteFilter,
  type RouteIdentity,
} from "./route-request.ts";
import { RouteWriter } from "./route-writer.ts";
import { type NetlinkSocket, openNetlinkSocket } from "./socket.ts";

/**
 * Opens the routing side of this machine's kernel, in the network namespace of the process, or of whatever is behind the
 * sockets. Changing anything needs CAP_NET_ADMIN. Throws `NetlinkError`.
 */
export function openKernelNetlink(open: OpenSocket = openNetlinkSocket): Netlink {
  return new KernelNetlink(open);
}

/** Opens a socket that is subscribed to `groups`. */
type OpenSocket = (groups: number) => NetlinkSocket;

/** Four sockets, each for one thing: questions and small changes, lists, routes in bulk, and events. */
class KernelNetlink implements Netlink {
  readonly #sockets: readonly NetlinkSocket[];
  readonly #conversation: Conversation;
  readonly #lists: Conversation;
  readonly #writer: RouteWriter;
  readonly #events: EventStream;

  constructor(open: OpenSocket) {
    const { link, neighbour, ipv4Address, ipv4Route, ipv6Address, ipv6Route } = MulticastGroup;
    const routed = ipv4Address | ipv4Route | ipv6Address | ipv6Route;
    const settings = MulticastGroup.ipv4Netconf | MulticastGroup.ipv6Netconf;
    const groups = (link | neighbour | routed | settings | MulticastGroup.nextHop) >>> 0;
    const questions = open(0);
    const lists = open(0);
    const routes = open(0);
    const events = open(groups);
    this.#sockets = [questions, lists, routes, events];
    this.#conversation = new Conversation(questions);
    this.#lists = new Conversation(lists);
    this.#writer = new RouteWriter(routes);
    this.#events = new EventStream(events, [routes.portId, questions.portId]);
  }

  onEvent(listener: (event: NetlinkEvent) => void): () => void {
    return this.#events.listen(listener);
  }

  hear(): void {
    this.#events.read();
  }

  hold<T>(work: () => Promise<T>): Promise<T> {
    return this.#events.hold(work());
  }

  async dumpRoutes(
    filter: RouteFilter,
    each: (route: KernelRoute) => void,
    alike?: (route: KernelRoute, addresses: Int32Array) => void,
  ): Promise<void> {
    const reader = new RouteReader();
    const onMessage = (message: NetlinkMessage): void => {
      const route = reader.read(message);
      if (route === undefined || route.prefix.version !== filter.version) return;
      if (filter.table !== undefined && route.table !== filter.table) return;
      if (filter.protocol !== undefined && route.protocol !== filter.protocol) return;
      each(route);
      alike?.(route, reader.alike(message));
    };
    try {
      const body = encodeRouteDump(filter);
      const { getRoute } = MessageType;
      await this.hold(() => this.#lists.dump("list routes", getRoute, body, onMessage));
    } catch (error) {
      // A table nobody has put anything into yet does not exist.
      if (!(error instanceof NetlinkError && error.errno === Errno.noEntry)) throw error;
    }
  }

  async dumpLinks(): Promise<Link[]> {
    const links = new Map<number, Link>();
    await this.#lists.dump("list links", MessageType.getLink, encodeLinkDump(), (message) => {
      const link = decodeLink(message.payload);
      if (link !== undefined) links.set(link.ifindex, link);
    });
    return [...links.values()];
  }

  async dumpAddresses(): Promise<InterfaceAddress[]> {
    const addresses = new Map<string, InterfaceAddress>();
    const { getAddress } = MessageType;
    await this.#lists.dump("list addresses", getAddress, encodeAddressDump(), (message) => {
      const address = decodeInterfaceAddress(message.payload);
      if (address === undefined) return;
      addresses.set(`${address.ifindex} ${address.address}/${address.prefixLength}`, address);
    });
    return [...addresses.values()];
  }

  lookup(address: string): RouteLookup {
    try {
      const route = decodeRoute(this.#ask(address, "entry"));
      if (route !== undefined) return { found: true, route: this.#withHops(address, route) };
      return { found: false, errno: Errno.io, text: errnoText(Errno.io) };
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      return { found: false, errno: error.errno, text: error.reason };
    }
  }

  #ask(address: string, what: "entry" | "way"): Uint8Array {
    const body = encodeRouteLookup(address, what);
    return this.#conversation.query(`look up ${address}`, MessageType.getRoute, body);
  }

  /** With net.ipv4.nexthop_compat_mode off an entry names its next-hop object alone: the way itself tells the rest. */
  #withHops(address: string, route: KernelRoute): KernelRoute {
    if (route.nextHopId === undefined || route.hops.length > 0) return route;
    const way = decodeRoute(this.#ask(address, "way"), true);
    return { ...route, hops: way?.hops ?? [] };
  }

  applyRoutes(
    changes: readonly RouteChange[],
    identity: RouteIdentity,
  ): Promise<readonly RouteFailure[]> {
    return this.#writer.apply(changes, identity);
  }

  async dumpNextHops(): Promise<NextHopObject[] | undefined> {
    const objects = new Map<number, NextHopObject>();
    const body = encodeNextHopDump();
    try {
      await this.#lists.dump("list next hops", MessageType.getNextHop, body, (message) => {
        const object = decodeNextHop(message.payload);
        if (object !== undefined) objects.set(object.id, object);
      });
    } catch (error) {
      if (error instanceof NetlinkError && isUnknownRequest(error.errno)) return undefined;
      throw error;
    }
    return [...objects.values()];
  }

  makeNextHop(object: NextHopObject): void {
    const flags = MessageFlag.create | MessageFlag.exclusive;
    const operation = `make next hop ${object.id}`;
    this.#conversation.change(operation, MessageType.newNextHop, flags, encodeNextHop(object));
  }

  replaceNextHop(object: NextHopObject): Promise<void> {
    const flags = MessageFlag.create | MessageFlag.replace;
    const operation = `replace next hop ${object.id}`;
    const body = encodeNextHop(object);
    return this.#conversation.changeInThread(operation, MessageType.newNextHop, flags, body);
  }

  removeNextHop(id: number): void {
    const body = encodeNextHopId(id);
    try {
      this.#conversation.change(`remove next hop ${id}`, MessageType.delNextHop, 0, body);
    } catch (error) {
      if (!(error instanceof NetlinkError && error.errno === Errno.noEntry)) throw error;
    }
  }

  async dumpNeighbours(table: NeighbourTable, ifindex: number): Promise<Neighbour[]> {
    const entries = new Map<string, Neighbour>();
    const body = encodeNeighbourDump(table, ifindex);
    await this.#lists.dump("list neighbours", MessageType.getNeighbour, body, (message) => {
      const entry = decodeNeighbour(message.payload);
      if (entry === undefined || entry.ifindex !== ifindex || entry.table !== table) return;
      entries.set(`${entry.address} ${table === "bridge" ? entry.mac : ""}`, entry);
    });
    return [...entries.values()];
  }

  setNeighbour(entry: Neighbour): void {
    const flags = MessageFlag.create | MessageFlag.replace;
    const operation = `set neighbour ${entry.address}`;
    this.#conversation.change(operation, MessageType.newNeighbour, flags, encodeNeighbour(entry));
  }

  removeNeighbour(entry: Neighbour): void {
    const operation = `remove neighbour ${entry.address}`;
    try {
      this.#conversation.change(operation, MessageType.delNeighbour, 0, encodeNeighbour(entry));
    } catch (error) {
      if (!(error instanceof NetlinkError && error.errno === Errno.noEntry)) throw error;
    }
  }

  probeNeighbour(table: NeighbourTable, ifindex: number, address: string): void {
    const operation = `ask for neighbour ${address}`;
    const { newNeighbour } = MessageType;
    const body = (isKnown: boolean): Uint8Array => {
      return encodeNeighbourProbe(table, ifindex, address, isKnown);
    };
    try {
      this.#conversation.change(operation, newNeighbour, MessageFlag.replace, body(true));
    } catch (error) {
      // ENOENT: no such entry; EINVAL: one without a MAC address.
      const isUnknown =
        error instanceof NetlinkError &&
        (error.errno === Errno.noEntry || error.errno === Errno.invalid);
      if (!isUnknown) throw error;
      this.#conversation.change(operation, newNeighbour, MessageFlag.create, body(false));
    }
  }

  createLink(link: NewLink): void {
    const flags = MessageFlag.create | MessageFlag.exclusive;
    const operation = `create ${link.name} of type ${link.kind}`;
    this.#conversation.change(operation, MessageType.newLink, flags, encodeNewLink(link));
  }

  deleteLink(ifindex: number): void {
    const body = encodeLinkDeletion(ifindex);
    this.#conversation.change(`delete link ${ifindex}`, MessageType.delLink, 0, body);
  }

  changeLink(ifindex: number, change: LinkChange): void {
    const body = encodeLinkChange(ifindex, change);
    this.#conversation.change(`change link ${ifindex}`, MessageType.newLink, 0, body);
  }

  addHostAddress(ifindex: number, address: string, protocol: number): void {
    const flags = MessageFlag.create | MessageFlag.exclusive;
    const bits = hostBits(address);
    const body = encodeInterfaceAddress(ifindex, address, bits, protocol);
    this.#conversation.change(`add ${address}/${bits}`, MessageType.newAddress, flags, body);
  }

  removeHostAddress(ifindex: number, address: string): void {
    const bits = hostBits(address);
    const body = encodeInterfaceAddress(ifindex, address, bits, 0);
    this.#conversation.change(`remove ${address}/${bits}`, MessageType.delAddress, 0, body);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** What kernels before Linux 5.3 say to a message type that they do not know. */
function isUnknownRequest(errno: number): boolean {
  return errno === Errno.notSupported || errno === Errno.invalid;
}

function hostBits(address: string): 32 | 128 {
  return ipVersionOf(address) === 6 ? 128 : 32;
}
