import assert from "node:assert/strict";
import type { PathAttributes } from "../../src/bgp/attribute/path-attributes.ts";
import { ipv4Unicast, ipv6Unicast } from "../../src/bgp/family/index.ts";
import type { ConnectionId } from "../../src/bgp/fsm/event.ts";
import { headerOctets } from "../../src/bgp/iana.ts";
import { type BgpMessage, decodeMessage } from "../../src/bgp/message/decode-message.ts";
import { encodeKeepalive } from "../../src/bgp/message/keepalive.ts";
import type { OpenMessage, UpdateMessage } from "../../src/bgp/message/message.ts";
import { encodeOpen } from "../../src/bgp/message/open.ts";
import { encodeRouteRefresh } from "../../src/bgp/message/route-refresh.ts";
import { encodeUpdate } from "../../src/bgp/message/update.ts";
import type { PeerRange } from "../../src/bgp/dynamic-peers.ts";
import type { LocalEnd } from "../../src/bgp/next-hop-self.ts";
import type { PeerSettings } from "../../src/bgp/peer-settings.ts";
import { Speaker } from "../../src/bgp/speaker.ts";
import type { SpeakerConfig } from "../../src/bgp/speaker-config.ts";
import type { FamilyRib } from "../../src/bgp/rib/family-rib.ts";
import {
  type SpeakerObserver,
  type SpeakerPorts,
  type SpeakerTimer,
  timerKey,
} from "../../src/bgp/speaker-ports.ts";
import { parseIpv4 } from "../../src/net/ip-address.ts";
import { parsePrefix, type Prefix } from "../../src/net/prefix.ts";
import type { Timer } from "../../src/platform/clock.ts";
import { FakeClock } from "./fake-clock.ts";
import { codec, PeerView, splitMessages } from "./peer-view.ts";

/** One end of a connection. */
interface End {
  readonly received: (octets: Uint8Array) => void;
  readonly drained: () => void;
  readonly failed: (reason: string) => void;
  readonly owner: string;
  readonly far: () => End | undefined;
  isOpen: boolean;
  /** Octets that are held back while the reader does not read; `undefined` while it does. */
  held: Uint8Array[] | undefined;
}

/** Somebody who can be dialled. */
interface Listener {
  accept(from: string, near: Omit<End, "far" | "isOpen" | "held">): End | undefined;
}

/** Settings of a peer in AS 64512, unless told. */
export function peerSettings(address: string, changes: Partial<PeerSettings> = {}): PeerSettings {
  return {
    address,
    port: 179,
    name: address,
    kind: "mesh",
    asn: 64512,
    passive: false,
    client: false,
    families: [ipv4Unicast],
    importPrefixes: "any",
    importNever: [],
    advertise: "all",
    holdTimeSeconds: 90,
    connectRetrySeconds: 5,
    idleHoldSeconds: 1,
    idleHoldMaximumSeconds: 60,
    gracefulRestartSeconds: 0,
    minRouteAdvertisementIntervalSeconds: 0,
    extendedMessages: true,
    enhancedRouteRefresh: true,
    extendedOpenParameters: false,
    ...changes,
  };
}

/** A range of passive peers in AS 64512, unless told. */
export function peerRange(
  text: string,
  changes: Partial<PeerSettings> = {},
  limit = 1000,
): PeerRange {
  const { address, name, ...settings } = peerSettings("", { passive: true, ...changes });
  return { prefix: prefix(text), limit, settings };
}

export function prefix(text: string): Prefix {
  const found = parsePrefix(text);
  assert.ok(found !== undefined, text);
  return found;
}

/** Speakers, and peers that speak by script, in one process, on one clock, without a socket. */
export class SpeakerNetwork {
  readonly clock = new FakeClock();
  readonly nodes = new Map<string, SpeakerNode>();
  readonly #listeners = new Map<string, Listener>();
  /** Links that are cut, with what TCP will send once more when they are mended. */
  readonly #cut = new Map<string, (() => void)[]>();
  #deliveries: (() => void)[] = [];

  /** A speaker at an address, which is its identifier, too. */
  speaker(address: string, config: Partial<SpeakerConfig> = {}): SpeakerNode {
    const node = new SpeakerNode(this, address, config);
    this.nodes.set(address, node);
    this.#listeners.set(address, node);
    return node;
  }

  listen(address: string, listener: Listener): void {
    this.#listeners.set(address, listener);
  }

  /** Makes an address one where nobody listens; its connections stay. */
  deafen(address: string): void {
    this.#listeners.delete(address);
  }

  /** From here on nothing passes between two addresses, and nobody is told. */
  cut(a: string, b: string): void {
    const key = linkKey(a, b);
    if (!this.#cut.has(key)) this.#cut.set(key, []);
  }

  mend(a: string, b: string): void {
    const waiting = this.#cut.get(linkKey(a, b)) ?? [];
    this.#cut.delete(linkKey(a, b));
    this.#deliveries.unshift(...waiting);
  }

  /** Does what crosses a link, later: when it is there. */
  #cross(a: string, b: string, delivery: () => void): void {
    this.later(() => {
      const waiting = this.#cut.get(linkKey(a, b));
      if (waiting === undefined) delivery();
      else waiting.push(delivery);
    });
  }

  later(delivery: () => void): void {
    this.#deliveries.push(delivery);
  }

  /** Dials: `up` or `down` comes later, or nothing where the link is cut. */
  dial(
    from: Omit<End, "far" | "isOpen" | "held">,
    to: string,
    up: (near: End) => void,
    down: (reason: string) => void,
  ): void {
    this.later(() => {
      if (this.#cut.has(linkKey(from.owner, to))) return;
      const near: End = { ...from, far: () => far, isOpen: true, held: undefined };
      const listener = this.#listeners.get(to);
      const far = listener?.accept(from.owner, { ...from });
      if (listener === undefined) return down("connection refused");
      if (far === undefined) return down("connection closed by the peer");
      Object.assign(far, { far: () => near });
      up(near);
    });
  }

  write(end: End, parts: readonly Uint8Array[]): boolean {
    const far = end.far();
    if (!end.isOpen || far === undefined) return true;
    const octets = Uint8Array.from(parts.flatMap((part) => [...part]));
    if (far.held !== undefined) {
      far.held.push(octets);
      return false;
    }
    this.#cross(end.owner, far.owner, () => {
      if (far.isOpen) far.received(octets);
    });
    return true;
  }

  close(end: End): void {
    if (!end.isOpen) return;
    end.isOpen = false;
    const far = end.far();
    if (far === undefined) return;
    this.#cross(end.owner, far.owner, () => {
      if (!far.isOpen) return;
      far.isOpen = false;
      far.failed("connection closed by the peer");
    });
  }

  /** Delivers, decides and sends until nothing moves any more. */
  settle(): void {
    for (let round = 0; ; round++) {
      assert.ok(round < 10_000, "the network does not come to rest");
      const deliveries = this.#deliveries;
      this.#deliveries = [];
      for (const deliver of deliveries) deliver();
      const awake = [...this.nodes.values()].filter((node) => node.isWoken);
      for (const node of awake) node.turn();
      if (deliveries.length === 0 && awake.length === 0) return;
    }
  }

  /** Lets time pass, second by second. */
  advance(seconds: number): void {
    this.settle();
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(1000);
      this.settle();
    }
  }
}

function linkKey(a: string, b: string): string {
  return [a, b].sort().join(" ");
}

/** A speaker in the network. */
export class SpeakerNode implements Listener {
  readonly network: SpeakerNetwork;
  readonly address: string;
  readonly speaker: Speaker;
  /** What its observer was told, in words. */
  readonly events: string[] = [];
  /** Prefixes that it had no path to any more at some time. */
  readonly lost: string[] = [];
  /** Told of best paths, too. */
  bestPathsChanged: NonNullable<SpeakerObserver["bestPathsChanged"]> = () => {};
  readonly connections = new Map<ConnectionId, End>();
  readonly timers = new Map<string, Timer>();
  isWoken = false;
  isStopped = false;
  /** Of all its connections. */
  localEnd: LocalEnd;

  constructor(network: SpeakerNetwork, address: string, config: Partial<SpeakerConfig>) {
    this.network = network;
    this.address = address;
    this.localEnd = { 4: address };
    const identifier = parseIpv4(address) ?? 0;
    this.speaker = new Speaker(
      {
        asn: 64512,
        identifier,
        clusterId: identifier,
        ownAddresses: [address],
        nextHopSelf: { 4: address },
        ...config,
      },
      this.#ports(),
      this.#observer(),
    );
  }

  #ports(): SpeakerPorts {
    const { network, connections } = this;
    return {
      noAnswerHint: () => undefined,
      connect: (connection, { address }) =>
        network.dial(
          this.#end(connection),
          address,
          (near) => {
            if (!this.#pending.delete(connection)) return network.close(near);
            connections.set(connection, near);
            this.speaker.connected(connection);
          },
          (reason) => {
            if (this.#pending.delete(connection)) {
              this.speaker.connectionFailed(connection, reason);
            }
          },
        ),
      localEnd: () => this.localEnd,
      close: (connection) => {
        this.#pending.delete(connection);
        const end = connections.get(connection);
        connections.delete(connection);
        if (end !== undefined) network.close(end);
      },
      write: (connection, parts) => {
        const end = connections.get(connection);
        return end === undefined || network.write(end, parts);
      },
      unsentOctets: (connection) => {
        const held = connections.get(connection)?.far()?.held ?? [];
        return held.reduce((octets, part) => octets + part.length, 0);
      },
      setReading: () => {},
      startTimer: (timer, delayMs) => this.#startTimer(timer, delayMs),
      stopTimer: (timer) => {
        this.timers.get(timerKey(timer))?.cancel();
        this.timers.delete(timerKey(timer));
      },
      wake: () => {
        this.isWoken = true;
      },
      nowMs: () => network.clock.nowMs(),
      random: () => 1,
    };
  }

  /** Connections that were dialled and are not up yet. */
  readonly #pending = new Set<ConnectionId>();

  #end(connection: ConnectionId): Omit<End, "far" | "isOpen" | "held"> {
    this.#pending.add(connection);
    return this.#eventsOf(connection);
  }

  #eventsOf(connection: ConnectionId): Omit<End, "far" | "isOpen" | "held"> {
    return {
      owner: this.address,
      received: (octets) => this.speaker.received(connection, octets),
      drained: () => this.speaker.drained(connection),
      failed: (reason) => this.speaker.connectionFailed(connection, reason),
    };
  }

  #startTimer(timer: SpeakerTimer, delayMs: number): void {
    const key = timerKey(timer);
    this.timers.get(key)?.cancel();
    const expire = (): void => {
      this.timers.delete(key);
      this.speaker.timerExpired(timer);
    };
    this.timers.set(key, this.network.clock.after(delayMs, expire));
  }

  #observer(): SpeakerObserver {
    const say = (text: string): void => {
      this.events.push(text);
    };
    return {
      established: ({ address }) => say(`established ${address}`),
      down: ({ address }, reason, wasEstablished) => {
        if (wasEstablished) say(`down ${address}: ${reason.text}`);
      },
      malformed: ({ address }) => say(`malformed from ${address}`),
      peerRemoved: ({ address }) => say(`removed ${address}`),
      endOfRib: ({ address }) => say(`end of rib ${address}`),
      prefixLimit: (_, { kind, paths, limit }) => say(`limit ${kind} ${paths}/${limit.limit}`),
      bestPathsChanged: (rib, changes) => {
        const { locRib, prefixes } = rib;
        for (let index = 0; index < changes.length; index++) {
          const id = changes.prefix(index);
          if (locRib.attributes(id) < 0) this.lost.push(prefixes.text(id));
        }
        this.bestPathsChanged(rib, changes);
      },
    };
  }

  accept(from: string): End | undefined {
    if (this.isStopped) return undefined;
    const connection = this.speaker.accepted(from);
    if (typeof connection === "string") return undefined;
    const end: End = {
      ...this.#eventsOf(connection),
      far: () => undefined,
      isOpen: true,
      held: undefined,
    };
    this.connections.set(connection, end);
    this.network.later(() => this.speaker.confirmed(connection));
    return end;
  }

  turn(): void {
    this.isWoken = this.speaker.turn(() => true);
  }

  /** Keeps two speakers as each other's peers. */
  peerWith(
    other: SpeakerNode,
    here: Partial<PeerSettings> = {},
    there: Partial<PeerSettings> = here,
  ): void {
    this.speaker.addPeer(peerSettings(other.address, here));
    other.speaker.addPeer(peerSettings(this.address, there));
  }

  originate(...prefixes: string[]): void {
    this.speaker.originate(prefixes.map(prefix));
  }

  /** Dies without a word: the kernel closes its sockets. */
  crash(): void {
    this.isStopped = true;
    for (const timer of this.timers.values()) timer.cancel();
    for (const end of this.connections.values()) this.network.close(end);
    this.network.nodes.delete(this.address);
    this.network.deafen(this.address);
  }

  state(address: string): string {
    return this.speaker.peer(address)?.fsm.state ?? "gone";
  }

  get #rib(): NonNullable<ReturnType<Speaker["ribs"]["get"]>> {
    const rib = this.speaker.ribs.get(ipv4Unicast.key);
    assert.ok(rib !== undefined);
    return rib;
  }

  /** Selected IPv4 paths, `prefix via next hop from peer`; stale ones marked `~`, long-lived ones `~~`. */
  routes(): string[] {
    const { prefixes, locRib, paths } = this.#rib;
    const routes: string[] = [];
    for (let id = 0; id < prefixes.end; id++) {
      const attributes = locRib.attributes(id);
      if (attributes < 0) continue;
      const { nextHop } = this.speaker.attributes.attributes(attributes);
      const peer = locRib.peer(id);
      let stale = "";
      for (let row = paths.first(id); row >= 0; row = paths.next(row)) {
        if (paths.peer(row) !== peer || !paths.isStale(row)) continue;
        stale = paths.isLongLived(row) ? " ~~" : " ~";
      }
      routes.push(
        `${prefixes.text(id)} via ${nextHop} from ${this.speaker.ribPeer(peer).address}${stale}`,
      );
    }
    return routes.sort();
  }

  /** The attributes of a selected path. */
  attributesOf(text: string): PathAttributes | undefined {
    const { octets, length, version } = prefix(text);
    const { key } = version === 4 ? ipv4Unicast : ipv6Unicast;
    const { prefixes, locRib } = this.speaker.ribs.get(key) as FamilyRib; // there is one of each family
    const id = prefixes.find(octets, 0, length);
    const attributes = id < 0 ? -1 : locRib.attributes(id);
    return attributes < 0 ? undefined : this.speaker.attributes.attributes(attributes);
  }

  /** Has the reader at the other end of this node's session with `address` stop reading, or go on. */
  stall(address: string, stalled: boolean): void {
    const peer = this.speaker.peer(address);
    const connection = peer?.fsm.establishedConnection;
    const near = connection === undefined ? undefined : this.connections.get(connection);
    const far = near?.far();
    assert.ok(near !== undefined && far !== undefined, `no session with ${address}`);
    if (stalled) far.held ??= [];
    else {
      const held = far.held ?? [];
      far.held = undefined;
      for (const octets of held) this.network.write(near, [octets]);
      this.network.later(() => near.drained());
    }
  }
}

/** A peer that says what the test has it say. */
export class ScriptedPeer {
  readonly network: SpeakerNetwork;
  readonly address: string;
  readonly to: SpeakerNode;
  open: OpenMessage;
  /** How it writes and reads UPDATEs. */
  context = codec();
  /** All it has received, in order. */
  messages: BgpMessage[] = [];
  view = new PeerView(codec());
  isUp = false;
  #end: End | undefined;
  #ids = 0;
  /** Answers each KEEPALIVE, once the session is Established. */
  #keepsAlive = false;

  constructor(to: SpeakerNode, address: string, changes: Partial<OpenMessage> = {}) {
    this.network = to.network;
    this.to = to;
    this.address = address;
    this.open = {
      asn: 64512,
      holdTimeSeconds: 90,
      bgpIdentifier: parseIpv4(address) ?? 0,
      capabilities: [
        { name: "multiprotocol", afi: 1, safi: 1 },
        { name: "fourOctetAs", asn: changes.asn ?? 64512 },
        { name: "routeRefresh" },
      ],
      ...changes,
    };
    // Nobody else's dials come through.
    this.network.listen(address, { accept: () => undefined });
  }

  /** Connects anew; the former connection, if any, is forgotten as it is. */
  connect(): void {
    this.knock();
    assert.ok(this.isUp, "not let in");
  }

  /** As `connect`, but may be turned away. */
  knock(): void {
    const id = ++this.#ids;
    this.#keepsAlive = false;
    this.messages = [];
    this.view = new PeerView({
      ...this.context,
      external: this.open.asn !== 64512,
    });
    const mine = (act: () => void): void => {
      if (id === this.#ids) act();
    };
    this.network.dial(
      {
        owner: this.address,
        received: (octets) => mine(() => this.#received(octets)),
        drained: () => {},
        failed: () =>
          mine(() => {
            this.isUp = false;
          }),
      },
      this.to.address,
      (near) => {
        this.#end = near;
        this.isUp = true;
      },
      () => {},
    );
    this.network.settle();
  }

  #received(octets: Uint8Array): void {
    for (const message of splitMessages(octets)) {
      const decoded = decodeMessage(message, this.view.context);
      this.messages.push(decoded);
      if (decoded.type === "UPDATE") this.view.take(message);
      if (decoded.type === "ROUTE-REFRESH" && decoded.routeRefresh.subtype > 0) {
        this.view.demarcate(decoded.routeRefresh.subtype);
      }
      if (decoded.type === "KEEPALIVE" && this.#keepsAlive) this.#answer(encodeKeepalive());
    }
  }

  #answer(octets: Uint8Array): void {
    if (this.#end !== undefined) this.network.write(this.#end, [octets]);
  }

  send(octets: Uint8Array): void {
    if (this.#end !== undefined) this.network.write(this.#end, [octets]);
    this.network.settle();
  }

  /** Sends an UPDATE body with its header. */
  sendBody(body: Uint8Array): void {
    const message = new Uint8Array(headerOctets + body.length).fill(0xff, 0, 16);
    message[16] = message.length >>> 8;
    message[17] = message.length;
    message[18] = 2;
    message.set(body, headerOctets);
    this.send(message);
  }

  update(update: Partial<UpdateMessage>): void {
    const whole = { withdrawn: [], announced: [], attributes: {}, errors: [], ...update };
    for (const message of encodeUpdate(whole, this.context)) this.send(message);
  }

  announce(...prefixes: string[]): void {
    this.announceWith({}, ...prefixes);
  }

  announceWith(changes: PathAttributes, ...prefixes: string[]): void {
    const asPath = this.open.asn === 64512 ? [] : [{ type: 2, asns: [this.open.asn] } as const];
    this.update({
      announced: prefixes.map((text) => ({ prefix: text })),
      attributes: { origin: 0, asPath, localPref: 100, nextHop: this.address, ...changes },
    });
  }

  withdraw(...prefixes: string[]): void {
    this.update({ withdrawn: prefixes.map((text) => ({ prefix: text })) });
  }

  endOfRib(): void {
    this.update({});
  }

  /** Connects and brings the session to Established. */
  establish(changes: Partial<OpenMessage> = {}): void {
    this.open = { ...this.open, ...changes };
    this.connect();
    this.send(encodeOpen(this.open));
    this.send(encodeKeepalive());
    assert.equal(this.to.state(this.address), "Established");
    this.#keepsAlive = true;
  }

  /** Breaks off without a NOTIFICATION. */
  disconnect(): void {
    if (this.#end !== undefined) this.network.close(this.#end);
    this.#end = undefined;
    this.isUp = false;
    this.network.settle();
  }

  /** Asks for a family again, or says where a refresh of its own begins and ends (RFC 7313). */
  routeRefresh(subtype: number, afi = 1): void {
    this.send(encodeRouteRefresh({ afi, safi: 1, subtype }));
  }

  /** `code/subcode` of every NOTIFICATION received. */
  notifications(): string[] {
    return this.messages.flatMap((message) =>
      message.type === "NOTIFICATION"
        ? [`${message.notification.code}/${message.notification.subcode}`]
        : [],
    );
  }
}
