/**
 * The FSM of a peer, RFC 4271 §8, without IO: events in, actions out, timers are data.
 *
 *                      ManualStart · IdleHoldTimer expires
 *              ┌──────┐ ──────────────────────────────► ┌─────────┐   dial failed    ┌────────┐
 *      ┌─────► │ Idle │ ── the same, passive ──────┐    │ Connect │ ───────────────► │ Active │ ◄─┐
 *      │       └──────┘                            │    └─────────┘ ◄─────────────── └────────┘   │
 *      │           │                               └─────────│── ConnectRetryTimer ─────► │        │
 *      │           │ the peer comes in the idle hold         │ dialled     the peer comes │        │
 *      │           ▼                                         ▼                            │        │
 *      │       ┌──────────┐ ◄────────────────────────────────┴────────────────────────────┘        │
 *      ├─────  │ OpenSent │ ──────────────────────────────── the TCP connection fails ─────────────┘
 *      │       └──────────┘
 *      │ any        │ valid OPEN, collision won
 *      │ error,     ▼
 *      │ Cease, ┌─────────────┐  KEEPALIVE   ┌─────────────┐
 *      └──────  │ OpenConfirm │ ───────────► │ Established │ ──► Idle, as from OpenConfirm
 *  ManualStop   └─────────────┘              └─────────────┘
 *
 * `Dialler` is Idle, Connect and Active; each TCP connection that is up is a `Connection`, OpenSent to Established;
 * `PeerFsm` holds them together. The peer's state is that of whoever of them got furthest.
 *
 * Deviations from §8, and why:
 * - Two connections may be under way at once, one dialled by each side (§8.2.1 has an FSM for each). Dialling goes on
 *   beside an accepted connection that sends no OPEN, and ends as soon as an OPEN is agreed to, which spares a collision.
 * - A dial that fails leads from Connect to Active (§8.2.2: Idle), where ConnectRetryTimer, jittered, paces the next: a
 *   node that boots must be found within that time, not after a hold that has grown while it was away. Idle with its
 *   growing hold is for peers that answer, and then break off.
 * - A passive peer never dials; §8.2.2 lets ConnectRetryTimer dial for it.
 * - In the idle hold a peer that comes is let in, where §8.2.2 refuses it. The hold damps our own attempts; the peer
 *   damps its. Refusing would keep out a peer that has just been mended, and where only one side dials, a single
 *   error would cost a whole round of both timers. After ManualStop it is refused, with Cease 6/5.
 * - In Established a second connection is held back without our OPEN until its own comes. It is then refused (6/7), or
 *   with graceful restart takes over; RFC 4724 §5 lets it take over at once, but a dial that crossed ours must not
 *   end the session it lost against: see collision.ts.
 * - A message header error in Established gets its NOTIFICATION of §6.1, not the FSM Error of §8.2.2.
 * - Expiries of timers that do not run, and events of connections that are closed, were on their way: they are ignored.
 * - A peer's NOTIFICATION that our version is unsupported (Event 24) is like any other; there is but one version.
 * - DelayOpen and its events are optional and left out.
 */
import { CeaseSubcode } from "../iana.ts";
import type { NotificationMessage } from "../message/message.ts";
import type { DownReason, FsmAction } from "./action.ts";
import { cease } from "./cease.ts";
import { type Contender, newcomerWins } from "./collision.ts";
import { Connection, type Outcome } from "./connection.ts";
import { Dialler, type FsmPorts } from "./dialler.ts";
import { sent } from "./down-reason.ts";
import type { ConnectionId, FsmEvent, StartEvent } from "./event.ts";
import type { Negotiated } from "./negotiate.ts";
import type { PeerFsmConfig } from "./peer-config.ts";
import type { FsmState } from "./state.ts";

const furthestLast: readonly FsmState[] = [
  "Idle",
  "Connect",
  "Active",
  "OpenSent",
  "OpenConfirm",
  "Established",
];

/** Why a session is stopped, where it is not the operator's word. */
const stopReasons: Readonly<Record<number, string>> = {
  [CeaseSubcode.administrativeReset]: "reset by the operator",
  [CeaseSubcode.peerDeConfigured]: "the peer is no longer configured",
  [CeaseSubcode.otherConfigurationChange]: "the peer's configuration changed",
};

type PeerEvent = Exclude<FsmEvent, { connection: ConnectionId }>;
type ManualStop = Extract<FsmEvent, { type: "ManualStop" }>;
type TcpConnectionFails = Extract<FsmEvent, { type: "TcpConnectionFails" }>;

/**
 * One peer. The driver feeds `handle` every event in order, and does what it returns, in order:
 * - every connection that it was asked to `connect`, or reported as TcpConnectionConfirmed, gets one `close` in the
 *   end, also when it failed by itself; its timers are stopped before;
 * - `stateChange` comes last;
 * - what graceful restart makes of a `down` of an Established session, `isGraceful` of hard-reset.ts says.
 *
 * A full table is a million UPDATEs: on the `establishedConnection` the driver may keep UpdateMsg and KeepAliveMsg to
 * itself and just restart the hold timer, of `negotiated.holdTimeSeconds` unless that is 0.
 */
export class PeerFsm {
  readonly #config: PeerFsmConfig;
  readonly #ports: FsmPorts;
  readonly #dialler: Dialler;
  readonly #connections = new Map<ConnectionId, Connection>();
  #actions: FsmAction[] = [];
  #established: Connection | undefined;
  #lastDown: DownReason | undefined;
  #connectRetryCounter = 0;
  #establishedTransitions = 0;

  constructor(config: PeerFsmConfig, ports: Pick<FsmPorts, "allocateConnectionId" | "random">) {
    const emit = (action: FsmAction): void => {
      this.#actions.push(action);
    };
    this.#config = config;
    this.#ports = { ...ports, emit };
    this.#dialler = new Dialler(config, this.#ports);
  }

  get state(): FsmState {
    let state: FsmState = this.#dialler.state;
    for (const connection of this.#connections.values()) {
      if (isFurther(connection.state, state)) state = connection.state;
    }
    return state;
  }

  get establishedConnection(): ConnectionId | undefined {
    return this.#established?.id;
  }

  /** Of the Established connection. */
  get negotiated(): Negotiated | undefined {
    return this.#established?.negotiated;
  }

  /** Why the last session or attempt ended; kept while the next is up. */
  get lastDown(): DownReason | undefined {
    return this.#lastDown;
  }

  /** Attempts and sessions that failed since ManualStart. */
  get connectRetryCounter(): number {
    return this.#connectRetryCounter;
  }

  /** How often Established was reached; never reset. */
  get establishedTransitions(): number {
    return this.#establishedTransitions;
  }

  /** What to start again with after a stop now: a peer with a session needs some time to read why it ends. */
  get restart(): StartEvent {
    const isEstablished = this.#established !== undefined;
    return { type: isEstablished ? "AutomaticStart_with_DampPeerOscillations" : "ManualStart" };
  }

  handle(event: FsmEvent): readonly FsmAction[] {
    if (event.type === "KeepAliveMsg" || event.type === "UpdateMsg") {
      const established = this.#established;
      if (established?.id === event.connection) return established.restartHoldTimer;
    }
    const actions: FsmAction[] = [];
    this.#actions = actions;
    const from = this.state;
    if ("connection" in event) this.#connectionEvent(event);
    else this.#peerEvent(event);
    this.#settleDialling();
    const to = this.state;
    if (to !== from) actions.push({ type: "stateChange", from, to });
    return actions;
  }

  #peerEvent(event: PeerEvent): void {
    switch (event.type) {
      case "ManualStart":
        return this.#start(() => this.#dialler.start());
      case "AutomaticStart_with_DampPeerOscillations":
        return this.#start(() => this.#dialler.startDamped());
      case "ManualStop":
        return this.#manualStop(event);
      case "AutomaticStop":
        return this.#stop(event.type, event.text, event.notification);
      case "IdleHoldTimer_Expires":
        return this.#idleHoldTimerExpires();
      case "ConnectRetryTimer_Expires":
        return this.#connectRetryTimerExpires();
    }
  }

  #connectionEvent(event: Exclude<FsmEvent, PeerEvent>): void {
    if (event.type === "Tcp_CR_Acked") return this.#dialled(event.connection);
    if (event.type === "TcpConnectionConfirmed") return this.#accepted(event.connection);
    const connection = this.#connections.get(event.connection);
    if (connection !== undefined) return this.#proceed(connection, connection.handle(event));
    if (event.type === "TcpConnectionFails") this.#dialFailed(event);
  }

  #start(start: () => void): void {
    if (this.state !== "Idle") return;
    this.#connectRetryCounter = 0;
    start();
  }

  #manualStop({ subcode = CeaseSubcode.administrativeShutdown, message }: ManualStop): void {
    const why = stopReasons[subcode] ?? "stopped by the operator";
    const text = message === undefined ? why : `${why}: "${message}"`;
    this.#stop("ManualStop", text, cease(subcode, message));
  }

  #stop(event: string, text: string, notification: NotificationMessage): void {
    const wasEstablished = this.#established !== undefined;
    const state = this.state;
    let told: NotificationMessage | undefined;
    for (const connection of this.#connections.values()) {
      const said = connection.end(notification);
      if (told === undefined || connection === this.#established) told = said;
    }
    this.#connections.clear();
    this.#established = undefined;
    this.#dialler.stop();
    this.#connectRetryCounter = 0;
    if (state === "Idle") return;
    this.#down(told === undefined ? { event, text } : sent(event, text, told), wasEstablished);
  }

  #idleHoldTimerExpires(): void {
    this.#established?.settle();
    this.#dialler.idleHoldTimerExpires();
  }

  #connectRetryTimerExpires(): void {
    if (!this.#dialler.connectRetryTimerExpires()) return;
    const hint = this.#config.noAnswerHint?.();
    const text = `no answer to our dial${hint === undefined ? "" : `: ${hint}`}`;
    this.#dialEnded({ event: "ConnectRetryTimer_Expires", text });
  }

  #dialled(id: ConnectionId): void {
    if (id !== this.#dialler.connecting) return;
    this.#dialler.connected();
    this.#adopt(new Connection({ id, dialled: true }, this.#config, this.#ports));
  }

  #accepted(id: ConnectionId): void {
    const connection = new Connection({ id, dialled: false }, this.#config, this.#ports);
    if (this.#dialler.isStopped) {
      connection.end(cease(CeaseSubcode.connectionRejected));
      return;
    }
    this.#dumpAbandoned();
    this.#adopt(connection);
  }

  /** A peer that dials again has given up its earlier dial. */
  #dumpAbandoned(): void {
    for (const [id, connection] of this.#connections) {
      if (connection.dialled || connection === this.#established) continue;
      connection.dump();
      this.#connections.delete(id);
    }
  }

  #adopt(connection: Connection): void {
    this.#connections.set(connection.id, connection);
    if (this.#established === undefined) connection.open();
    else connection.track();
  }

  #proceed(connection: Connection, outcome: Outcome): void {
    switch (outcome.type) {
      case "unchanged":
        return;
      case "openReceived":
        return this.#openReceived(connection, outcome.negotiated);
      case "established":
        return this.#sessionEstablished(connection, outcome.negotiated);
      case "ended":
        return this.#ended(connection, outcome);
    }
  }

  #openReceived(connection: Connection, negotiated: Negotiated): void {
    const holder = this.#confirmed();
    if (holder?.negotiated === undefined) return connection.confirm(negotiated);
    const wins = newcomerWins(
      contender(connection, negotiated),
      contender(holder, holder.negotiated),
    );
    const loser = wins ? holder : connection;
    this.#connections.delete(loser.id);
    if (loser === this.#established) this.#replaceEstablished(loser);
    else loser.dump();
    if (wins) connection.confirm(negotiated);
  }

  /** The one connection whose OPEN was agreed to. */
  #confirmed(): Connection | undefined {
    for (const connection of this.#connections.values()) {
      if (connection.negotiated !== undefined) return connection;
    }
    return undefined;
  }

  /** RFC 4724 §5: no NOTIFICATION, that would end the restart at a peer that has not restarted. */
  #replaceEstablished(connection: Connection): void {
    connection.close();
    this.#established = undefined;
    this.#dialler.sessionEnded();
    const text = "the peer opened a new connection (graceful restart, RFC 4724 section 5)";
    this.#down({ event: "OpenCollisionDump", text }, true);
  }

  #sessionEstablished(connection: Connection, negotiated: Negotiated): void {
    this.#established = connection;
    this.#establishedTransitions += 1;
    this.#dialler.sessionEstablished();
    this.#ports.emit({ type: "established", connection: connection.id, negotiated });
  }

  #ended(connection: Connection, { from, reason }: Extract<Outcome, { type: "ended" }>): void {
    this.#connections.delete(connection.id);
    const wasEstablished = connection === this.#established;
    if (wasEstablished) {
      this.#established = undefined;
      this.#dialler.sessionEnded();
    } else if (this.#connections.size > 0) {
      return; // The other connection is the attempt that counts.
    }
    this.#connectRetryCounter += 1;
    const isPlainLoss = from === "OpenSent" && reason.event === "TcpConnectionFails";
    if (!isPlainLoss && !this.#isSuperseded()) this.#dialler.hold();
    this.#down(reason, wasEstablished);
  }

  #dialFailed({ type, connection, reason }: TcpConnectionFails): void {
    if (connection !== this.#dialler.connecting) return;
    this.#dialler.dialFailed();
    this.#dialEnded({ event: type, text: reason });
  }

  #dialEnded(reason: DownReason): void {
    this.#connectRetryCounter += 1;
    if (this.#connections.size === 0) this.#down(reason, false);
  }

  #down(reason: DownReason, wasEstablished: boolean): void {
    this.#lastDown = reason;
    this.#ports.emit({ type: "down", reason, wasEstablished });
  }

  /** There is a dialled connection, or one whose OPEN was agreed to: no need to dial. */
  #isSuperseded(): boolean {
    for (const { dialled, negotiated } of this.#connections.values()) {
      if (dialled || negotiated !== undefined) return true;
    }
    return false;
  }

  /** Holds the dialler and the connections held back to what the connections that are left ask for. */
  #settleDialling(): void {
    if (this.#established === undefined) {
      for (const connection of this.#connections.values()) {
        if (connection.state === "Active") connection.open();
      }
    }
    if (this.#isSuperseded()) this.#dialler.supersede();
    else this.#dialler.resume();
  }
}

function isFurther(a: FsmState, b: FsmState): boolean {
  return furthestLast.indexOf(a) > furthestLast.indexOf(b);
}

function contender({ dialled, state, settled }: Connection, negotiated: Negotiated): Contender {
  return { dialled, state, settled, negotiated };
}
