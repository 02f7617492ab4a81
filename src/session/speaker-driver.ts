import { Speaker } from "../bgp/speaker.ts";
import type { SpeakerConfig } from "../bgp/speaker-config.ts";
import {
  type SpeakerObserver,
  type SpeakerPorts,
  type SpeakerTimer,
  timerKey,
} from "../bgp/speaker-ports.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { Tcp, TcpConnection, TcpDial, TcpListener } from "../platform/tcp.ts";

/** Reading may take this long at a time; what is left waits for the next pass of the event loop. */
const readBudgetMs = 8;

/** However much there is to do, changes wait no longer than this for their distribution. */
const maximumPauseMs = 50;

export interface SpeakerDriverOptions {
  readonly config: SpeakerConfig;
  readonly tcp: Tcp;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: SpeakerObserver;
  /** Source address of dialled connections, by IP version of the peer. */
  readonly localAddress?: { readonly 4?: string; readonly 6?: string };
  /** Connections that were turned away, with the reason. */
  readonly refused?: (address: string, reason: string) => void;
}

interface OpenConnection {
  dial?: TcpDial;
  tcp?: TcpConnection;
}

/**
 * The IO of a speaker: sockets, timers, and when its turns come. One turn runs after each poll phase in which something
 * arrived (`setImmediate`), so that everything that arrived together is decided and sent together.
 */
export class SpeakerDriver {
  readonly speaker: Speaker;
  readonly #options: SpeakerDriverOptions;
  readonly #connections = new Map<number, OpenConnection>();
  readonly #timers = new Map<string, Timer>();
  #listeners: TcpListener[] = [];
  #isWoken = false;
  #nextDistributionMs = 0;
  #distribution: Timer | undefined;
  #isStopped = false;

  constructor(options: SpeakerDriverOptions) {
    this.#options = options;
    const ports: SpeakerPorts = {
      connect: (connection, to) => this.#connect(connection, to),
      close: (connection) => this.#close(connection),
      write: (connection, parts) => this.#connections.get(connection)?.tcp?.write(parts) ?? true,
      setReading: (connection, reading) => {
        this.#connections.get(connection)?.tcp?.setReading(reading);
      },
      startTimer: (timer, delayMs) => this.#startTimer(timer, delayMs),
      stopTimer: (timer) => this.#stopTimer(timer),
      wake: () => this.#wake(),
      nowMs: () => options.clock.nowMs(),
      random: options.random,
    };
    this.speaker = new Speaker(options.config, ports, options.observer);
  }

  /** Listens for peers. @returns the port, which matters when 0 was asked for @throws TcpListenError */
  async listen(address: string, port: number): Promise<number> {
    const accepted = (tcp: TcpConnection): void => this.#accepted(tcp);
    const listener = await this.#options.tcp.listen({ address, port, accepted });
    this.#listeners.push(listener);
    return listener.port;
  }

  /** The TCP connection of an Established or opening session, for people. */
  endpoint(connection: number | undefined): TcpConnection | undefined {
    return connection === undefined ? undefined : this.#connections.get(connection)?.tcp;
  }

  #accepted(tcp: TcpConnection): void {
    const connection = this.#isStopped ? "stopping" : this.speaker.accepted(tcp.remoteAddress);
    if (typeof connection === "string") {
      this.#options.refused?.(tcp.remoteAddress, connection);
      tcp.listen({ received: () => {}, drained: () => {}, failed: () => {} });
      tcp.close();
      return;
    }
    this.#bind(connection, tcp);
    this.speaker.confirmed(connection);
  }

  #bind(connection: number, tcp: TcpConnection): void {
    this.#connections.set(connection, { tcp });
    tcp.listen({
      received: (octets) => this.speaker.received(connection, octets),
      drained: () => this.speaker.drained(connection),
      failed: (reason) => this.speaker.connectionFailed(connection, reason),
    });
  }

  #connect(connection: number, to: { readonly address: string; readonly port: number }): void {
    const localAddress = this.#options.localAddress?.[to.address.includes(":") ? 6 : 4];
    const dial = this.#options.tcp.dial({
      ...to,
      ...(localAddress !== undefined && { localAddress }),
      connected: (tcp) => {
        this.#bind(connection, tcp);
        this.speaker.connected(connection);
      },
      failed: (reason) => this.speaker.connectionFailed(connection, reason),
    });
    this.#connections.set(connection, { dial });
  }

  #close(connection: number): void {
    const open = this.#connections.get(connection);
    this.#connections.delete(connection);
    open?.dial?.cancel();
    open?.tcp?.close();
  }

  #startTimer(timer: SpeakerTimer, delayMs: number): void {
    const key = timerKey(timer);
    this.#timers.get(key)?.cancel();
    const expire = (): void => {
      this.#timers.delete(key);
      this.speaker.timerExpired(timer);
    };
    this.#timers.set(key, this.#options.clock.after(delayMs, expire));
  }

  #stopTimer(timer: SpeakerTimer): void {
    const key = timerKey(timer);
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  #wake(): void {
    if (this.#isWoken || this.#isStopped) return;
    this.#isWoken = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isWoken = false;
    if (this.#isStopped) return;
    const { clock } = this.#options;
    const readUntilMs = clock.nowMs() + readBudgetMs;
    let more = this.speaker.read(() => clock.nowMs() < readUntilMs);
    if (clock.nowMs() >= this.#nextDistributionMs) more = this.#distribute() || more;
    else this.#distributeLater();
    if (more) this.#wake();
  }

  /**
   * The first change after a pause goes out at once. A distribution that took long, because it went to a thousand peers,
   * is followed by a pause as long, in which what arrives gathers: under load half the time is left for reading, and many
   * changes share one write a peer.
   */
  #distribute(): boolean {
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    const more = this.speaker.distribute();
    const endMs = clock.nowMs();
    this.#nextDistributionMs = endMs + Math.min(maximumPauseMs, endMs - startMs);
    return more;
  }

  #distributeLater(): void {
    if (this.#distribution !== undefined) return;
    const { clock } = this.#options;
    this.#distribution = clock.after(Math.max(0, this.#nextDistributionMs - clock.nowMs()), () => {
      this.#distribution = undefined;
      this.#wake();
    });
  }

  /** Ends all sessions (see `Speaker.stop`) and closes every socket. */
  async stop(options: { readonly silently: boolean; readonly message?: string }): Promise<void> {
    this.speaker.stop(options);
    this.#isStopped = true;
    this.#distribution?.cancel();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    for (const connection of [...this.#connections.keys()]) this.#close(connection);
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}
