import {
  type DialOptions,
  type ListenOptions,
  type Tcp,
  type TcpConnection,
  type TcpDial,
  type TcpEvents,
  type TcpKey,
  type TcpListener,
  TcpListenError,
  type TcpOptions,
} from "../../src/platform/tcp.ts";
import { passwordFor } from "../../src/session/peer-keys.ts";

export interface MemoryNetworkOptions {
  /** Octets that a connection holds for a reader before `write` says it is full. */
  readonly bufferOctets?: number;
}

interface Listening {
  readonly options: ListenOptions;
  keys: readonly TcpKey[];
}

/** What the kernel gives where nobody says. */
const defaultTtl = 64;

/**
 * TCP in one process. Every event comes by itself, through `setImmediate`, in the order of its causes; `idle` says when
 * none is left. Links can be cut, as networks are: what crosses them then arrives when they are mended.
 */
export class MemoryNetwork {
  readonly bufferOctets: number;
  readonly #listeners = new Map<string, Listening>();
  /** Links that are cut, with what waits for them. */
  readonly #cut = new Map<string, (() => void)[]>();
  #badSignatures = 0;
  #events: (() => void)[] = [];
  #isScheduled = false;
  #nextPort = 40_000;

  constructor({ bufferOctets = 256 * 1024 }: MemoryNetworkOptions = {}) {
    this.bufferOctets = bufferOctets;
  }

  /** The TCP of a machine with these addresses; the first is the source of its dials. */
  host(...addresses: [string, ...string[]]): Tcp {
    return {
      dial: (options) => this.#dial(options, addresses),
      listen: async (options) => this.#listen(options, addresses),
      badSignatures: () => this.#badSignatures,
    };
  }

  cut(a: string, b: string): void {
    const key = linkKey(a, b);
    if (!this.#cut.has(key)) this.#cut.set(key, []);
  }

  mend(a: string, b: string): void {
    const waiting = this.#cut.get(linkKey(a, b)) ?? [];
    this.#cut.delete(linkKey(a, b));
    this.#events.unshift(...waiting);
    this.#schedule();
  }

  allocatePort(): number {
    return this.#nextPort++;
  }

  later(event: () => void): void {
    this.#events.push(event);
    this.#schedule();
  }

  /** Does what crosses a link, later: when it is there. */
  cross(a: string, b: string, event: () => void): void {
    this.later(() => {
      const waiting = this.#cut.get(linkKey(a, b));
      if (waiting === undefined) event();
      else waiting.push(event);
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const events = this.#events;
      this.#events = [];
      for (const event of events) event();
    });
  }

  /** Resolves once neither the network nor anybody in it has anything left to do at once. */
  async idle(): Promise<void> {
    for (let quiet = 0; quiet < 6; ) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      quiet = this.#isScheduled ? 0 : quiet + 1;
    }
  }

  #listen(options: ListenOptions, addresses: readonly string[]): TcpListener {
    const { address } = options;
    const port = options.port === 0 ? this.allocatePort() : options.port;
    if (!addresses.includes(address)) {
      throw new TcpListenError(
        `cannot listen on ${address}:${port}: no interface of this machine has that address`,
      );
    }
    const key = `${address} ${port}`;
    if (this.#listeners.has(key)) {
      throw new TcpListenError(`${address}:${port} is in use: stop the other BGP daemon`);
    }
    const listening: Listening = { options, keys: options.keys ?? [] };
    this.#listeners.set(key, listening);
    return {
      port,
      setKeys: (keys) => {
        listening.keys = keys;
      },
      close: async () => {
        this.#listeners.delete(key);
      },
    };
  }

  #dial(options: DialOptions, addresses: readonly [string, ...string[]]): TcpDial {
    const { address, port, localAddress = addresses[0] } = options;
    let isCancelled = false;
    const connect = (): void => {
      if (isCancelled) return;
      const listener = this.#listeners.get(`${address} ${port}`);
      if (listener === undefined) {
        return options.failed("connection refused: nobody listens on the peer's BGP port");
      }
      const tcpOptions = options.options ?? {};
      const password = passwordFor(listener.keys, localAddress);
      if (password !== tcpOptions.password) {
        // Dropped without a word; the dialler goes on trying, and TCP says nothing.
        this.#badSignatures++;
        return;
      }
      const near = { address: localAddress, port: this.allocatePort() };
      const far = { address, port };
      const dialled = new MemoryConnection(this, near, far, tcpOptions);
      const accepted = new MemoryConnection(this, far, near, { password });
      accepted.synTtl = tcpOptions.ttl ?? defaultTtl;
      dialled.far = accepted;
      accepted.far = dialled;
      listener.options.accepted(accepted);
      this.later(() => {
        if (isCancelled) dialled.close();
        else options.connected(dialled);
      });
    };
    if (!addresses.includes(localAddress)) {
      this.later(() => {
        if (!isCancelled) {
          options.failed("the local address is not on this machine (EADDRNOTAVAIL)");
        }
      });
    } else this.cross(localAddress, address, connect);
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  }
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

function linkKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

class MemoryConnection implements TcpConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  synTtl: number | undefined;
  options: TcpOptions;
  readonly #network: MemoryNetwork;
  far: MemoryConnection | undefined;
  #events: TcpEvents | undefined;
  #isReading = true;
  #isClosed = false;
  /** What has arrived and is not read; `undefined` marks the end. */
  #arrived: (Uint8Array | undefined)[] = [];
  /** What was sent and the other side drops: it is neither signed as it expects nor from near enough. */
  #unheard: (Uint8Array | undefined)[] = [];
  /** Octets written that the other side has not read. */
  #unread = 0;
  #isFull = false;

  constructor(network: MemoryNetwork, local: Endpoint, remote: Endpoint, options: TcpOptions) {
    this.#network = network;
    this.options = options;
    this.localAddress = local.address;
    this.localPort = local.port;
    this.remoteAddress = remote.address;
    this.remotePort = remote.port;
  }

  get queuedOctets(): number {
    return this.#unread;
  }

  listen(events: TcpEvents): void {
    this.#events = events;
    this.#network.later(() => this.#deliver());
  }

  setOptions(options: TcpOptions): void {
    this.options = { ...this.options, ...options };
    this.#network.later(() => {
      this.#retransmit();
      if (this.far !== undefined) this.far.#retransmit();
    });
  }

  #send(octets: Uint8Array | undefined): void {
    this.#network.cross(this.localAddress, this.remoteAddress, () => {
      this.#unheard.push(octets);
      this.#retransmit();
    });
  }

  #retransmit(): void {
    const { far, options } = this;
    if (far === undefined || options.password !== far.options.password) return;
    if ((options.ttl ?? defaultTtl) < (far.options.minimumTtl ?? 1)) return;
    for (const octets of this.#unheard.splice(0)) far.#arrive(octets);
  }

  write(parts: readonly Uint8Array[]): boolean {
    const { far } = this;
    if (this.#isClosed || far === undefined) return true;
    for (const part of parts) {
      this.#unread += part.length;
      this.#send(part.slice());
    }
    this.#isFull = this.#unread >= this.#network.bufferOctets;
    return !this.#isFull;
  }

  #arrive(octets: Uint8Array | undefined): void {
    this.#arrived.push(octets);
    this.#deliver();
  }

  #deliver(): void {
    while (this.#arrived.length > 0) {
      const mayRead = this.#isClosed || (this.#events !== undefined && this.#isReading);
      if (!mayRead) return;
      const octets = this.#arrived.shift();
      if (octets === undefined) return this.#ended();
      if (this.far !== undefined) this.far.#wasRead(octets.length);
      if (!this.#isClosed) this.#events?.received(octets);
    }
  }

  #ended(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events?.failed("connection closed by the peer");
  }

  #wasRead(octets: number): void {
    this.#unread -= octets;
    if (!this.#isFull || this.#unread > 0) return;
    this.#isFull = false;
    this.#network.later(() => {
      if (!this.#isClosed) this.#events?.drained();
    });
  }

  setReading(reading: boolean): void {
    this.#isReading = reading;
    if (reading) this.#network.later(() => this.#deliver());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#send(undefined);
    // What still comes in is read and dropped.
    this.#network.later(() => this.#deliver());
  }
}
