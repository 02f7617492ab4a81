import { formatIpAddress } from "../../src/net/ip-address.ts";
import {
  decodeInterfaceAddress,
  encodeInterfaceAddress,
  type InterfaceAddress,
} from "../../src/netlink/address.ts";
import { AttributeWriter, attributeUint32, walkAttributes } from "../../src/netlink/attribute.ts";
import {
  AddressFamily,
  LinkAttribute,
  LinkFlag,
  MessageFlag,
  MessageType,
  NeighbourAttribute,
  NeighbourState,
  NetconfAttribute,
  RouteAttribute,
} from "../../src/netlink/constants.ts";
import { Errno, NetlinkError } from "../../src/netlink/errno.ts";
import { writeIpTunnel } from "../../src/netlink/ip-tunnel.ts";
import { decodeLink, encodeLinkDeletion, type Link } from "../../src/netlink/link.ts";
import { MESSAGE_HEADER_OCTETS, type NetlinkMessage } from "../../src/netlink/message.ts";
import {
  decodeNeighbour,
  encodeNeighbour,
  type Neighbour,
  parseMac,
} from "../../src/netlink/neighbour.ts";
import type { NetlinkEvent } from "../../src/netlink/netlink.ts";
import { decodeNextHop, encodeNextHop } from "../../src/netlink/next-hop.ts";
import { decodeRoute, type KernelRoute } from "../../src/netlink/route.ts";
import { RouteEncoder } from "../../src/netlink/route-request.ts";
import { writeVxlan } from "../../src/netlink/vxlan.ts";
import type { MemoryKernel, MemoryNetlink } from "./memory-kernel.ts";

/** A message without its header. */
export interface Told {
  readonly type: number;
  readonly payload: Uint8Array;
}

const { newLink, delLink, getLink, newAddress, delAddress, getAddress } = MessageType;
const { newRoute, delRoute, getRoute, newNeighbour, delNeighbour, getNeighbour } = MessageType;
const { newNextHop, delNextHop, getNextHop, newNetconf } = MessageType;

/** What a kernel in memory makes of the octets of requests, and in which octets it tells of itself. */
export class MemoryRtnetlink {
  readonly #kernel: MemoryKernel;
  readonly #hand: MemoryNetlink;

  constructor(kernel: MemoryKernel, hand: MemoryNetlink) {
    this.#kernel = kernel;
    this.#hand = hand;
  }

  /** All of something. Throws `NetlinkError`. */
  list({ type, payload }: NetlinkMessage): Told[] {
    const kernel = this.#kernel;
    switch (type) {
      case getLink:
        return [...kernel.links.values()].map((link) => tellLink(newLink, link));
      case getAddress:
        return kernel.addresses.map((address) => tellAddress(newAddress, address));
      case getRoute:
        return this.#routes(payload).map((route) => tellRoute(newRoute, kernel.shown(route)));
      case getNeighbour:
        return this.#neighbours(payload).map((entry) => tellNeighbour(newNeighbour, entry));
      case getNextHop:
        if (!kernel.hasNextHopObjects) throw new NetlinkError("list", Errno.notSupported);
        return [...kernel.nextHops.values()].map((object) => {
          return { type: newNextHop, payload: encodeNextHop(object) };
        });
      default:
        throw new NetlinkError("list", Errno.notSupported);
    }
  }

  /** The route that an address matches. Throws `NetlinkError`. */
  lookUp({ payload }: NetlinkMessage): Told {
    const asked = decodeRoute(payload);
    if (asked === undefined) throw new NetlinkError("look up", Errno.invalid);
    const answer = this.#kernel.lookup(formatIpAddress(asked.prefix.octets));
    if (!answer.found) throw new NetlinkError("look up", answer.errno);
    return tellRoute(newRoute, answer.route);
  }

  /** Does what is asked. Throws `NetlinkError`. */
  change(message: NetlinkMessage): void {
    const { type, payload } = message;
    switch (type) {
      case newRoute:
      case delRoute:
        return this.#changeRoute(message);
      case newNextHop:
      case delNextHop:
        return this.#changeNextHop(message);
      case newNeighbour:
      case delNeighbour:
        return this.#changeNeighbour(message);
      case newLink:
        return this.#changeLink(message);
      case delLink:
        return this.#hand.deleteLink(known(decodeLink(payload)).ifindex);
      case newAddress: {
        const { ifindex, address, prefixLength, protocol } = known(decodeInterfaceAddress(payload));
        return this.#kernel.addAddress(ifindex, address, prefixLength, protocol);
      }
      case delAddress: {
        const { ifindex, address } = known(decodeInterfaceAddress(payload));
        return this.#kernel.removeAddress(ifindex, address);
      }
      default:
        throw new NetlinkError("change", Errno.notSupported);
    }
  }

  #routes(payload: Uint8Array): KernelRoute[] {
    const { prefix, table, protocol } = known(decodeRoute(payload));
    return this.#kernel.routes.filter((route) => {
      if (route.prefix.version !== prefix.version) return false;
      if (table !== 0 && route.table !== table) return false;
      return protocol === 0 || route.protocol === protocol;
    });
  }

  #neighbours(payload: Uint8Array): Neighbour[] {
    let ifindex = 0;
    walkAttributes(payload.subarray(12), (type, value) => {
      if (type === NeighbourAttribute.ifindex) ifindex = attributeUint32(value);
    });
    const { ipv4, ipv6 } = AddressFamily;
    const [family] = payload;
    const table = family === ipv4 ? "ipv4" : family === ipv6 ? "ipv6" : "bridge";
    return this.#kernel.neighbours.filter((entry) => {
      return entry.table === table && entry.ifindex === ifindex;
    });
  }

  #changeRoute({ type, flags, payload }: NetlinkMessage): void {
    const route = known(decodeRoute(payload));
    const isNew = (flags & MessageFlag.exclusive) !== 0;
    const op = type === delRoute ? "delete" : isNew ? "create" : "replace";
    const { prefix, metric, protocol, table, hops, nextHopId, mtu } = route;
    const path = { type: route.type, hops, nextHopId, mtu };
    const change = { op, prefix, metric, path } as const;
    const errno = this.#kernel.change(change, { protocol, table }, this.#hand);
    if (errno !== 0) throw new NetlinkError(`${op} ${prefix.text}`, errno);
  }

  #changeNextHop({ type, flags, payload }: NetlinkMessage): void {
    const kernel = this.#kernel;
    const object = known(decodeNextHop(payload));
    if (type === newNextHop) {
      return kernel.setNextHop(object, (flags & MessageFlag.replace) !== 0, this.#hand);
    }
    const isThere = kernel.nextHops.has(object.id);
    if (!isThere) throw new NetlinkError(`remove next hop ${object.id}`, Errno.noEntry);
    kernel.removeNextHop(object.id, this.#hand);
  }

  #changeNeighbour({ type, flags, payload }: NetlinkMessage): void {
    const entry = known(decodeNeighbour(payload));
    const { table, ifindex, address, permanent } = entry;
    const isThere = this.#kernel.neighbours.some((one) => {
      return one.table === table && one.ifindex === ifindex && one.address === address;
    });
    const mayMake = type === newNeighbour && (flags & MessageFlag.create) !== 0;
    if (!isThere && !mayMake) throw new NetlinkError(`change ${address}`, Errno.noEntry);
    if (type === delNeighbour) this.#hand.removeNeighbour(entry);
    else if (permanent) this.#hand.setNeighbour(entry);
    else this.#hand.probeNeighbour(table, ifindex, address);
  }

  #changeLink({ flags, payload }: NetlinkMessage): void {
    const { ifindex, name, mtu, up, mac, alias, kind, vxlan, ipTunnel } = known(
      decodeLink(payload),
    );
    const tunnel = ipTunnel?.local === undefined ? undefined : ipTunnel;
    if ((flags & MessageFlag.create) !== 0) {
      return this.#hand.createLink({ name, kind: kind ?? "", mac, vxlan, ipTunnel: tunnel });
    }
    const before = this.#kernel.links.get(ifindex)?.vxlan;
    // The port is not said again of a device that is there.
    const port = before?.port ?? 0;
    const info =
      kind === undefined
        ? undefined
        : { kind, vxlan: vxlan && { ...vxlan, port }, ipTunnel: tunnel };
    const isUpAsked = attributeUint32(payload.subarray(12)) !== 0;
    this.#hand.changeLink(ifindex, {
      ...(isUpAsked && { up }),
      ...(mtu !== 0 && { mtu }),
      ...(name !== "" && { name }),
      ...(alias !== undefined && { alias }),
      ...(mac !== undefined && { mac }),
      ...(info !== undefined && { info }),
    });
  }
}

/** An event as a message; `undefined` of lost ones. */
export function tellEvent(event: NetlinkEvent): (Told & { readonly flags: number }) | undefined {
  const isGone = "op" in event && event.op === "deleted";
  const type = (made: number, gone: number): number => (isGone ? gone : made);
  const flags = 0;
  switch (event.kind) {
    case "route": {
      const replaced = event.replaced ? MessageFlag.replace : 0;
      return { ...tellRoute(type(newRoute, delRoute), event.route), flags: replaced };
    }
    case "link":
      return { ...tellLink(type(newLink, delLink), event.link), flags };
    case "address":
      return { ...tellAddress(type(newAddress, delAddress), event.address), flags };
    case "neighbour":
      return { ...tellNeighbour(type(newNeighbour, delNeighbour), event.neighbour), flags };
    case "next-hop": {
      const payload = encodeNextHop(event.object);
      return { type: type(newNextHop, delNextHop), payload, flags };
    }
    case "setting": {
      const { ipv4, ipv6 } = AddressFamily;
      const { version, ifindex, forwarding } = event;
      const writer = new AttributeWriter(Uint8Array.of(version === 4 ? ipv4 : ipv6, 0, 0, 0));
      writer.uint32(NetconfAttribute.ifindex, ifindex);
      if (forwarding !== undefined) writer.uint32(NetconfAttribute.forwarding, Number(forwarding));
      return { type: newNetconf, payload: writer.finish(), flags };
    }
    case "overflow":
      return undefined;
  }
}

function known<T>(decoded: T | undefined): T {
  if (decoded === undefined) throw new NetlinkError("read a request", Errno.invalid);
  return decoded;
}

function tellLink(type: number, link: Link): Told {
  const { ifindex, name, mtu, up, running, loopback, kind, mac, alias, vxlan, ipTunnel } = link;
  const fixed = encodeLinkDeletion(ifindex);
  const flags =
    (up ? LinkFlag.up : 0) | (running ? LinkFlag.lowerUp : 0) | (loopback ? LinkFlag.loopback : 0);
  new DataView(fixed.buffer).setUint32(8, flags, true);
  const writer = new AttributeWriter(fixed)
    .text(LinkAttribute.name, name)
    .uint32(LinkAttribute.mtu, mtu);
  if (alias !== undefined) writer.text(LinkAttribute.alias, alias);
  if (mac !== undefined) writer.bytes(LinkAttribute.address, parseMac(mac));
  if (kind !== undefined) {
    writer.nested(LinkAttribute.info, (info) => {
      info.text(LinkAttribute.infoKind, kind);
      info.nested(LinkAttribute.infoData, (data) => {
        if (vxlan !== undefined) writeVxlan(data, vxlan, true);
        if (ipTunnel !== undefined) writeIpTunnel(data, ipTunnel);
      });
    });
  }
  return { type, payload: writer.finish() };
}

function tellAddress(
  type: number,
  { ifindex, address, prefixLength, protocol = 0 }: InterfaceAddress,
): Told {
  return { type, payload: encodeInterfaceAddress(ifindex, address, prefixLength, protocol) };
}

function tellNeighbour(type: number, entry: Neighbour): Told {
  const payload = encodeNeighbour(entry);
  const { permanent, reachable, failed } = NeighbourState;
  const state = entry.permanent ? permanent : entry.failed ? failed : reachable;
  new DataView(payload.buffer).setUint16(8, state, true);
  return { type, payload };
}

/** With the next hops of its object, if it has one, and the object's id. */
function tellRoute(type: number, route: KernelRoute): Told {
  const { prefix, metric, type: what, hops, mtu, nextHopId, protocol, table, scope } = route;
  const change = { op: "create", prefix, metric, path: { type: what, hops, mtu } } as const;
  const message = new RouteEncoder({ protocol, table }).encode([change], 0);
  const payload = message.slice(MESSAGE_HEADER_OCTETS);
  payload[6] = scope;
  if (nextHopId === undefined) return { type, payload };
  const writer = new AttributeWriter(payload).uint32(RouteAttribute.nextHopId, nextHopId);
  return { type, payload: writer.finish() };
}
