import { BgpError } from "./errors.ts";
import type { ConnectionTimer, FsmAction } from "./fsm/action.ts";
import type { ConnectionId, FsmEvent } from "./fsm/event.ts";
import type { Peer } from "./peer.ts";
import { PeerSession } from "./peer-session.ts";
import { ReadQueue } from "./read-queue.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";
import type { UpdateReceiver } from "./update-receiver.ts";

/** Messages of a session, and octets in them, between two looks at the time: those of 65,535 octets have 16,000 prefixes each. */
const messagesPerLook = 16;
const octetsPerLook = 32 * 1024;

const expiries = {
  holdTimer: "HoldTimer_Expires",
  keepaliveTimer: "KeepaliveTimer_Expires",
  sendHoldTimer: "SendHoldTimer_Expires",
} as const;

/** Actions of an FSM that concern one of its connections, and no more than that. */
export type ConnectionAction = Extract<
  FsmAction,
  {
    type: `send${string}` | "connect" | "close" | "startTimer" | "stopTimer";
  }
>;

/** What a message was to the FSM, or that it need not know of it. */
export type MessageEvent = FsmEvent | "handled";

/** The TCP connections of a speaker: what arrives on them, in turns, and what the FSMs do with them. */
export class SessionTable {
  readonly #ports: SpeakerPorts;
  readonly #sessions = new Map<ConnectionId, PeerSession>();
  readonly #readable = new ReadQueue();
  #nextConnection = 1;

  constructor(ports: SpeakerPorts) {
    this.#ports = ports;
  }

  /** An id that no connection had yet. */
  allocate(): ConnectionId {
    return this.#nextConnection++;
  }

  add(connection: ConnectionId, peer: Peer): void {
    this.#sessions.set(connection, new PeerSession(connection, peer, this.#ports));
  }

  get(connection: ConnectionId): PeerSession | undefined {
    return this.#sessions.get(connection);
  }

  /** The one of a peer that is Established. */
  of(peer: Peer): PeerSession | undefined {
    const connection = peer.fsm.establishedConnection;
    return connection === undefined ? undefined : this.#sessions.get(connection);
  }

  /** Octets arrived; they must not change afterwards. */
  receive(connection: ConnectionId, octets: Uint8Array): void {
    const session = this.#sessions.get(connection);
    if (session === undefined) return;
    session.push(octets);
    this.#enqueue(session);
  }

  /** A connection did not come about, or was lost. What had arrived before is worked off first. */
  fail(connection: ConnectionId, reason: string): void {
    const session = this.#sessions.get(connection);
    if (session === undefined) return;
    session.fail(reason);
    this.#enqueue(session);
  }

  /** A timer of a connection has run out. @returns what that is to whose FSM, if it is anything to it yet */
  expired(
    connection: ConnectionId,
    timer: ConnectionTimer,
  ): { readonly peer: Peer; readonly event: FsmEvent } | undefined {
    const session = this.#sessions.get(connection);
    if (session === undefined) return undefined;
    // The hold timers are not restarted at each message, which would cost more than the message: here it is made good.
    const remainingMs = session.remainingMs(timer);
    if (remainingMs <= 0) {
      return { peer: session.peer, event: { type: expiries[timer], connection } };
    }
    this.#ports.startTimer({ timer, connection }, remainingMs);
    return undefined;
  }

  #enqueue(session: PeerSession): void {
    if (this.#readable.push(session)) this.#ports.wake();
  }

  /** Is nothing left to be worked off? */
  get isIdle(): boolean {
    return this.#readable.isEmpty;
  }

  /** Works off messages, session by session, while `mayContinue` says so. @param taken told of each */
  read(
    mayContinue: () => boolean,
    receiver: UpdateReceiver,
    taken: (session: PeerSession, event: MessageEvent) => void,
  ): void {
    this.#readable.drain(mayContinue, (session) => this.#read(session, receiver, taken));
  }

  /** Works off some messages of a session. @returns whether there are more */
  #read(
    session: PeerSession,
    receiver: UpdateReceiver,
    taken: (session: PeerSession, event: MessageEvent) => void,
  ): boolean {
    const enough = session.pendingOctets - octetsPerLook;
    const nowMs = this.#ports.nowMs();
    for (let count = 0; count < messagesPerLook && session.pendingOctets > enough; count++) {
      if (!this.#sessions.has(session.connection)) return false;
      let event: MessageEvent | undefined;
      try {
        event = session.next(receiver, nowMs);
      } catch (error) {
        if (!(error instanceof BgpError)) throw error;
        event = { type: "MessageError", connection: session.connection, error };
      }
      if (event === undefined) return false;
      taken(session, event);
    }
    return true;
  }

  /** Does what a peer's FSM asks for. */
  perform(peer: Peer, action: ConnectionAction): void {
    const { connection } = action;
    switch (action.type) {
      case "connect":
        this.add(connection, peer);
        return this.#ports.connect(connection, peer.settings);
      case "close":
        this.#sessions.delete(connection);
        return this.#ports.close(connection);
      case "sendOpen":
      case "sendKeepalive":
      case "sendNotification":
        return this.#sessions.get(connection)?.send(action);
      case "startTimer":
        return this.#sessions.get(connection)?.startTimer(action.timer, action.delayMs);
      case "stopTimer":
        return this.#ports.stopTimer({ timer: action.timer, connection });
    }
  }
}
