import { decodeInterfaceAddress } from "./address.ts";
import { MessageFlag, MessageType } from "./constants.ts";
import { Errno } from "./errno.ts";
import { ownEchoFilter } from "./event-filter.ts";
import { decodeLink } from "./link.ts";
import { type NetlinkMessage, walkMessages } from "./message.ts";
import { decodeNeighbour } from "./neighbour.ts";
import type { NetlinkEvent } from "./netlink.ts";
import { decodeRoute } from "./route.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Datagrams taken per turn, so that a flood of events leaves the others their turn; the poll comes back for the rest. */
const DATAGRAMS_PER_TURN = 64;

/** Reads what a subscribed socket hears and tells it to the listeners. */
export class EventStream {
  readonly #socket: NetlinkSocket;
  readonly #ownPortId: number;
  readonly #buffer = new Uint8Array(64 * 1024);
  readonly #listeners = new Set<(event: NetlinkEvent) => void>();

  /** `ownPortId` is that of the socket that writes routes: its own changes are not events. */
  constructor(socket: NetlinkSocket, ownPortId: number) {
    this.#socket = socket;
    this.#ownPortId = ownPortId;
    try {
      socket.attachFilter(ownEchoFilter(ownPortId));
    } catch {
      // Without the filter the echoes are skipped here, one by one: slower, not wrong.
    }
    socket.onReadable(() => this.#read());
  }

  listen(listener: (event: NetlinkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #read(): void {
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
    const event = eventOf(message, this.#ownPortId);
    if (event !== undefined) this.#tell(event);
  }

  #tell(event: NetlinkEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function eventOf(message: NetlinkMessage, ownPortId: number): NetlinkEvent | undefined {
  switch (message.type) {
    case MessageType.newRoute:
    case MessageType.delRoute: {
      if (message.portId === ownPortId) return undefined;
      const route = decodeRoute(message.payload);
      const isNew = message.type === MessageType.newRoute;
      const replaced = isNew && (message.flags & MessageFlag.replace) !== 0;
      const { portId } = message;
      return route && { kind: "route", op: isNew ? "new" : "deleted", replaced, route, portId };
    }
    case MessageType.newLink:
    case MessageType.delLink: {
      const link = decodeLink(message.payload);
      const op = message.type === MessageType.newLink ? "new" : "deleted";
      return link && { kind: "link", op, link };
    }
    case MessageType.newAddress:
    case MessageType.delAddress: {
      const address = decodeInterfaceAddress(message.payload);
      const op = message.type === MessageType.newAddress ? "new" : "deleted";
      return address && { kind: "address", op, address };
    }
    case MessageType.newNeighbour:
    case MessageType.delNeighbour: {
      const neighbour = decodeNeighbour(message.payload);
      const op = message.type === MessageType.newNeighbour ? "new" : "deleted";
      return neighbour && { kind: "neighbour", op, neighbour };
    }
    default:
      return undefined;
  }
}
