import { connect, type Socket } from "node:net";
import type { PathAttributes } from "../../../src/bgp/attribute/path-attributes.ts";
import { headerOctets, MessageType } from "../../../src/bgp/iana.ts";
import { encodeKeepalive } from "../../../src/bgp/message/keepalive.ts";
import { encodeOpen } from "../../../src/bgp/message/open.ts";
import { encodeUpdate } from "../../../src/bgp/message/update.ts";
import { parseIpv4 } from "../../../src/net/ip-address.ts";
import { codec, PeerView } from "../../support/peer-view.ts";

export interface RawPeerOptions {
  /** Its address, and its identifier. */
  readonly address: string;
  readonly asn: number;
  readonly to: { readonly address: string; readonly port: number };
}

/** A client that speaks BGP by itself, on a socket of its own, and reads as fast or as slowly as the test has it. */
export class RawPeer {
  readonly view = new PeerView(codec());
  readonly #socket: Socket;
  readonly #established = Promise.withResolvers<void>();
  #changed = Promise.withResolvers<void>();
  #rest = new Uint8Array(0);
  #trickle: NodeJS.Timeout | undefined;
  closed = false;

  private constructor({ address, asn, to }: RawPeerOptions) {
    this.#socket = connect({ host: to.address, port: to.port, localAddress: address });
    this.#socket.on("error", (error) => this.#established.reject(error));
    this.#socket.on("close", () => {
      this.closed = true;
      clearInterval(this.#trickle);
    });
    this.#socket.on("data", (octets) => this.#take(octets));
    this.#socket.write(
      encodeOpen({
        asn,
        holdTimeSeconds: 0,
        bgpIdentifier: parseIpv4(address) ?? 0,
        capabilities: [
          { name: "multiprotocol", afi: 1, safi: 1 },
          { name: "fourOctetAs", asn },
        ],
      }),
    );
  }

  /** Resolves when the session is Established. */
  static async connect(options: RawPeerOptions): Promise<RawPeer> {
    const peer = new RawPeer(options);
    await peer.#established.promise;
    return peer;
  }

  #take(octets: Uint8Array): void {
    const all = new Uint8Array(this.#rest.length + octets.length);
    all.set(this.#rest);
    all.set(octets, this.#rest.length);
    let at = 0;
    while (all.length - at >= headerOctets) {
      const length = ((all[at + 16] as number) << 8) | (all[at + 17] as number);
      if (all.length - at < length) break;
      this.#message(all.subarray(at, at + length));
      at += length;
    }
    this.#rest = all.slice(at);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #message(message: Uint8Array): void {
    const type = message[18];
    if (type === MessageType.open) this.#socket.write(encodeKeepalive());
    else if (type === MessageType.keepalive) this.#established.resolve();
    else if (type === MessageType.update) this.view.take(message);
    else this.#socket.destroy();
  }

  /** Resolves when what it was sent has become so. */
  async until(holds: (view: PeerView) => boolean): Promise<void> {
    while (!holds(this.view)) await this.#changed.promise;
  }

  /** Announces prefixes with attributes of their own each. */
  announce(prefixes: readonly string[], attributes: (index: number) => PathAttributes): void {
    const parts = prefixes.flatMap((prefix, index) =>
      encodeUpdate(
        {
          withdrawn: [],
          announced: [{ prefix }],
          attributes: attributes(index),
          errors: [],
        },
        this.view.context,
      ),
    );
    this.#socket.write(Buffer.concat(parts));
  }

  /** From here on reads so many octets a second, or as fast as it can. */
  readAt(octetsPerSecond: number): void {
    clearInterval(this.#trickle);
    this.#socket.pause();
    this.#socket.removeAllListeners("data").removeAllListeners("readable");
    if (octetsPerSecond === Number.POSITIVE_INFINITY) {
      this.#socket.on("data", (octets) => this.#take(octets));
      this.#socket.resume();
      return;
    }
    this.#socket.on("readable", () => {});
    this.#trickle = setInterval(() => {
      const octets = this.#socket.read(Math.ceil(octetsPerSecond / 10)) as Uint8Array | null;
      if (octets !== null) this.#take(octets);
    }, 100);
  }

  /** Breaks the connection off. */
  vanish(): void {
    this.#socket.resetAndDestroy();
  }
}
