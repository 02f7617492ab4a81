import type { FsmAction, PeerTimer } from "./action.ts";
import type { ConnectionId } from "./event.ts";
import type { PeerFsmConfig } from "./peer-config.ts";

/** What the parts of a peer's FSM share. */
export interface FsmPorts {
  readonly emit: (action: FsmAction) => void;
  readonly allocateConnectionId: () => ConnectionId;
  /** In [0, 1). */
  readonly random: () => number;
}

/** RFC 4271 §10: 0.75 to 1.0 of a time, in milliseconds. */
export function jitteredMs(seconds: number, random: () => number): number {
  return Math.round(seconds * 1000 * (0.75 + 0.25 * random()));
}

/**
 * - `stopped`: the operator wants no session. State Idle.
 * - `idleHolding`: after a failure or a reset, IdleHoldTimer runs. State Idle.
 * - `connecting`: a dial is on its way, ConnectRetryTimer runs. State Connect.
 * - `waiting`: between dials ConnectRetryTimer runs; a passive peer just waits. State Active.
 * - `superseded`: a connection took over, nothing to dial.
 */
type Phase = "stopped" | "idleHolding" | "connecting" | "waiting" | "superseded";

const states = {
  stopped: "Idle",
  idleHolding: "Idle",
  connecting: "Connect",
  waiting: "Active",
  superseded: "Idle",
} as const;

const largestExponent = 30;

/** When to dial the peer: the states of RFC 4271 §8.2.2 in which no TCP connection is up, with their two timers. */
export class Dialler {
  readonly #config: PeerFsmConfig;
  readonly #ports: FsmPorts;
  readonly #running = new Set<PeerTimer>();
  #phase: Phase = "stopped";
  #connecting: ConnectionId | undefined;
  #failuresInARow = 0;

  constructor(config: PeerFsmConfig, ports: FsmPorts) {
    this.#config = config;
    this.#ports = ports;
  }

  get state(): "Idle" | "Connect" | "Active" {
    return states[this.#phase];
  }

  get isStopped(): boolean {
    return this.#phase === "stopped";
  }

  /** The connection that was asked for and is not up yet. */
  get connecting(): ConnectionId | undefined {
    return this.#connecting;
  }

  /** ManualStart: from Idle, forgetting all failures. */
  start(): void {
    this.#failuresInARow = 0;
    this.#stopTimer("idleHoldTimer");
    this.#begin();
  }

  /** AutomaticStart_with_DampPeerOscillations: as ManualStart, but who is dialled is so once the idle hold time is over. */
  startDamped(): void {
    if (this.#config.passive) return this.start();
    this.#failuresInARow = 0;
    this.#hold(this.#config.idleHoldSeconds);
  }

  stop(): void {
    this.#abandon();
    this.#phase = "stopped";
  }

  /** A connection took over. */
  supersede(): void {
    if (this.#phase === "stopped" || this.#phase === "superseded") return;
    this.#abandon();
    this.#phase = "superseded";
  }

  /** The connection that took over is gone without a failure that asks for damping. */
  resume(): void {
    if (this.#phase === "superseded") this.#wait();
  }

  /**
   * DampPeerOscillations (RFC 4271 §8.1.1): back to Idle for `idleHoldSeconds`, doubled with each failure in a row. A
   * dial on its way goes on, and a hold that runs is not prolonged: else a misconfigured peer that dials us would
   * keep us from ever dialling it.
   */
  hold(): void {
    if (this.#phase !== "superseded" && this.#phase !== "waiting") return;
    const { idleHoldSeconds, idleHoldMaximumSeconds } = this.#config;
    const exponent = Math.min(this.#failuresInARow, largestExponent);
    const seconds = Math.min(idleHoldSeconds * 2 ** exponent, idleHoldMaximumSeconds);
    this.#failuresInARow += 1;
    this.#hold(seconds);
  }

  /** Established: once that has lasted as long as the longest hold, earlier failures are forgotten. */
  sessionEstablished(): void {
    this.#startTimer("idleHoldTimer", this.#config.idleHoldMaximumSeconds * 1000);
  }

  sessionEnded(): void {
    this.#stopTimer("idleHoldTimer");
  }

  idleHoldTimerExpires(): void {
    if (!this.#running.delete("idleHoldTimer")) return;
    if (this.#phase === "idleHolding") this.#begin();
    else this.#failuresInARow = 0;
  }

  /** @returns true if a dial was given up as it took too long */
  connectRetryTimerExpires(): boolean {
    if (!this.#running.delete("connectRetryTimer")) return false;
    const timedOut = this.#connecting !== undefined;
    this.#abandon();
    this.#dial();
    return timedOut;
  }

  /** The dial came through: from here it is a `Connection`. */
  connected(): void {
    this.#connecting = undefined;
    this.#stopTimer("connectRetryTimer");
    this.#phase = "superseded";
  }

  /** The dial failed: the next when ConnectRetryTimer, which goes on, expires. */
  dialFailed(): void {
    this.#close();
    this.#phase = "waiting";
  }

  #hold(seconds: number): void {
    this.#abandon();
    this.#phase = "idleHolding";
    this.#startTimer("idleHoldTimer", jitteredMs(seconds, this.#ports.random));
  }

  #begin(): void {
    if (this.#config.passive) this.#wait();
    else this.#dial();
  }

  #dial(): void {
    const connection = this.#ports.allocateConnectionId();
    this.#phase = "connecting";
    this.#connecting = connection;
    this.#startConnectRetryTimer();
    this.#ports.emit({ type: "connect", connection });
  }

  #wait(): void {
    this.#phase = "waiting";
    if (!this.#config.passive) this.#startConnectRetryTimer();
  }

  #abandon(): void {
    this.#close();
    this.#stopTimer("connectRetryTimer");
    this.#stopTimer("idleHoldTimer");
  }

  #close(): void {
    if (this.#connecting === undefined) return;
    this.#ports.emit({ type: "close", connection: this.#connecting });
    this.#connecting = undefined;
  }

  #startConnectRetryTimer(): void {
    const delayMs = jitteredMs(this.#config.connectRetrySeconds, this.#ports.random);
    this.#startTimer("connectRetryTimer", delayMs);
  }

  #startTimer(timer: PeerTimer, delayMs: number): void {
    this.#running.add(timer);
    this.#ports.emit({ type: "startPeerTimer", timer, delayMs });
  }

  #stopTimer(timer: PeerTimer): void {
    if (this.#running.delete(timer)) this.#ports.emit({ type: "stopPeerTimer", timer });
  }
}
