import { setImmediate as nextTurn } from "node:timers/promises";
import { encodeInterfaceAddress } from "../../netlink/address.ts";
import { AttributeWriter } from "../../netlink/attribute.ts";
import {
  AddressFamily,
  LinkAttribute,
  LinkFlag,
  MessageFlag,
  MessageType,
  RouteAttribute,
  RouteScope,
} from "../../netlink/constants.ts";
import {
  encodeMessage,
  MESSAGE_HEADER_OCTETS,
  type NetlinkMessage,
  walkMessages,
} from "../../netlink/message.ts";
import { ROUTE_HEADER_OCTETS, routeTypeNumber } from "../../netlink/route.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";

/** As large as those in which the kernel tells of lists. */
const DATAGRAM_OCTETS = 32 * 1024;
/** RTPROT_KERNEL. */
const KERNEL_PROTOCOL = 2;
const MTU = 1500;
/** As the kernel names all sockets of a process but its first: a number past those that V8 keeps in a word. */
const PORT_ID = 0xf000_1001;
/** In struct nlmsghdr. */
const PORT_ID_OFFSET = 12;
/** Where `RouteEncoder` puts the destination. */
const DESTINATION_OFFSET = ROUTE_HEADER_OCTETS + 4;

/** What a stage has of a machine: two links that share a subnet, in which every next hop is. */
export const scenery = {
  links: [1, 2],
  node: "10.0.0.1",
  subnet: [10, 0, 0, 0],
  bits: 24,
} as const;

/** A kernel of which only the front is there: it takes every route that is IPv4, and tells of those that it has. */
export class Stage {
  /** By the words that their destinations are in messages. */
  readonly #destinations = new Set<number>();
  /** The route that came last; all are taken to be like it. */
  #last: Uint8Array = new Uint8Array(0);
  #events: StageSocket | undefined;
  /** The link by which next hops are reached at the moment. */
  link: number = scenery.links[0];

  /** For `openKernelNetlink`. */
  readonly open = (groups: number): NetlinkSocket => {
    const socket = new StageSocket(this);
    if (groups !== 0) this.#events = socket;
    return socket;
  };

  /** An address has come and gone, of which is told. */
  loseAddress(): void {
    const address = encodeInterfaceAddress(this.link, "10.0.1.1", 32, 0);
    for (const type of [MessageType.newAddress, MessageType.delAddress]) {
      this.#events?.tell(encodeMessage(type, 0, 0, address));
    }
    this.#events?.wake();
  }

  /** Does what is asked, and puts the answers into datagrams. */
  answer(request: NetlinkMessage): Uint8Array[] {
    const { type, flags, sequence } = request;
    if (type === MessageType.newRoute || type === MessageType.delRoute) this.#change(request);
    if (type % 4 !== MessageType.getRoute % 4) {
      return (flags & MessageFlag.ack) === 0 ? [] : [acknowledgement(sequence)];
    }
    if ((flags & MessageFlag.dump) !== MessageFlag.dump) {
      return [answerOf(MessageType.newRoute, sequence, kernelRoute(segment, this.link))];
    }
    const done = answerOf(MessageType.done, sequence, new Uint8Array(4));
    return [...this.#list(request), done];
  }

  #change({ type, datagram, start, end }: NetlinkMessage): void {
    const view = new DataView(datagram.buffer, datagram.byteOffset + start, end - start);
    const destination = view.getInt32(DESTINATION_OFFSET, true);
    if (type === MessageType.delRoute) this.#destinations.delete(destination);
    else {
      this.#destinations.add(destination);
      this.#last = datagram.slice(start, end);
    }
  }

  #list({ type, sequence, payload }: NetlinkMessage): Uint8Array[] {
    if (type === MessageType.getLink) {
      return scenery.links.map((ifindex) => {
        return answerOf(MessageType.newLink, sequence, linkBody(ifindex));
      });
    }
    if (type === MessageType.getAddress) {
      return scenery.links.map((ifindex) => {
        const body = encodeInterfaceAddress(ifindex, scenery.node, scenery.bits, 0);
        return answerOf(MessageType.newAddress, sequence, body);
      });
    }
    if (type !== MessageType.getRoute) return [];
    return payload[0] === AddressFamily.ipv4
      ? this.#listRoutes(sequence)
      : [others(sequence, linkLocal)];
  }

  #listRoutes(sequence: number): Uint8Array[] {
    const one = answerOf(MessageType.newRoute, sequence, this.#last);
    const each = Math.floor(DATAGRAM_OCTETS / one.length);
    const destinations = [...this.#destinations];
    const datagrams = [others(sequence, byDefault)];
    for (let from = 0; from < destinations.length; from += each) {
      const these = destinations.slice(from, from + each);
      const datagram = new Uint8Array(these.length * one.length);
      const view = new DataView(datagram.buffer);
      for (const [index, destination] of these.entries()) {
        const at = index * one.length;
        datagram.set(one, at);
        view.setInt32(at + MESSAGE_HEADER_OCTETS + DESTINATION_OFFSET, destination, true);
      }
      datagrams.push(datagram);
    }
    return datagrams;
  }
}

class StageSocket implements NetlinkSocket {
  readonly portId = PORT_ID;
  readonly #stage: Stage;
  readonly #answers: Uint8Array[] = [];
  #onReadable: (() => void) | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  send(octets: Uint8Array): void {
    walkMessages(octets, (message) => this.#answers.push(...this.#stage.answer(message)));
  }

  async sendInThread(...datagrams: readonly Uint8Array[]): Promise<void> {
    await nextTurn();
    for (const datagram of datagrams) this.send(datagram);
  }

  receive(into: Uint8Array): number {
    const answer = this.#answers.shift();
    if (answer === undefined) return 0;
    into.set(answer);
    return answer.length;
  }

  async receiveInThread(into: readonly Uint8Array[]): Promise<number[]> {
    await nextTurn();
    return into.map((buffer) => this.receive(buffer)).filter((length) => length > 0);
  }

  onReadable(callback: () => void): void {
    this.#onReadable = callback;
  }

  tell(event: Uint8Array): void {
    this.#answers.push(event);
  }

  wake(): void {
    this.#onReadable?.();
  }

  attachFilter(): void {}

  close(): void {
    this.#onReadable = undefined;
  }
}

function linkBody(ifindex: number): Uint8Array {
  const fixed = new Uint8Array(16); // struct ifinfomsg: family u8, padding u8, type u16, index u32, flags u32, change u32
  const view = new DataView(fixed.buffer);
  view.setUint32(4, ifindex, true);
  view.setUint32(8, LinkFlag.up | LinkFlag.lowerUp, true);
  return new AttributeWriter(fixed)
    .text(LinkAttribute.name, `stage${ifindex}`)
    .uint32(LinkAttribute.mtu, MTU)
    .finish();
}

/** A route that is not ours. */
interface OtherRoute {
  readonly family: number;
  readonly destination: readonly number[];
  readonly bits: number;
}

/** That all next hops are in. */
const segment: OtherRoute = {
  family: AddressFamily.ipv4,
  destination: scenery.subnet,
  bits: scenery.bits,
};
/** As every machine has them: what lists of routes look like is not known by ours alone. */
const byDefault: OtherRoute = { family: AddressFamily.ipv4, destination: [], bits: 0 };
const linkLocal: OtherRoute = {
  family: AddressFamily.ipv6,
  destination: [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  bits: 64,
};

function kernelRoute({ family, destination, bits }: OtherRoute, ifindex: number): Uint8Array {
  const fixed = new Uint8Array(ROUTE_HEADER_OCTETS);
  fixed[0] = family;
  fixed[1] = bits;
  fixed[4] = 254; // RT_TABLE_MAIN
  fixed[5] = KERNEL_PROTOCOL;
  fixed[6] = RouteScope.link;
  fixed[7] = routeTypeNumber("unicast");
  const writer = new AttributeWriter(fixed);
  if (bits > 0) writer.bytes(RouteAttribute.destination, Uint8Array.from(destination));
  return writer.uint32(RouteAttribute.outputInterface, ifindex).finish();
}

function others(sequence: number, route: OtherRoute): Uint8Array {
  return answerOf(MessageType.newRoute, sequence, kernelRoute(route, scenery.links[0]));
}

function acknowledgement(sequence: number): Uint8Array {
  return answerOf(MessageType.error, sequence, new Uint8Array(4 + MESSAGE_HEADER_OCTETS));
}

function answerOf(type: number, sequence: number, body: Uint8Array): Uint8Array {
  const message = encodeMessage(type, 0, sequence, body);
  new DataView(message.buffer).setUint32(PORT_ID_OFFSET, PORT_ID, true);
  return message;
}
