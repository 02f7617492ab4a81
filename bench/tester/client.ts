import { connect, type Socket } from "node:net";
import { encodeKeepalive } from "../../src/bgp/message/keepalive.ts";
import { encodeOpen, decodeOpen } from "../../src/bgp/message/open.ts";
import { headerOctets, MessageType } from "../../src/bgp/iana.ts";
import { dotted, peerAddress } from "./universe.ts";

/** Where the daemon listens, and the AS number that it and all clients have. */
export interface Target {
  readonly address: string;
  readonly port: number;
  readonly asn: number;
}

export interface ClientEvents {
  /** The session is Established. */
  established(client: Client): void;
  /** Octets of an Established session; they hold until this returns. */
  received(client: Client, octets: Uint8Array): void;
  /** The connection is gone, or could not be made. */
  failed(client: Client, wasEstablished: boolean): void;
}

const holdTimeSeconds = 240;
const keepalive = encodeKeepalive();

/** All sockets read into this one: what a read brought is taken before the next read. */
const readBuffer = new Uint8Array(256 << 10);

/** One peer of the daemon: dials from an address of its own, opens a session, and from then on takes what comes as octets. */
export class Client {
  readonly index: number;
  readonly #target: Target;
  readonly #events: ClientEvents;
  readonly #open: Uint8Array;
  #socket: Socket | undefined;
  #state: "idle" | "connecting" | "opening" | "established" = "idle";
  /** What came before the session was Established. */
  #early = new Uint8Array(0);

  constructor(index: number, target: Target, events: ClientEvents) {
    this.index = index;
    this.#target = target;
    this.#events = events;
    this.#open = encodeOpen({
      asn: target.asn,
      holdTimeSeconds,
      bgpIdentifier: peerAddress(index),
      capabilities: [
        { name: "multiprotocol", afi: 1, safi: 1 },
        { name: "routeRefresh" },
        { name: "fourOctetAs", asn: target.asn },
      ],
    });
  }

  get isIdle(): boolean {
    return this.#state === "idle";
  }

  get isEstablished(): boolean {
    return this.#state === "established";
  }

  connect(): void {
    const options = {
      host: this.#target.address,
      port: this.#target.port,
      localAddress: dotted(peerAddress(this.index)),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (count: number): boolean => {
          this.#read(readBuffer.subarray(0, count));
          return true;
        },
      },
    };
    this.#state = "connecting";
    this.#early = new Uint8Array(0);
    const socket = connect(options);
    this.#socket = socket;
    socket.on("error", () => {}); // "close" follows
    socket.once("close", () => this.#fail());
    socket.once("connect", () => {
      this.#state = "opening";
      socket.write(this.#open);
    });
  }

  /** Octets of whole messages, which nobody may change any more. */
  send(octets: Uint8Array): void {
    this.#socket?.write(octets);
  }

  sendKeepalive(): void {
    this.send(keepalive);
  }

  /** Ends the connection; `failed` is not called. */
  close(): void {
    this.#socket?.removeAllListeners("close").destroy();
    this.#socket = undefined;
    this.#state = "idle";
  }

  #fail(): void {
    const wasEstablished = this.isEstablished;
    this.close();
    this.#events.failed(this, wasEstablished);
  }

  #read(octets: Uint8Array): void {
    if (this.isEstablished) this.#events.received(this, octets);
    else this.#readEarly(octets);
  }

  /** OPEN and KEEPALIVE; all behind them is the session's. */
  #readEarly(octets: Uint8Array): void {
    const all = new Uint8Array(this.#early.length + octets.length);
    all.set(this.#early);
    all.set(octets, this.#early.length);
    let at = 0;
    while (!this.isEstablished && all.length - at >= headerOctets) {
      const length = ((all[at + 16] as number) << 8) | (all[at + 17] as number);
      if (length < headerOctets) return this.#fail();
      if (all.length - at < length) break;
      const type = all[at + 18];
      if (type === MessageType.open) {
        decodeOpen(all.subarray(at + headerOctets, at + length));
        this.sendKeepalive();
      } else if (type === MessageType.keepalive) {
        this.#state = "established";
        this.#events.established(this);
      } else return this.#fail();
      at += length;
    }
    if (!this.isEstablished) this.#early = all.slice(at);
    else if (at < all.length) this.#events.received(this, all.subarray(at));
  }
}
