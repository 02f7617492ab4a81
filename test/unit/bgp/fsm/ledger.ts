import assert from "node:assert/strict";
import type { FsmAction } from "../../../../src/bgp/fsm/action.ts";
import type { ConnectionId, FsmEvent } from "../../../../src/bgp/fsm/event.ts";
import type { FsmState } from "../../../../src/bgp/fsm/state.ts";

/** What a driver holds for a peer: it follows the actions and insists that they make sense and leak nothing. */
export class Ledger {
  readonly dialling = new Set<ConnectionId>();
  readonly up = new Set<ConnectionId>();
  /** `connectRetryTimer`, `holdTimer 3`: delays of the timers that run. */
  readonly timers = new Map<string, number>();

  accepted(connection: ConnectionId): void {
    this.up.add(connection);
  }

  dialled(connection: ConnectionId): void {
    assert.ok(this.dialling.delete(connection), `connection ${connection} was not being dialled`);
    this.up.add(connection);
  }

  apply(action: FsmAction): void {
    switch (action.type) {
      case "connect":
        this.dialling.add(action.connection);
        return;
      case "close":
        this.#close(action.connection);
        return;
      case "sendOpen":
      case "sendKeepalive":
      case "sendNotification":
      case "established":
        assert.ok(this.up.has(action.connection), `${action.type} on a connection that is not up`);
        return;
      case "startPeerTimer":
        this.timers.set(action.timer, action.delayMs);
        return;
      case "stopPeerTimer":
        assert.ok(this.timers.delete(action.timer), `${action.timer} does not run`);
        return;
      case "startTimer":
        assert.ok(this.up.has(action.connection), `${action.timer} of a connection that is not up`);
        this.timers.set(`${action.timer} ${action.connection}`, action.delayMs);
        return;
      case "stopTimer":
        assert.ok(this.timers.delete(`${action.timer} ${action.connection}`));
        return;
      case "down":
      case "stateChange":
        return;
    }
  }

  /** Holds what is outstanding against what the state calls for. */
  check(state: FsmState, { passive, stopped }: { passive: boolean; stopped: boolean }): void {
    const peerTimers = [...this.timers.keys()].filter((name) => !name.includes(" "));
    const what = `${state}: ${[...this.timers.keys()].join()}; dialling ${this.dialling.size}, up ${this.up.size}`;
    for (const id of this.up) if (!this.#mayLackTimers(id)) assert.fail(`no timer for ${id}`);
    assert.ok(this.dialling.size <= 1 && this.up.size <= 2, what);
    assert.equal(this.timers.has("connectRetryTimer") && passive, false, what);
    switch (state) {
      case "Idle":
        assert.deepEqual([this.dialling.size, this.up.size], [0, 0], what);
        assert.deepEqual(peerTimers, stopped ? [] : ["idleHoldTimer"], what);
        return;
      case "Connect":
        assert.deepEqual([this.dialling.size, this.up.size], [1, 0], what);
        assert.deepEqual(peerTimers, ["connectRetryTimer"], what);
        return;
      case "Active":
        assert.deepEqual([this.dialling.size, this.up.size], [0, 0], what);
        assert.deepEqual(peerTimers, passive ? [] : ["connectRetryTimer"], what);
        return;
      case "OpenSent":
        assert.ok(this.up.size > 0 && peerTimers.length <= 1, what);
        return;
      case "OpenConfirm":
        assert.ok(this.up.size > 0 && this.dialling.size === 0, what);
        assert.deepEqual(peerTimers, [], what);
        return;
      case "Established":
        assert.ok(this.up.size > 0 && this.dialling.size === 0, what);
        assert.ok(!peerTimers.includes("connectRetryTimer"), what);
        return;
    }
  }

  /** The one connection that negotiated a hold time of 0 runs no timers; no other may. */
  #mayLackTimers(connection: ConnectionId): boolean {
    if (this.timers.has(`holdTimer ${connection}`)) return true;
    return !this.timers.has(`keepaliveTimer ${connection}`);
  }

  #close(connection: ConnectionId): void {
    const known = this.dialling.delete(connection) || this.up.delete(connection);
    assert.ok(known, `connection ${connection} closed twice, or never opened`);
    for (const name of this.timers.keys()) {
      assert.ok(!name.endsWith(` ${connection}`), `${name} outlives its connection`);
    }
  }
}

const expiries = {
  connectRetryTimer: "ConnectRetryTimer_Expires",
  idleHoldTimer: "IdleHoldTimer_Expires",
  holdTimer: "HoldTimer_Expires",
  keepaliveTimer: "KeepaliveTimer_Expires",
  sendHoldTimer: "SendHoldTimer_Expires",
} as const;

/** The ledger's name of the timer whose expiry the event is. */
export function timerOf(event: FsmEvent): string | undefined {
  const [name] = Object.entries(expiries).find(([, type]) => type === event.type) ?? [];
  return name !== undefined && "connection" in event ? `${name} ${event.connection}` : name;
}

/** The expiry of a timer of the ledger. */
export function expiryOf(timer: string): FsmEvent {
  const [name, id] = timer.split(" ");
  if (name === "connectRetryTimer" || name === "idleHoldTimer") return { type: expiries[name] };
  const connection = Number(id);
  return { type: expiries[name as "holdTimer" | "keepaliveTimer" | "sendHoldTimer"], connection };
}
