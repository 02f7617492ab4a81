import assert from "node:assert/strict";
import type {
  Capability,
  GracefulRestartCapability,
} from "../../../../src/bgp/capability/capability.ts";
import type { BgpError } from "../../../../src/bgp/errors.ts";
import type { DownReason, FsmAction } from "../../../../src/bgp/fsm/action.ts";
import type { ConnectionId, FsmEvent } from "../../../../src/bgp/fsm/event.ts";
import { PeerFsm } from "../../../../src/bgp/fsm/peer.ts";
import type { PeerFsmConfig } from "../../../../src/bgp/fsm/peer-config.ts";
import type { NotificationMessage, OpenMessage } from "../../../../src/bgp/message/message.ts";
import { expiryOf, Ledger, timerOf } from "./ledger.ts";

export const localIdentifier = 0x0a00_0002;
export const peerIdentifier = 0x0a00_0001;

export const ipv4Unicast: Capability = { name: "multiprotocol", afi: 1, safi: 1 };
export const ipv6Unicast: Capability = { name: "multiprotocol", afi: 2, safi: 1 };

export function gracefulRestart(restarted = false): GracefulRestartCapability {
  return {
    name: "gracefulRestart",
    restarted,
    notification: false,
    restartTimeSeconds: 120,
    families: [{ afi: 1, safi: 1, forwardingPreserved: true }],
  };
}

/** The peer's OPEN, as AS 64512 unless told. */
export function peerOpen(changes: Partial<OpenMessage> = {}): OpenMessage {
  return {
    asn: 64512,
    holdTimeSeconds: 90,
    bgpIdentifier: peerIdentifier,
    capabilities: [ipv4Unicast],
    ...changes,
  };
}

/** A `PeerFsm` in the hands of a driver that checks, after each event, that timers and connections fit the state. */
export class TestPeer {
  readonly config: PeerFsmConfig;
  readonly fsm: PeerFsm;
  readonly ledger = new Ledger();
  /** Of the last event. */
  actions: readonly FsmAction[] = [];
  /** What `random` gives: 0 makes times jitter to 3/4, the default near 1 leaves them. */
  random = 1;
  #lastId = 0;
  #stopped = true;

  constructor(changes: Partial<PeerFsmConfig> = {}) {
    this.config = {
      localAsn: 64512,
      peerAsn: 64512,
      localIdentifier,
      holdTimeSeconds: 90,
      connectRetrySeconds: 10,
      idleHoldSeconds: 1,
      idleHoldMaximumSeconds: 60,
      passive: false,
      capabilities: () => [ipv4Unicast],
      ...changes,
    };
    this.fsm = new PeerFsm(this.config, {
      allocateConnectionId: () => ++this.#lastId,
      random: () => this.random,
    });
  }

  handle(event: FsmEvent): readonly FsmAction[] {
    const from = this.fsm.state;
    this.#note(event);
    this.actions = this.fsm.handle(event);
    for (const action of this.actions) this.ledger.apply(action);
    this.#checkStateChange(from);
    this.ledger.check(this.fsm.state, { passive: this.config.passive, stopped: this.#stopped });
    return this.actions;
  }

  start(): this {
    this.handle({ type: "ManualStart" });
    return this;
  }

  /** The dial on its way comes through. */
  ack(): ConnectionId {
    const [connection] = this.ledger.dialling;
    assert.ok(connection !== undefined, "nothing is being dialled");
    this.handle({ type: "Tcp_CR_Acked", connection });
    return connection;
  }

  /** The peer dials. */
  accept(): ConnectionId {
    const connection = ++this.#lastId;
    this.handle({ type: "TcpConnectionConfirmed", connection });
    return connection;
  }

  open(connection: ConnectionId, changes: Partial<OpenMessage> = {}): readonly FsmAction[] {
    return this.handle({ type: "BGPOpen", connection, open: peerOpen(changes) });
  }

  keepalive(connection: ConnectionId): readonly FsmAction[] {
    return this.handle({ type: "KeepAliveMsg", connection });
  }

  update(connection: ConnectionId): readonly FsmAction[] {
    return this.handle({ type: "UpdateMsg", connection });
  }

  notification(connection: ConnectionId, code: number, subcode: number): readonly FsmAction[] {
    const notification = { code, subcode, data: new Uint8Array(0) };
    return this.handle({ type: "NotifMsg", connection, notification });
  }

  malformed(connection: ConnectionId, error: BgpError): readonly FsmAction[] {
    return this.handle({ type: "MessageError", connection, error });
  }

  fails(connection: ConnectionId): readonly FsmAction[] {
    return this.handle({ type: "TcpConnectionFails", connection, reason: "connection reset" });
  }

  /** Fires a timer that runs: `connectRetryTimer`, `holdTimer 3`. */
  expire(name: string): readonly FsmAction[] {
    assert.ok(this.ledger.timers.has(name), `${name} does not run`);
    return this.handle(expiryOf(name));
  }

  /** Dials and takes the session to Established. */
  establish(changes: Partial<OpenMessage> = {}): ConnectionId {
    this.start();
    const connection = this.ack();
    this.open(connection, changes);
    this.keepalive(connection);
    assert.equal(this.fsm.state, "Established");
    return connection;
  }

  /** Takes the session to Established on a connection that the peer dialled. */
  establishAccepted(changes: Partial<OpenMessage> = {}): ConnectionId {
    this.start();
    const connection = this.accept();
    this.open(connection, changes);
    this.keepalive(connection);
    assert.equal(this.fsm.state, "Established");
    return connection;
  }

  /** `code/subcode` of the NOTIFICATION the last event made us send on the connection. */
  sentNotification(connection: ConnectionId): string | undefined {
    const message = this.sentNotificationMessage(connection);
    return message && `${message.code}/${message.subcode}`;
  }

  sentNotificationMessage(connection: ConnectionId): NotificationMessage | undefined {
    const action = this.actions.find(
      (one) => one.type === "sendNotification" && one.connection === connection,
    );
    return action?.type === "sendNotification" ? action.notification : undefined;
  }

  /** What the last event did to the connection: `sendOpen`, `startTimer holdTimer 240000` … */
  doneTo(connection: ConnectionId): string[] {
    return this.actions.flatMap((action) => {
      if (!("connection" in action) || action.connection !== connection) return [];
      if (action.type === "startTimer") return [`startTimer ${action.timer} ${action.delayMs}`];
      return [action.type === "stopTimer" ? `stopTimer ${action.timer}` : action.type];
    });
  }

  /** The `down` of the last event. */
  down(): (DownReason & { wasEstablished: boolean }) | undefined {
    const downs = this.actions.filter((action) => action.type === "down");
    assert.ok(downs.length <= 1, "one event, one down");
    const [down] = downs;
    if (down === undefined) return undefined;
    assert.deepEqual(this.fsm.lastDown, down.reason);
    return { ...down.reason, wasEstablished: down.wasEstablished };
  }

  #note(event: FsmEvent): void {
    if (event.type.includes("Start")) this.#stopped = false;
    if (event.type === "ManualStop") this.#stopped = true;
    if (event.type === "Tcp_CR_Acked") this.ledger.dialled(event.connection);
    if (event.type === "TcpConnectionConfirmed") this.ledger.accepted(event.connection);
    const timer = timerOf(event);
    if (timer !== undefined) this.ledger.timers.delete(timer);
  }

  #checkStateChange(from: string): void {
    const to = this.fsm.state;
    const changes = this.actions.filter((action) => action.type === "stateChange");
    assert.deepEqual(changes, from === to ? [] : [{ type: "stateChange", from, to }]);
    if (from !== to && to === "Idle") assert.ok(this.down(), "Idle without a reason");
  }
}
