import { BgpError, FsmError } from "../errors.ts";
import { CeaseSubcode, ErrorCode, FsmSubcode, MessageType } from "../iana.ts";
import type { NotificationMessage, OpenMessage } from "../message/message.ts";
import type { ConnectionTimer, DownReason, FsmAction } from "./action.ts";
import { cease } from "./cease.ts";
import { type FsmPorts, jitteredMs } from "./dialler.ts";
import { errorEvent, received, sent } from "./down-reason.ts";
import type { ConnectionId, FsmEvent } from "./event.ts";
import { hardened } from "./hard-reset.ts";
import { type Negotiated, negotiate, validateOpen } from "./negotiate.ts";
import type { PeerFsmConfig } from "./peer-config.ts";
import { sendHoldSeconds } from "./send-hold.ts";

/** `Active`: up, but our OPEN is held back until the peer's has come (RFC 4271 §8.2.2, Established, Events 16 and 17). */
export type ConnectionState = "Active" | "OpenSent" | "OpenConfirm" | "Established";

/** What happens on a connection that is up. */
export type ConnectionEvent = Exclude<
  Extract<FsmEvent, { connection: ConnectionId }>,
  { type: "Tcp_CR_Acked" | "TcpConnectionConfirmed" }
>;

/** What the peer's FSM must know of a connection's step. */
export type Outcome =
  | { readonly type: "unchanged" }
  /** A valid OPEN came: `confirm` or, if it loses a collision, `cease`. */
  | { readonly type: "openReceived"; readonly negotiated: Negotiated }
  | { readonly type: "established"; readonly negotiated: Negotiated }
  /** Closed, and why. */
  | { readonly type: "ended"; readonly from: ConnectionState; readonly reason: DownReason };

/** RFC 4271 §8.2.2 suggests four minutes for a peer that has yet to send its OPEN. */
const openHoldSeconds = 240;

const unchanged: Outcome = { type: "unchanged" };

const unexpectedSubcode = {
  Active: FsmSubcode.unexpectedInOpenSent,
  OpenSent: FsmSubcode.unexpectedInOpenSent,
  OpenConfirm: FsmSubcode.unexpectedInOpenConfirm,
  Established: FsmSubcode.unexpectedInEstablished,
} as const;

const messageNames = {
  [MessageType.open]: "an OPEN",
  [MessageType.update]: "an UPDATE",
  [MessageType.notification]: "a NOTIFICATION",
  [MessageType.keepalive]: "a KEEPALIVE",
  [MessageType.routeRefresh]: "a ROUTE-REFRESH",
} as const;

/** The message that an error of this code is in, where it can be but one. */
const typeOfError: Readonly<Record<number, MessageType>> = {
  [ErrorCode.openMessage]: MessageType.open,
  [ErrorCode.updateMessage]: MessageType.update,
  [ErrorCode.routeRefreshMessage]: MessageType.routeRefresh,
};

/** The FSM of one TCP connection that is up, RFC 4271 §8.2.2. It does no IO: what is to be done goes to `ports.emit`. */
export class Connection {
  readonly id: ConnectionId;
  /** We dialled it; else the peer did. */
  readonly dialled: boolean;
  readonly #config: PeerFsmConfig;
  readonly #ports: FsmPorts;
  readonly #running = new Set<ConnectionTimer>();
  #state: ConnectionState = "Active";
  #localOpen: OpenMessage | undefined;
  #negotiated: Negotiated | undefined;
  #settled = false;
  #restartHoldTimer: readonly FsmAction[] = [];

  constructor(
    origin: { readonly id: ConnectionId; readonly dialled: boolean },
    config: PeerFsmConfig,
    ports: FsmPorts,
  ) {
    this.id = origin.id;
    this.dialled = origin.dialled;
    this.#config = config;
    this.#ports = ports;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** From the peer's OPEN on. */
  get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  /** Established, and its first KEEPALIVE interval is over. */
  get settled(): boolean {
    return this.#settled;
  }

  /** What a KEEPALIVE or UPDATE in Established asks for; always the same array. */
  get restartHoldTimer(): readonly FsmAction[] {
    return this.#restartHoldTimer;
  }

  /** Sends our OPEN. */
  open(): void {
    this.#sendOpen();
    this.#startTimer("holdTimer", openHoldSeconds * 1000);
    this.#state = "OpenSent";
  }

  /** Waits for the peer's OPEN without sending ours. */
  track(): void {
    this.#startTimer("holdTimer", openHoldSeconds * 1000);
  }

  /** Agrees to the OPEN that came. */
  confirm(negotiated: Negotiated): void {
    if (this.#state === "Active") this.#sendOpen();
    this.#negotiated = negotiated;
    this.#state = "OpenConfirm";
    this.#ports.emit({ type: "sendKeepalive", connection: this.id });
    if (negotiated.holdTimeSeconds === 0) {
      this.#stopTimer("holdTimer");
      return;
    }
    this.#startTimer("holdTimer", negotiated.holdTimeSeconds * 1000);
    this.#startKeepaliveTimer(negotiated.keepaliveSeconds);
  }

  /** Ends it with a NOTIFICATION of ours. @returns it as it was sent */
  end(notification: NotificationMessage): NotificationMessage {
    const told = this.#notify(notification);
    this.close();
    return told;
  }

  #notify(notification: NotificationMessage): NotificationMessage {
    const told = hardened(notification, this.#negotiated);
    this.#ports.emit({ type: "sendNotification", connection: this.id, notification: told });
    return told;
  }

  /** RFC 4271 §6.8: lost against another connection. */
  dump(): void {
    this.end(cease(CeaseSubcode.connectionCollisionResolution));
  }

  /** Ends it without a word. */
  close(): void {
    for (const timer of this.#running) this.#stopTimer(timer);
    this.#ports.emit({ type: "close", connection: this.id });
  }

  /** The session has lasted: a second connection is news from the peer, not a dial that crossed ours. */
  settle(): void {
    this.#settled = true;
  }

  handle(event: ConnectionEvent): Outcome {
    switch (event.type) {
      case "BGPOpen":
        return this.#openReceived(event.open);
      case "KeepAliveMsg":
        return this.#keepaliveReceived();
      case "UpdateMsg":
        return this.#updateReceived();
      case "RouteRefreshMsg":
        return this.#state === "Established"
          ? unchanged
          : this.#unexpected(MessageType.routeRefresh);
      case "NotifMsg":
        return this.#endedBy(received(event.notification));
      case "MessageError":
        return this.#messageError(event.error);
      case "HoldTimer_Expires":
        return this.#holdTimerExpires();
      case "KeepaliveTimer_Expires":
        return this.#keepaliveTimerExpires();
      case "SendHoldTimer_Expires":
        return this.#sendHoldTimerExpires();
      case "TcpConnectionFails":
        return this.#endedBy({ event: event.type, text: event.reason });
    }
  }

  /** Ends it for an error, which the peer is told. */
  fail(event: string, error: BgpError): Outcome {
    const { code, subcode, data } = error;
    return this.#endedBy(sent(event, error.message, this.#notify({ code, subcode, data })));
  }

  #openReceived(open: OpenMessage): Outcome {
    if (this.#state !== "Active" && this.#state !== "OpenSent") {
      return this.#unexpected(MessageType.open);
    }
    const localOpen = this.#open();
    try {
      validateOpen(this.#config.peerAsn, localOpen, open, this.#config.strictRole);
    } catch (error) {
      if (error instanceof BgpError) return this.fail("BGPOpenMsgErr", error);
      throw error;
    }
    return { type: "openReceived", negotiated: negotiate(localOpen, open) };
  }

  #keepaliveReceived(): Outcome {
    const negotiated = this.#negotiated;
    if (negotiated === undefined) return this.#unexpected(MessageType.keepalive);
    if (this.#state === "Established") return this.#heard();
    this.#state = "Established";
    this.#restartHoldTimer = this.#holdTimerRestart(negotiated);
    this.#heard();
    const sendHold = this.#sendHoldSeconds(negotiated);
    if (sendHold > 0) this.#startTimer("sendHoldTimer", sendHold * 1000);
    return { type: "established", negotiated };
  }

  #updateReceived(): Outcome {
    return this.#state === "Established" ? this.#heard() : this.#unexpected(MessageType.update);
  }

  #heard(): Outcome {
    for (const action of this.#restartHoldTimer) this.#ports.emit(action);
    return unchanged;
  }

  /** An error in a message that has no place in this state is first of all that (RFC 4271 §8.2.2). */
  #messageError(error: BgpError): Outcome {
    const type = typeOfError[error.code];
    const isOpenDue = this.#state !== "Established";
    if (type === undefined || (type === MessageType.open) === isOpenDue) {
      return this.fail(errorEvent(error), error);
    }
    return this.#unexpected(type, ` (malformed: ${error.message})`);
  }

  /** RFC 6608 §4: the data are the message's type. */
  #unexpected(type: MessageType, more = ""): Outcome {
    const text = `the peer sent ${messageNames[type]} in ${this.#state}${more}`;
    const data = Uint8Array.of(type);
    return this.fail("FsmError", new FsmError(unexpectedSubcode[this.#state], text, data));
  }

  /** An expiry that was on its way when its timer was stopped is no event: so here, and for the other timers. */
  #holdTimerExpires(): Outcome {
    if (!this.#running.delete("holdTimer")) return unchanged;
    const seconds = this.#negotiated?.holdTimeSeconds ?? openHoldSeconds;
    const awaited = this.#negotiated === undefined ? "no OPEN" : "nothing heard";
    const text = `${awaited} from the peer for ${seconds} s`;
    const error = new BgpError({ code: ErrorCode.holdTimerExpired, subcode: 0 }, text);
    return this.fail("HoldTimer_Expires", error);
  }

  #keepaliveTimerExpires(): Outcome {
    if (!this.#running.delete("keepaliveTimer")) return unchanged;
    this.#ports.emit({ type: "sendKeepalive", connection: this.id });
    this.#startKeepaliveTimer(this.#negotiated?.keepaliveSeconds ?? 0);
    if (this.#state === "Established") this.settle();
    return unchanged;
  }

  #sendHoldSeconds({ holdTimeSeconds }: Negotiated): number {
    return sendHoldSeconds(this.#config.sendHoldTimeSeconds, holdTimeSeconds);
  }

  /** The driver restarts the timer with each octet that the peer takes (RFC 9687 §3.3). */
  #sendHoldTimerExpires(): Outcome {
    const negotiated = this.#negotiated;
    if (!this.#running.delete("sendHoldTimer") || negotiated === undefined) return unchanged;
    const text = `the peer has taken nothing of what we sent for ${this.#sendHoldSeconds(negotiated)} s`;
    const error = new BgpError({ code: ErrorCode.sendHoldTimerExpired, subcode: 0 }, text);
    return this.fail("SendHoldTimer_Expires", error);
  }

  #endedBy(reason: DownReason): Outcome {
    this.close();
    return { type: "ended", from: this.#state, reason };
  }

  #sendOpen(): void {
    this.#ports.emit({ type: "sendOpen", connection: this.id, open: this.#open() });
  }

  /** The OPEN of this connection, made once: what was sent is what is negotiated. */
  #open(): OpenMessage {
    const { localAsn, localIdentifier, holdTimeSeconds, capabilities } = this.#config;
    const { extendedOpenParameters } = this.#config;
    this.#localOpen ??= {
      asn: localAsn,
      holdTimeSeconds,
      bgpIdentifier: localIdentifier,
      capabilities: capabilities(),
      ...(extendedOpenParameters === true && { extendedParameters: true }),
    };
    return this.#localOpen;
  }

  #holdTimerRestart({ holdTimeSeconds }: Negotiated): readonly FsmAction[] {
    if (holdTimeSeconds === 0) return [];
    const delayMs = holdTimeSeconds * 1000;
    return [{ type: "startTimer", timer: "holdTimer", connection: this.id, delayMs }];
  }

  #startKeepaliveTimer(seconds: number): void {
    // RFC 4271 §4.4: not more often than one a second.
    this.#startTimer("keepaliveTimer", Math.max(1000, jitteredMs(seconds, this.#ports.random)));
  }

  #startTimer(timer: ConnectionTimer, delayMs: number): void {
    this.#running.add(timer);
    this.#ports.emit({ type: "startTimer", timer, connection: this.id, delayMs });
  }

  #stopTimer(timer: ConnectionTimer): void {
    if (!this.#running.delete(timer)) return;
    this.#ports.emit({ type: "stopTimer", timer, connection: this.id });
  }
}
