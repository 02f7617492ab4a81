/** What a TCP connection tells its owner. */
export interface TcpEvents {
  /** Octets that nobody else will change. */
  received(octets: Uint8Array): void;
  /** The send buffer, which `write` said was full, has drained. */
  drained(): void;
  /** The connection was lost, or ended by the other side, or never came about. Nothing follows. */
  failed(reason: string): void;
}

/** One TCP connection. */
export interface TcpConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Octets that were written and that the kernel has not taken yet. */
  readonly queuedOctets: number;
  /** Says who is told what happens; what arrived before is not lost. */
  listen(events: TcpEvents): void;
  /** Writes octets in this order, as one segment where they fit. @returns false when the send buffer is full */
  write(parts: readonly Uint8Array[]): boolean;
  setReading(reading: boolean): void;
  /** Closes once everything written is sent; no event follows. */
  close(): void;
}

/** A dial under way. */
export interface TcpDial {
  /** Gives up; neither callback is called afterwards. */
  cancel(): void;
}

export interface DialOptions {
  readonly address: string;
  readonly port: number;
  /** Source address; the kernel's choice where absent. */
  readonly localAddress?: string;
  readonly connected: (connection: TcpConnection) => void;
  readonly failed: (reason: string) => void;
}

export interface TcpListener {
  readonly port: number;
  close(): Promise<void>;
}

/** TCP, as the session room needs it. */
export interface Tcp {
  dial(options: DialOptions): TcpDial;
  /** @throws TcpListenError when the address cannot be listened on */
  listen(options: {
    readonly address: string;
    readonly port: number;
    readonly accepted: (connection: TcpConnection) => void;
  }): Promise<TcpListener>;
}

/** Says in one sentence why an address cannot be listened on, and what to do. */
export class TcpListenError extends Error {
  override readonly name = "TcpListenError";
}
