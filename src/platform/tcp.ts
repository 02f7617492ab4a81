import type { Prefix } from "../net/prefix.ts";

/** What a TCP connection tells its owner. */
export interface TcpEvents {
  /** Octets that nobody else will change. */
  received(octets: Uint8Array): void;
  /** The send buffer, which `write` said was full, has drained. */
  drained(): void;
  /** The connection was lost, or ended by the other side, or never came about. Nothing follows. */
  failed(reason: string): void;
}

/**
 * What a connection is to be like where the kernel's own ways do not do. They need Linux: elsewhere the first three are
 * errors, the others are left out.
 */
export interface TcpOptions {
  /** Every segment is signed with it, and what is not is dropped (RFC 2385). 1 to 80 octets of UTF-8. */
  readonly password?: string | undefined;
  /** Segments that arrive with a lower TTL or hop limit are dropped (RFC 5082), 1 to 255. */
  readonly minimumTtl?: number | undefined;
  /** Network device that the connection is bound to. */
  readonly device?: string | undefined;
  /** TTL or hop limit of what is sent, 1 to 255. */
  readonly ttl?: number | undefined;
  /** Differentiated services code point of what is sent, 0 to 63 (RFC 2474). */
  readonly dscp?: number | undefined;
  /** The connection fails when what was sent is not acknowledged for so long (RFC 5482). */
  readonly userTimeoutMs?: number | undefined;
}

/** The password of whoever has an address in a prefix. Of several prefixes the longest counts. */
export interface TcpKey {
  readonly prefix: Prefix;
  readonly password: string;
}

/** One TCP connection. An IPv6 link-local address carries its zone: `fe80::1%eth0`. */
export interface TcpConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Octets that were written and that the kernel has not taken yet. */
  readonly queuedOctets: number;
  /** What is in force, as far as it was set here; what an accepted connection has from its listener is not told. */
  readonly options: TcpOptions;
  /** TTL or hop limit that the SYN of an accepted connection came with; `undefined` where nobody knows. */
  readonly synTtl: number | undefined;
  /** Says who is told what happens; what arrived before is not lost. */
  listen(events: TcpEvents): void;
  /** Writes octets in this order, as one segment where they fit. @returns false when the send buffer is full */
  write(parts: readonly Uint8Array[]): boolean;
  setReading(reading: boolean): void;
  /**
   * Puts the options that are given in force; a password that is there as `undefined` is taken away.
   * @throws TcpOptionError when one cannot be
   */
  setOptions(options: TcpOptions): void;
  /** Closes once everything written is sent; no event follows. */
  close(): void;
}

/** A dial under way. */
export interface TcpDial {
  /** Gives up; neither callback is called afterwards. */
  cancel(): void;
}

export interface DialOptions {
  /** An IPv6 link-local address carries its zone: `fe80::1%eth0`. */
  readonly address: string;
  readonly port: number;
  /** Source address; the kernel's choice where absent. */
  readonly localAddress?: string | undefined;
  readonly options?: TcpOptions;
  readonly connected: (connection: TcpConnection) => void;
  readonly failed: (reason: string) => void;
}

export interface ListenOptions {
  /** `0.0.0.0` and `::` stand for all addresses of their own IP version. */
  readonly address: string;
  readonly port: number;
  /** Of both kinds: those of the other IP version are left out. */
  readonly keys?: readonly TcpKey[];
  /** What the answers to SYNs, and accepted connections, begin with. */
  readonly options?: Pick<TcpOptions, "ttl" | "dscp">;
  readonly accepted: (connection: TcpConnection) => void;
}

export interface TcpListener {
  readonly port: number;
  /** Puts just these keys in force; connections that are up keep theirs. @throws TcpOptionError for the first that cannot be */
  setKeys(keys: readonly TcpKey[]): void;
  close(): Promise<void>;
}

/** TCP, as the session room needs it. */
export interface Tcp {
  dial(options: DialOptions): TcpDial;
  /** @throws TcpListenError when the address cannot be listened on @throws TcpOptionError */
  listen(options: ListenOptions): Promise<TcpListener>;
  /** Segments that this machine has dropped as their signature was wrong, missing or not expected. */
  badSignatures(): number;
}

/** Says in one sentence why an address cannot be listened on, and what to do. */
export class TcpListenError extends Error {
  override readonly name = "TcpListenError";
}

/** Says in one sentence why an option cannot be set, and what to do. */
export class TcpOptionError extends Error {
  override readonly name = "TcpOptionError";
}
