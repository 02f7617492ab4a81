import assert from "node:assert/strict";
import type { Family } from "../../../src/bgp/family/index.ts";
import { headerOctets, MessageType } from "../../../src/bgp/iana.ts";
import { decodeNotification } from "../../../src/bgp/message/notification.ts";
import type { AttributeError } from "../../../src/bgp/message/message.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import type { DownReason } from "../../../src/bgp/fsm/action.ts";
import { parseIpv4 } from "../../../src/net/ip-address.ts";
import { nodeTcp } from "../../../src/platform/node-tcp.ts";
import { SpeakerDriver } from "../../../src/session/speaker-driver.ts";
import { EventHub } from "../../../src/agent/event-hub.ts";
import { logRefusals } from "../../../src/agent/refusal-log.ts";
import { observeSpeaker } from "../../../src/agent/speaker-observer.ts";
import type { SpeakerConfig } from "../../../src/bgp/speaker-config.ts";
import { type Logger, silentLogger } from "../../../src/platform/logger.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { peerRange, peerSettings } from "../../support/speaker-harness.ts";
import { WireListener, WirePeer } from "../../support/wire-peer.ts";
import { hex, message, toHex } from "../../vectors/hex.ts";

export const localAsn = 64_512;
export const externalAsn = 64_513;

/** What a peer of AS 64512 says first, and what is in force afterwards. */
export const capabilities = "0104 00010001 4104 0000fc00 0200 4600";

/** An OPEN message; fields as hex. */
export function openMessage(
  fields: {
    readonly version?: string;
    readonly asn?: string;
    readonly holdTime?: string;
    readonly identifier?: string;
    /** All that follows the identifier; else one parameter of these capabilities. */
    readonly parameters?: string;
    readonly capabilities?: string;
  } = {},
): Uint8Array {
  const { version = "04", asn = "fc00", holdTime = "005a", identifier = "0a000009" } = fields;
  const offered = hex(fields.capabilities ?? capabilities);
  const length = offered.length;
  const parameters =
    fields.parameters ??
    (length === 0 ? "00" : toHex(Uint8Array.of(length + 2, 2, length, ...offered)));
  return message(MessageType.open, `${version} ${asn} ${holdTime} ${identifier} ${parameters}`);
}

export const keepalive: Uint8Array = message(MessageType.keepalive, "");
export const refresh: Uint8Array = message(MessageType.routeRefresh, "0001 00 01");

/** An UPDATE of these attributes and prefixes, all hex. */
export function updateMessage(block: string, nlri = "", withdrawn = ""): Uint8Array {
  const described = hex(block);
  const gone = hex(withdrawn);
  return message(
    MessageType.update,
    Uint8Array.from([
      ...[gone.length >>> 8, gone.length & 0xff, ...gone],
      ...[described.length >>> 8, described.length & 0xff, ...described, ...hex(nlri)],
    ]),
  );
}

/** Plain attributes with others behind them, as hex. */
export function attributes(
  options: { nextHop?: string; asPath?: string; more?: string } = {},
): string {
  const { asPath = "400200", more = "", nextHop = "0a000009" } = options;
  return `40010100 ${asPath} 400304${nextHop} 40050400000064 ${more}`;
}

/** How a stream may arrive: whole, and in chunks of so many octets. */
export const chunkings: readonly (number | undefined)[] = [undefined, 18, 7, 1];

/** `5/1 04`: code, subcode and data of a NOTIFICATION; what else it is, or `closed`. */
export function answerText(octets: Uint8Array | undefined): string {
  if (octets === undefined) return "closed";
  const type = octets[headerOctets - 1];
  if (type !== MessageType.notification) return `message of type ${type}`;
  const { code, data, subcode } = decodeNotification(octets.subarray(headerOctets));
  return `${code}/${subcode} ${toHex(data)}`.trim();
}

let hosts = 0;
/** A loopback address that nobody else has. */
export function ownAddress(): string {
  hosts++;
  return `127.${1 + (hosts >>> 14)}.${(hosts >>> 7) & 127}.${1 + (hosts & 127)}`;
}

/** A speaker of AS 64512, 127.0.0.1, on real sockets and a clock that tests move, which takes whoever connects. */
export class WireScene implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly driver: SpeakerDriver;
  readonly refused: string[] = [];
  readonly malformed: { readonly address: string; readonly errors: readonly AttributeError[] }[] =
    [];
  readonly downs: { readonly address: string; readonly reason: DownReason }[] = [];
  /** The log, `level message` with the peer's address where it is of one. */
  readonly lines: string[] = [];
  port = 0;

  private constructor(config: Partial<SpeakerConfig>) {
    const address = "127.0.0.1";
    const identifier = parseIpv4(address) ?? 0;
    const logger = this.#logger();
    const logRefused = logRefusals(logger, this.clock);
    this.driver = new SpeakerDriver({
      config: {
        asn: localAsn,
        identifier,
        clusterId: identifier,
        ownAddresses: [address],
        nextHopSelf: { 4: address },
        ...config,
      },
      tcp: nodeTcp,
      clock: this.clock,
      random: () => 1,
      refused: (from, reason) => {
        this.refused.push(`${from}: ${reason}`);
        logRefused(from, reason);
      },
      observer: observeSpeaker({
        logger,
        hub: new EventHub(),
        clock: this.clock,
        driver: () => this.driver,
        also: {
          malformed: (peer, errors) => this.malformed.push({ address: peer.address, errors }),
          down: (peer, reason) => this.downs.push({ address: peer.address, reason }),
        },
      }),
    });
  }

  #logger(): Logger {
    const write = (level: string) => (fields: { readonly peer?: string }, text: string) => {
      this.lines.push(`${level} ${fields.peer ?? ""} ${text}`);
    };
    const { trace, debug } = silentLogger;
    const [info, warn, error] = [write("info"), write("warn"), write("error")];
    return { trace, debug, info, warn, error, child: () => this.#logger() };
  }

  /** Lines of the log that speak of this. */
  linesOf(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  /** Prefixes of a family that have a path in use. */
  selected({ key }: Family): number {
    return this.driver.speaker.ribs.get(key)?.locRib.size ?? 0;
  }

  /** How often peers did something that they should not, by kind; those that did not happen are left out. */
  get offences(): Record<string, number> {
    return Object.fromEntries(this.driver.speaker.offences.totals);
  }

  /** @param changes of the settings of whoever connects @param range who may, and how many at a time */
  static async start(
    changes: Partial<PeerSettings> = {},
    config: Partial<SpeakerConfig> = {},
    range: { readonly prefix?: string; readonly limit?: number } = {},
  ): Promise<WireScene> {
    const { prefix = "127.0.0.0/8", limit = 100_000 } = range;
    const scene = new WireScene(config);
    scene.port = await scene.driver.listen("127.0.0.1", 0);
    scene.driver.speaker.setRanges([peerRange(prefix, changes, limit)]);
    return scene;
  }

  /** Connects, and waits for nothing. */
  async connect(address = ownAddress()): Promise<WireSession> {
    return new WireSession(address, await WirePeer.connect(this.port, address));
  }

  /** Connects, in OpenSent: our OPEN has come. */
  async openSent(address = ownAddress()): Promise<WireSession> {
    const session = await this.connect(address);
    try {
      await session.expect(MessageType.open);
      return session;
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
  }

  /** In OpenConfirm: the OPENs are agreed to, a KEEPALIVE has come. */
  async openConfirm(open = openMessage(), address = ownAddress()): Promise<WireSession> {
    const session = await this.openSent(address);
    await session.peer.send(open);
    await session.expect(MessageType.keepalive);
    return session;
  }

  /** Established, and the End-of-RIB of a table without routes has come. */
  async established(open = openMessage(), address = ownAddress()): Promise<WireSession> {
    const session = await this.openConfirm(open, address);
    await session.peer.send(keepalive);
    await session.expect(MessageType.update);
    return session;
  }

  /** Somebody at an address, whom the speaker dials, is connected with it and in this state. */
  async dialled(
    state: "OpenSent" | "OpenConfirm" | "Established",
    changes: Partial<PeerSettings> = {},
  ): Promise<WireSession> {
    const address = ownAddress();
    const listener = await WireListener.listen(address);
    this.driver.speaker.addPeer(peerSettings(address, { port: listener.port, ...changes }));
    const session = new WireSession(address, await listener.next(), listener);
    await session.expect(MessageType.open);
    if (state === "OpenSent") return session;
    await session.peer.send(openMessage());
    await session.expect(MessageType.keepalive);
    if (state === "OpenConfirm") return session;
    await session.peer.send(keepalive);
    await session.expect(MessageType.update);
    return session;
  }

  /** Prefixes that the speaker has from a peer. */
  prefixesFrom(address: string): string[] {
    const peer = this.driver.speaker.peer(address);
    const found: string[] = [];
    for (const rib of this.driver.speaker.ribs.values()) {
      for (const row of rib.paths.rowsOf(peer?.index ?? -1)) {
        found.push(rib.prefixes.text(rib.paths.prefix(row)));
      }
    }
    return found.toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.driver.stop({ silently: false });
  }
}

/** A connection of somebody at an address to the speaker, or the other way round. */
export class WireSession implements Disposable {
  readonly address: string;
  readonly peer: WirePeer;
  /** Of one that the speaker dialled. */
  readonly #listener: WireListener | undefined;

  constructor(address: string, peer: WirePeer, listener?: WireListener) {
    this.address = address;
    this.peer = peer;
    this.#listener = listener;
  }

  /** Waits for a message of this type, which has to be the next. */
  async expect(type: number): Promise<Uint8Array> {
    const octets = await this.peer.next();
    assert.equal(octets?.[headerOctets - 1], type, answerText(octets));
    return octets;
  }

  /** Waits for the next message, whichever it is. */
  async expectAny(): Promise<Uint8Array> {
    const octets = await this.peer.next();
    assert.ok(octets !== undefined, "the session has ended");
    return octets;
  }

  /** What comes next, and that nothing comes behind it, if it ends the session. */
  async answer(): Promise<string> {
    const text = answerText(await this.peer.next());
    if (/^\d/.test(text)) assert.equal(await this.peer.next(), undefined, "something follows");
    return text;
  }

  /** Has all that was sent so far been worked off? The marks around the answer to a refresh (RFC 7313) say so. */
  async settled(): Promise<void> {
    await this.peer.send(refresh);
    await this.expect(MessageType.routeRefresh);
    await this.expect(MessageType.routeRefresh);
  }

  /** Still a whole session: the speaker answers a question of the peer's. */
  async isWell(): Promise<void> {
    await this.peer.send(refresh);
    for (;;) {
      const told = await this.expectAny();
      const isRefresh = told[headerOctets - 1] === MessageType.routeRefresh;
      // EoRR (RFC 7313) ends the answer.
      if (isRefresh && told[headerOctets + 2] === 2) return;
    }
  }

  [Symbol.dispose](): void {
    this.peer.destroy();
    this.#listener?.close();
  }
}
