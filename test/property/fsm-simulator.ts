import assert from "node:assert/strict";
import type { FsmAction } from "../../src/bgp/fsm/action.ts";
import type { ConnectionId, FsmEvent } from "../../src/bgp/fsm/event.ts";
import { PeerFsm } from "../../src/bgp/fsm/peer.ts";
import type { PeerFsmConfig } from "../../src/bgp/fsm/peer-config.ts";
import { expiryOf, Ledger, timerOf } from "../unit/bgp/fsm/ledger.ts";

/** Virtual time, and chance that a seed determines. */
export class World {
  nowMs = 0;
  #queue: { atMs: number; order: number; run: () => void }[] = [];
  #order = 0;
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** In [0, 1): mulberry32. */
  random = (): number => {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  at(atMs: number, run: () => void): void {
    const entry = { atMs, order: this.#order++, run };
    const before = this.#queue.findIndex((other) => other.atMs > atMs);
    this.#queue.splice(before < 0 ? this.#queue.length : before, 0, entry);
  }

  runUntil(endMs: number): void {
    for (let next = this.#queue[0]; next && next.atMs <= endMs; next = this.#queue[0]) {
      this.#queue.shift();
      this.nowMs = next.atMs;
      next.run();
    }
    this.nowMs = endMs;
  }
}

/** One end of a TCP connection: its socket. */
export class Socket {
  readonly owner: Speaker;
  readonly id: ConnectionId;
  readonly wire: Wire;
  isOpen = true;
  /** Messages on their way from here. */
  #untaken = 0;
  /** When the peer last took one, or had nothing to take. */
  #takenMs = 0;

  constructor(owner: Speaker, id: ConnectionId, wire: Wire) {
    this.owner = owner;
    this.id = id;
    this.wire = wire;
  }

  sending(): void {
    this.#untaken += 1;
  }

  /** The peer has taken a message. */
  taken(nowMs: number): void {
    this.#untaken -= 1;
    this.#takenMs = nowMs;
  }

  /** How long the peer has taken nothing of what was sent (RFC 9687 §3.3); 0 if there is nothing to take. */
  untakenForMs(nowMs: number): number {
    if (this.#untaken === 0) this.#takenMs = nowMs;
    return nowMs - this.#takenMs;
  }

  /** What arrives here, unless the socket is closed by then. */
  deliver(event: FsmEvent): void {
    if (this.isOpen) this.owner.handle(event);
  }
}

/** One TCP connection: each direction keeps order; it may be cut, or fall silent. */
export class Wire {
  readonly #world: World;
  readonly #arrivedMs = new Map<Speaker, number>();
  readonly sockets = new Map<Speaker, Socket>();
  #isSilent = false;

  constructor(world: World, dialler: Speaker, id: ConnectionId, peer: Speaker) {
    this.#world = world;
    const dialling = new Socket(dialler, id, this);
    this.sockets.set(dialler, dialling);
    this.#travel(peer, () => {
      const accepted = peer.isListening ? peer.accept(this) : undefined;
      if (accepted === undefined) {
        this.fail(dialling, "connection refused");
        return;
      }
      this.sockets.set(peer, accepted);
      this.#travel(dialler, () => dialling.deliver({ type: "Tcp_CR_Acked", connection: id }));
      accepted.deliver({ type: "TcpConnectionConfirmed", connection: accepted.id });
    });
  }

  send(from: Speaker, make: (connection: ConnectionId) => FsmEvent): void {
    const to = from.peer;
    this.sockets.get(from)?.sending();
    this.#travel(to, () => {
      const socket = this.sockets.get(to);
      this.sockets.get(from)?.taken(this.#world.nowMs);
      if (socket?.isOpen) socket.deliver(make(socket.id));
      else this.fail(this.sockets.get(from), "connection reset");
    });
  }

  close(from: Speaker): void {
    const socket = this.sockets.get(from);
    if (!socket?.isOpen) return;
    socket.isOpen = false;
    this.#travel(from.peer, () => this.#failNow(this.sockets.get(from.peer), "closed by the peer"));
  }

  /** Both ends hear of it, each in its time. */
  cut(): void {
    this.#isSilent = true;
    for (const socket of this.sockets.values()) this.fail(socket, "connection reset");
  }

  silence(): void {
    this.#isSilent = true;
  }

  fail(socket: Socket | undefined, reason: string): void {
    if (socket === undefined) return;
    const atMs = this.#world.nowMs + socket.owner.delayMs();
    this.#world.at(atMs, () => this.#failNow(socket, reason));
  }

  #failNow(socket: Socket | undefined, reason: string): void {
    socket?.deliver({ type: "TcpConnectionFails", connection: socket.id, reason });
  }

  #travel(to: Speaker, arrive: () => void): void {
    const sentMs = this.#world.nowMs + to.delayMs();
    const arrivesMs = Math.max(sentMs, this.#arrivedMs.get(to) ?? 0);
    this.#arrivedMs.set(to, arrivesMs);
    this.#world.at(arrivesMs, () => {
      if (!this.#isSilent) arrive();
    });
  }
}

/** A machine with one `PeerFsm` and the simplest driver there is. */
export class Speaker {
  readonly #world: World;
  readonly #config: PeerFsmConfig;
  readonly #sockets = new Map<ConnectionId, Socket>();
  #timers = new Map<string, object>();
  #fsm: PeerFsm;
  #ledger = new Ledger();
  #isStopped = true;
  #lastId = 0;
  isListening = true;
  downs = 0;
  /** How long what is on its way here takes. */
  readonly delayMs: () => number;
  /** Set by `connect`. */
  peer: Speaker = this;

  constructor(world: World, config: PeerFsmConfig, delayMs: () => number) {
    this.#world = world;
    this.delayMs = delayMs;
    this.#config = config;
    this.#fsm = this.#newFsm();
  }

  get fsm(): PeerFsm {
    return this.#fsm;
  }

  get openSockets(): Socket[] {
    return [...this.#sockets.values()].filter(({ isOpen }) => isOpen);
  }

  /** The wire of the Established connection. */
  get session(): Wire | undefined {
    return this.#sockets.get(this.#fsm.establishedConnection ?? -1)?.wire;
  }

  handle(event: FsmEvent): void {
    this.#note(event);
    for (const action of this.#fsm.handle(event)) {
      this.#ledger.apply(action);
      this.#perform(action);
    }
    const { passive } = this.#config;
    this.#ledger.check(this.#fsm.state, { passive, stopped: this.#isStopped });
    assert.deepEqual(
      new Set(this.openSockets.map(({ id }) => id)),
      new Set([...this.#ledger.up, ...this.#ledger.dialling]),
      "sockets and connections are the same",
    );
  }

  accept(wire: Wire): Socket {
    const socket = new Socket(this, ++this.#lastId, wire);
    this.#sockets.set(socket.id, socket);
    return socket;
  }

  /** The program dies and comes back. A killed one's sockets are closed by its kernel; a lost machine's are not. */
  restart(restMs: number, { silently }: { silently: boolean }): void {
    for (const socket of this.openSockets) {
      if (silently) socket.isOpen = false;
      else socket.wire.close(this);
    }
    this.#timers = new Map();
    this.#ledger = new Ledger();
    this.#fsm = this.#newFsm();
    this.#isStopped = true;
    this.isListening = false;
    this.#world.at(this.#world.nowMs + restMs, () => {
      this.isListening = true;
      this.handle({ type: "ManualStart" });
    });
  }

  #newFsm(): PeerFsm {
    return new PeerFsm(this.#config, {
      allocateConnectionId: () => ++this.#lastId,
      random: this.#world.random,
    });
  }

  #note(event: FsmEvent): void {
    if (event.type === "ManualStart") this.#isStopped = false;
    if (event.type === "ManualStop") this.#isStopped = true;
    if (event.type === "Tcp_CR_Acked") this.#ledger.dialled(event.connection);
    if (event.type === "TcpConnectionConfirmed") this.#ledger.accepted(event.connection);
    const timer = timerOf(event);
    if (timer !== undefined) this.#ledger.timers.delete(timer);
  }

  #perform(action: FsmAction): void {
    switch (action.type) {
      case "connect":
        return this.#dial(action.connection);
      case "close":
        return this.#sockets.get(action.connection)?.wire.close(this);
      case "sendOpen": {
        const { open } = action;
        return this.#send(action.connection, (connection) => ({
          type: "BGPOpen",
          connection,
          open,
        }));
      }
      case "sendKeepalive":
        return this.#send(action.connection, (connection) => ({
          type: "KeepAliveMsg",
          connection,
        }));
      case "sendNotification": {
        const { notification } = action;
        const make = (connection: ConnectionId): FsmEvent => ({
          type: "NotifMsg",
          connection,
          notification,
        });
        return this.#send(action.connection, make);
      }
      case "startPeerTimer":
        return this.#startTimer(action.timer, action.delayMs);
      case "stopPeerTimer":
        this.#timers.delete(action.timer);
        return;
      case "startTimer": {
        const { connection, delayMs } = action;
        const name = `${action.timer} ${connection}`;
        if (action.timer === "sendHoldTimer") return this.#startSendHold(name, connection, delayMs);
        return this.#startTimer(name, delayMs);
      }
      case "stopTimer":
        this.#timers.delete(`${action.timer} ${action.connection}`);
        return;
      case "down":
        this.downs += 1;
        return;
      case "established":
      case "stateChange":
        return;
    }
  }

  #dial(connection: ConnectionId): void {
    const wire = new Wire(this.#world, this, connection, this.peer);
    const socket = wire.sockets.get(this);
    assert.ok(socket);
    this.#sockets.set(connection, socket);
  }

  #send(connection: ConnectionId, make: (connection: ConnectionId) => FsmEvent): void {
    this.#sockets.get(connection)?.wire.send(this, make);
  }

  /** The FSM starts it once; that the peer takes what is sent puts it off, and that is the driver's to see. */
  #startSendHold(name: string, connection: ConnectionId, delayMs: number): void {
    const socket = this.#sockets.get(connection);
    socket?.untakenForMs(this.#world.nowMs);
    const look = (): void => {
      const remainingMs = delayMs - (socket?.untakenForMs(this.#world.nowMs) ?? 0);
      if (remainingMs > 0) this.#after(name, remainingMs, look);
      else this.handle(expiryOf(name));
    };
    this.#after(name, delayMs, look);
  }

  #startTimer(name: string, delayMs: number): void {
    this.#after(name, delayMs, () => this.handle(expiryOf(name)));
  }

  /** Runs something once the timer of this name has run out, if it is neither stopped nor started anew by then. */
  #after(name: string, delayMs: number, run: () => void): void {
    const token = {};
    this.#timers.set(name, token);
    this.#world.at(this.#world.nowMs + delayMs, () => {
      if (this.#timers.get(name) !== token) return;
      this.#timers.delete(name);
      run();
    });
  }
}

/** Makes two speakers each other's peer. */
export function connect(a: Speaker, b: Speaker): void {
  a.peer = b;
  b.peer = a;
}
