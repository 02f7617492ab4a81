import type { Peer } from "../bgp/peer.ts";
import type { PeerSettings } from "../bgp/peer-settings.ts";
import { maximumTtl, networkControlDscp } from "../bgp/peer-transport.ts";
import { Speaker } from "../bgp/speaker.ts";
import type { SpeakerConfig } from "../bgp/speaker-config.ts";
import {
  type SpeakerObserver,
  type SpeakerPorts,
  type SpeakerTimer,
  timerKey,
} from "../bgp/speaker-ports.ts";
import { isLinkLocalText } from "../net/ip-address.ts";
import type { Clock, Timer } from "../platform/clock.ts";
import type { OwnLink } from "../platform/own-links.ts";
import type { Random } from "../platform/random.ts";
import {
  type Tcp,
  type TcpConnection,
  type TcpDial,
  type TcpKey,
  type TcpListener,
  TcpOptionError,
  type TcpOptions,
} from "../platform/tcp.ts";
import { localEnd } from "./local-end.ts";
import { passwordFor } from "./peer-keys.ts";
import { noAnswerHint, tcpOptions, tooFarHint, tooFarObjection } from "./tcp-options.ts";
import { TimerQueue } from "./timer-queue.ts";

/** Reading may take this long at a time; what is left waits for the next pass of the event loop. */
const readBudgetMs = 6;

/** So may writing to peers. */
const distributionBudgetMs = 6;

/** For so long what the kernel said of this machine's links is taken for true. */
const linksKeptMs = 1000;

/** However much there is to do, changes wait no longer than this for their distribution. */
const maximumPauseMs = 50;

/** With so many writes a round, and going on without a rest for so long, a distribution is of a storm: changes may gather. */
const storm = { writes: 100, lastsMs: 200 } as const;

export interface SpeakerDriverOptions {
  readonly config: SpeakerConfig;
  readonly tcp: Tcp;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: SpeakerObserver;
  /** Source address of dialled connections, by IP version of the peer. */
  readonly localAddress?: { readonly 4?: string; readonly 6?: string };
  /** The addresses of this machine, where next hops are to be told of an IP version that a session is not of. */
  readonly links?: () => readonly OwnLink[];
  /** Connections that were turned away, with the reason. */
  readonly refused?: (address: string, reason: string) => void;
  /** Makes the speaker; one that records what is done to it, say. */
  readonly createSpeaker?: CreateSpeaker;
}

export type CreateSpeaker = (
  config: SpeakerConfig,
  ports: SpeakerPorts,
  observer: SpeakerObserver,
) => Speaker;

const plainSpeaker: CreateSpeaker = (...parts) => new Speaker(...parts);

interface OpenConnection {
  readonly dial?: TcpDial;
  /** Of a dial: where to, and how many signatures had been bad when it began. */
  readonly to?: string;
  readonly badSignatures?: number;
  readonly tcp?: TcpConnection;
}

/**
 * The IO of a speaker: sockets, timers, and when its turns come. One turn runs after each poll phase in which something
 * arrived (`setImmediate`), so that everything that arrived together is decided and sent together.
 */
export class SpeakerDriver {
  readonly speaker: Speaker;
  readonly #options: SpeakerDriverOptions;
  readonly #connections = new Map<number, OpenConnection>();
  readonly #timers: TimerQueue<SpeakerTimer>;
  #listeners: TcpListener[] = [];
  #keys: readonly TcpKey[] = [];
  /** Of this machine: a thousand sessions that come up together are not to ask the kernel a thousand times. */
  #links: readonly OwnLink[] = [];
  /** Since when they are known there have been connections with these ends of ours. */
  readonly #linksAskedFor = new Set<string>();
  #linksUntilMs = 0;
  #isWoken = false;
  #nextDistributionMs = 0;
  /** How long the present distribution has taken so far. */
  #distributionMs = 0;
  /** How many writes the present round has taken. */
  #writes = 0;
  /** When there was nothing to distribute last. */
  #busySinceMs: number | undefined;
  #distribution: Timer | undefined;
  #isStopped = false;

  constructor(options: SpeakerDriverOptions) {
    this.#options = options;
    this.#timers = new TimerQueue(options.clock, (timer) => this.speaker.timerExpired(timer));
    const ports: SpeakerPorts = {
      connect: (connection, to) => this.#connect(connection, to),
      noAnswerHint: (to) => this.#noAnswerHint(to),
      localEnd: (connection) => {
        const tcp = this.#connections.get(connection)?.tcp;
        if (tcp === undefined) return {};
        return localEnd(tcp.localAddress, tcp.remoteAddress, this.#linksWith(tcp.localAddress));
      },
      close: (connection) => this.#close(connection),
      write: (connection, parts) => {
        this.#writes++;
        return this.#connections.get(connection)?.tcp?.write(parts) ?? true;
      },
      unsentOctets: (connection) => this.#connections.get(connection)?.tcp?.queuedOctets ?? 0,
      setReading: (connection, reading) => {
        this.#connections.get(connection)?.tcp?.setReading(reading);
      },
      startTimer: (timer, delayMs) => this.#timers.start(timerKey(timer), timer, delayMs),
      stopTimer: (timer) => this.#timers.stop(timerKey(timer)),
      wake: () => this.#wake(),
      nowMs: () => options.clock.nowMs(),
      random: options.random,
    };
    const { config, observer = {}, createSpeaker = plainSpeaker } = options;
    this.speaker = createSpeaker(config, ports, observer);
  }

  /** Listens for peers. @returns the port, which matters when 0 was asked for @throws TcpListenError */
  async listen(address: string, port: number): Promise<number> {
    const accepted = (tcp: TcpConnection): void => this.#accepted(tcp);
    const options = { ttl: maximumTtl, dscp: networkControlDscp };
    const keys = this.#keys;
    const listener = await this.#options.tcp.listen({ address, port, keys, options, accepted });
    this.#listeners.push(listener);
    return listener.port;
  }

  /**
   * Puts just these passwords in force: for connections to come, and at once on those that are up, which last if the
   * other end changes within the hold time. @throws TcpOptionError for the first that cannot be; the rest are
   */
  setKeys(keys: readonly TcpKey[]): void {
    this.#keys = keys;
    const failures: unknown[] = [];
    const attempt = (change: () => void): void => {
      try {
        change();
      } catch (error) {
        failures.push(error);
      }
    };
    for (const listener of this.#listeners) attempt(() => listener.setKeys(keys));
    for (const { tcp } of this.#connections.values()) {
      if (tcp === undefined) continue;
      const password = passwordFor(keys, tcp.remoteAddress);
      if (password !== tcp.options.password) attempt(() => tcp.setOptions({ password }));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Timers of peers and their connections that run. */
  get timers(): number {
    return this.#timers.size;
  }

  /** The TCP connection of an Established or opening session, for people. */
  endpoint(connection: number | undefined): TcpConnection | undefined {
    return connection === undefined ? undefined : this.#connections.get(connection)?.tcp;
  }

  /** What the TCP connection of a peer is like, or what the next will be, without its password. */
  transport(peer: Peer): Omit<TcpOptions, "password"> & { readonly isSigned: boolean } {
    const tcp = this.endpoint(peer.fsm.establishedConnection);
    const wanted = tcpOptions(peer.settings, passwordFor(this.#keys, peer.address));
    const { password, ...options } = tcp?.options ?? wanted;
    return { ...options, isSigned: password !== undefined };
  }

  #accepted(tcp: TcpConnection): void {
    const connection = this.#isStopped
      ? "stopping"
      : this.speaker.accepted(tcp.remoteAddress, (settings) => this.#objection(tcp, settings));
    if (typeof connection === "string") {
      this.#options.refused?.(tcp.remoteAddress, connection);
      tcp.listen({ received: () => {}, drained: () => {}, failed: () => {} });
      tcp.close();
      return;
    }
    this.#bind(connection, tcp);
    this.speaker.confirmed(connection);
  }

  /** Makes an accepted connection what the peer's settings ask for. @returns why that cannot be */
  #objection(tcp: TcpConnection, settings: PeerSettings): string | undefined {
    const tooFar = tooFarObjection(settings, tcp);
    if (tooFar !== undefined) return tooFar;
    try {
      tcp.setOptions(tcpOptions(settings, passwordFor(this.#keys, tcp.remoteAddress)));
    } catch (error) {
      if (error instanceof TcpOptionError) return error.message;
      throw error;
    }
    return undefined;
  }

  #bind(connection: number, tcp: TcpConnection): void {
    this.#connections.set(connection, { tcp });
    tcp.listen({
      received: (octets) => this.speaker.received(connection, octets),
      drained: () => this.speaker.drained(connection),
      failed: (reason) => this.speaker.connectionFailed(connection, reason),
    });
  }

  #connect(connection: number, to: PeerSettings): void {
    const { tcp: port } = this.#options;
    const version = to.address.includes(":") ? 6 : 4;
    // Of a link the kernel knows best which address is ours.
    const own = isLinkLocalText(to.address) ? undefined : this.#options.localAddress?.[version];
    const password = passwordFor(this.#keys, to.address);
    const dial = port.dial({
      address: to.address,
      port: to.port,
      localAddress: to.transport?.localAddress ?? own,
      options: tcpOptions(to, password),
      connected: (tcp) => {
        this.#bind(connection, tcp);
        this.speaker.connected(connection);
      },
      failed: (reason) =>
        this.speaker.connectionFailed(connection, reason + tooFarHint(to, reason)),
    });
    const signed = password !== undefined && { badSignatures: port.badSignatures() };
    this.#connections.set(connection, { dial, to: to.address, ...signed });
  }

  /** This machine's links, as they were a second ago at most, but not before one of our ends first had this address. */
  #linksWith(address: string): readonly OwnLink[] {
    const { clock, links } = this.#options;
    if (clock.nowMs() >= this.#linksUntilMs) this.#linksAskedFor.clear();
    if (!this.#linksAskedFor.has(address)) {
      this.#links = links?.() ?? [];
      this.#linksAskedFor.add(address);
      this.#linksUntilMs = clock.nowMs() + linksKeptMs;
    }
    return this.#links;
  }

  #noAnswerHint(to: PeerSettings): string | undefined {
    let signatures: number | undefined;
    for (const { to: address, badSignatures } of this.#connections.values()) {
      if (address !== to.address || badSignatures === undefined) continue;
      signatures = this.#options.tcp.badSignatures() - badSignatures;
    }
    return noAnswerHint(to, signatures);
  }

  #close(connection: number): void {
    const open = this.#connections.get(connection);
    this.#connections.delete(connection);
    open?.dial?.cancel();
    open?.tcp?.close();
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
   * changes share one write a peer. One that is not over goes on in the next turn, with what
   * has come meanwhile, until it is a storm.
   */
  #distribute(): boolean {
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    const untilMs = startMs + distributionBudgetMs;
    this.#busySinceMs ??= startMs;
    const more = this.speaker.distribute(() => clock.nowMs() < untilMs);
    const endMs = clock.nowMs();
    this.#distributionMs += endMs - startMs;
    if (more && this.#isFeeding) return true;
    const isStorm = this.#isStorm(endMs);
    this.#writes = 0;
    if (more && !isStorm) return true;
    if (!more) this.#busySinceMs = undefined;
    this.#nextDistributionMs = endMs + Math.min(maximumPauseMs, this.#distributionMs);
    this.#distributionMs = 0;
    if (more) this.#distributeLater();
    return false;
  }

  #isStorm(nowMs: number): boolean {
    return this.#writes >= storm.writes && nowMs - (this.#busySinceMs ?? nowMs) >= storm.lastsMs;
  }

  get #isFeeding(): boolean {
    return [...this.speaker.ribs.values()].some((rib) => rib.isFeeding);
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
    this.#timers.clear();
    for (const connection of [...this.#connections.keys()]) this.#close(connection);
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }
}
