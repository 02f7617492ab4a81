import { decodeInterfaceAddress } from "./address.ts";
import { MessageFlag, MessageType } from "./constants.ts";
import { Errno } from "./errno.ts";
import { ownEchoFilter } from "./event-filter.ts";
import { decodeLink } from "./link.ts";
import { type NetlinkMessage, walkMessages } from "./message.ts";
import { decodeNeighbour } from "./neighbour.ts";
import { decodeNetconf } from "./netconf.ts";
import type { NetlinkEvent } from "./netlink.ts";
import { decodeNextHop } from "./next-hop.ts";
import { decodeRoute } from "./route.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Datagrams taken per turn, so that a flood of events leaves the others their turn; the poll comes back for the rest. */
const DATAGRAMS_PER_TURN = 64;

/** Reads what a subscribed socket hears and tells it to the listeners. */
export class EventStream {
  readonly #socket: NetlinkSocket;
  readonly #ownPortIds: readonly number[];
  readonly #buffer = new Uint8Array(64 * 1024);
  readonly #listeners = new Set<(event: NetlinkEvent) => void>();
  #holds = 0;
  #held: NetlinkEvent[] = [];

  /** `ownPortIds` are those of the sockets that change routes, also by changing a next hop of theirs: such are no events. */
  constructor(socket: NetlinkSocket, ownPortIds: readonly number[]) {
    this.#socket = socket;
    this.#ownPortIds = ownPortIds;
    try {
      socket.attachFilter(ownEchoFilter(ownPortIds));
    } catch {
      // Without the filter the echoes are skipped here, one by one: slower, not wrong.
    }
    socket.onReadable(() => this.read());
  }

  listen(listener: (event: NetlinkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** See `Netlink.hold`. */
  async hold<T>(until: Promise<T>): Promise<T> {
    this.#holds++;
    try {
      return await until;
    } finally {
      this.#holds--;
      if (this.#holds === 0) for (const event of this.#held.splice(0)) this.#tell(event);
    }
  }

  /** Tells what is there to be heard. */
  read(): void {
    for (let datagrams = 0; datagrams < DATAGRAMS_PER_TURN; datagrams++) {
      const length = this.#socket.receive(this.#buffer);
      if (length === 0) return;
      if (length === -Errno.noBuffers) this.#tell({ kind: "overflow" });
      else if (length < 0) return;
      else {
        walkMessages(this.#buffer.subarray(0, length), (message) => this.#decode(message));
      }
    }
  }

  #decode(message: NetlinkMessage): void {
    const event = eventOf(message, this.#ownPortIds);
    if (event !== undefined) this.#tell(event);
  }

  #tell(event: NetlinkEvent): void {
    if (this.#holds > 0) {
      this.#held.push(event);
      return;
    }
    for (const listener of this.#listeners) listener(event);
  }
}

/** rtnetlink's types go by fours: NEW, DEL, GET, SET. */
function opOf({ type }: NetlinkMessage): "new" | "deleted" {
  return type % 4 === 0 ? "new" : "deleted";
}

function eventOf(message: NetlinkMessage, ownPortIds: readonly number[]): NetlinkEvent | undefined {
  const isOwn = ownPortIds.includes(message.portId);
  const op = opOf(message);
  switch (message.type) {
    case MessageType.newRoute:
    case MessageType.delRoute: {
      if (isOwn) return undefined;
      const route = decodeRoute(message.payload);
      const replaced = op === "new" && (message.flags & MessageFlag.replace) !== 0;
      return route && { kind: "route", op, replaced, route, portId: message.portId };
    }
    case MessageType.newNextHop:
    case MessageType.delNextHop: {
      if (isOwn) return undefined;
      const object = decodeNextHop(message.payload);
      return object && { kind: "next-hop", op, object, portId: message.portId };
    }
    default:
      return surroundingsEventOf(message, isOwn ? 0 : message.portId);
  }
}

function surroundingsEventOf(message: NetlinkMessage, portId: number): NetlinkEvent | undefined {
  const op = opOf(message);
  switch (message.type) {
    case MessageType.newLink:
    case MessageType.delLink: {
      const link = decodeLink(message.payload);
      return link && { kind: "link", op, link, portId };
    }
    case MessageType.newAddress:
    case MessageType.delAddress: {
      const address = decodeInterfaceAddress(message.payload);
      return address && { kind: "address", op, address, portId };
    }
    case MessageType.newNeighbour:
    case MessageType.delNeighbour: {
      const neighbour = decodeNeighbour(message.payload);
      return neighbour && { kind: "neighbour", op, neighbour, portId };
    }
    case MessageType.newNetconf: {
      const setting = decodeNetconf(message.payload);
      return setting && { kind: "setting", op, ...setting };
    }
    default:
      return undefined;
  }
}
