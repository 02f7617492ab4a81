import type { ConnectionTimer, FsmAction } from "./fsm/action.ts";
import type { ConnectionId, FsmEvent } from "./fsm/event.ts";
import type { Negotiated } from "./fsm/negotiate.ts";
import { extendedMessageOctets, headerOctets, MessageType } from "./iana.ts";
import { familyKey } from "./message/codec-context.ts";
import { Framer, type FramedMessage } from "./message/framer.ts";
import { encodeKeepalive } from "./message/keepalive.ts";
import { decodeNotification, encodeNotification } from "./message/notification.ts";
import { decodeOpen, encodeOpen } from "./message/open.ts";
import type { OpenMessage, RouteRefreshMessage } from "./message/message.ts";
import { decodeRouteRefresh, encodeRouteRefresh } from "./message/route-refresh.ts";
import type { Dribble } from "./offence-ledger.ts";
import type { Peer } from "./peer.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import { createMember } from "./rib/group-member.ts";
import { exportProfile } from "./session-policy.ts";
import type { SpeakerConfig } from "./speaker-config.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";
import type { UpdateReceiver, UpdateReport, UpdateSource } from "./update-receiver.ts";

/**
 * Octets waiting to be worked off above which the socket is no longer read, until half are left: as few as stay in the
 * processor's cache until then, but twice as many as a message can have.
 */
const pauseAboveOctets = 128 * 1024;

const looksPerSendHold = 8;

/** A message in more pieces than these, which have fewer octets in the mean than any TCP makes segments of, dribbles in. */
const fewPieces = 8;
const smallPieceOctets = 64;

const messageTypeOf = {
  sendOpen: MessageType.open,
  sendKeepalive: MessageType.keepalive,
  sendNotification: MessageType.notification,
} as const;

/** One TCP connection of a peer: its framer, and what turns octets into events and back. */
export class PeerSession {
  readonly connection: ConnectionId;
  readonly peer: Peer;
  readonly #ports: SpeakerPorts;
  readonly #framer = new Framer();
  /** In the speaker's queue of sessions to read. */
  isQueued = false;
  /** Of the UPDATE that `next` has just taken; the speaker clears it. */
  report: UpdateReport | undefined;
  /** The ROUTE-REFRESH that `next` has just taken; the speaker clears it. */
  routeRefresh: RouteRefreshMessage | undefined;
  /** Pieces that the message came in which `next` has just taken, where they were many and small; the speaker clears it. */
  dribble: Dribble | undefined;
  #source: UpdateSource | undefined;
  #failure: string | undefined;
  #isPaused = false;
  #heardMs: number;
  #holdMs = 0;
  #sendHoldMs = 0;
  #writtenOctets = 0;
  /** Octets that the peer's TCP, or our kernel for it, had taken when that was last looked at, and since when. */
  #takenOctets = 0;
  #takenMs = 0;

  constructor(connection: ConnectionId, peer: Peer, ports: SpeakerPorts) {
    this.connection = connection;
    this.peer = peer;
    this.#ports = ports;
    this.#heardMs = ports.nowMs();
  }

  /** Octets received that are not worked off yet. */
  get pendingOctets(): number {
    return this.#framer.pendingOctets;
  }

  push(octets: Uint8Array): void {
    this.#framer.push(octets);
    if (!this.#isPaused && this.#framer.pendingOctets > pauseAboveOctets) this.#setPaused(true);
  }

  #setPaused(paused: boolean): void {
    this.#isPaused = paused;
    this.#ports.setReading(this.connection, !paused);
  }

  /** The connection is gone; what has arrived is still to be read. */
  fail(reason: string): void {
    this.#failure = reason;
  }

  /**
   * Works off the next message. @returns the event it is to the FSM, `handled` when the FSM need not know, `undefined`
   * when there is no whole message @param nowMs milliseconds of the ports' clock, looked at a few messages ago at most
   * @throws BgpError for what RFC 4271 §6 answers with a NOTIFICATION
   */
  next(receiver: UpdateReceiver, nowMs: number): FsmEvent | "handled" | undefined {
    const message = this.#framer.next();
    if (this.#isPaused && this.#framer.pendingOctets <= pauseAboveOctets / 2)
      this.#setPaused(false);
    if (message === undefined) return this.#lost();
    this.#heardMs = nowMs;
    this.peer.received[message.type]++;
    if (this.#framer.pieces > fewPieces) this.#lookAtPieces(message);
    return this.#take(message, receiver);
  }

  #lookAtPieces({ start, end }: FramedMessage): void {
    const { pieces } = this.#framer;
    const octets = headerOctets + end - start;
    if (octets < pieces * smallPieceOctets) this.dribble = { octets, pieces };
  }

  #lost(): FsmEvent | undefined {
    if (this.#failure === undefined) return undefined;
    const event: FsmEvent = {
      type: "TcpConnectionFails",
      connection: this.connection,
      reason: this.#failure,
    };
    this.#failure = undefined;
    return event;
  }

  #take(message: FramedMessage, receiver: UpdateReceiver): FsmEvent | "handled" {
    const { connection } = this;
    const { type, octets, start, end } = message;
    const isEstablished = this.peer.fsm.establishedConnection === connection;
    switch (type) {
      case MessageType.update:
        if (!isEstablished || this.#source === undefined) return { type: "UpdateMsg", connection };
        this.report = receiver.receive(octets, start, end, this.#source, this.#heardMs);
        return "handled";
      case MessageType.keepalive:
        return isEstablished ? "handled" : { type: "KeepAliveMsg", connection };
      case MessageType.open:
        return { type: "BGPOpen", connection, open: decodeOpen(octets.subarray(start, end)) };
      case MessageType.notification: {
        const notification = decodeNotification(octets.subarray(start, end));
        return { type: "NotifMsg", connection, notification };
      }
      case MessageType.routeRefresh: {
        const routeRefresh = decodeRouteRefresh(octets.subarray(start, end));
        if (isEstablished) this.routeRefresh = routeRefresh;
        return { type: "RouteRefreshMsg", connection };
      }
    }
  }

  /** Encodes and writes what the FSM has to say. */
  send(action: Extract<FsmAction, { type: keyof typeof messageTypeOf }>): void {
    if (action.type === "sendOpen") this.#offer(action.open);
    this.peer.sent[messageTypeOf[action.type]]++;
    this.#write([encode(action)]);
  }

  /** What may come from here on: a peer needs our offer alone to send extended messages, not one of its own (RFC 8654 §4). */
  #offer({ capabilities }: OpenMessage): void {
    if (!capabilities.some(({ name }) => name === "extendedMessage")) return;
    this.#framer.maximumMessageOctets = extendedMessageOctets;
  }

  #write(parts: readonly Uint8Array[]): boolean {
    for (const part of parts) this.#writtenOctets += part.length;
    return this.#ports.write(this.connection, parts);
  }

  /** @returns false when no more should be written until `drained` */
  sendRouteRefresh(family: number, subtype: number): boolean {
    this.peer.sent[MessageType.routeRefresh]++;
    const message = encodeRouteRefresh({ afi: family >>> 8, safi: family & 0xff, subtype });
    const mayGoOn = this.#write([message]);
    if (!mayGoOn) this.#setBlocked(true);
    return mayGoOn;
  }

  /**
   * Starts a timer. What the hold timer was started with is remembered, since messages only move `holdRemainingMs`; the
   * send hold timer looks several times in its period.
   */
  startTimer(timer: ConnectionTimer, delayMs: number): void {
    const nowMs = this.#ports.nowMs();
    let firstMs = delayMs;
    if (timer === "holdTimer") {
      this.#holdMs = delayMs;
      this.#heardMs = nowMs;
    } else if (timer === "sendHoldTimer") {
      this.#sendHoldMs = delayMs;
      this.#takenMs = nowMs;
      firstMs = delayMs / looksPerSendHold;
    }
    this.#ports.startTimer({ timer, connection: this.connection }, firstMs);
  }

  /** Milliseconds until a timer that has run out should be looked at again; 0 when it has expired. */
  remainingMs(timer: ConnectionTimer): number {
    if (timer === "holdTimer") return Math.max(0, this.#holdRemainingMs());
    return timer === "sendHoldTimer" ? this.#sendHoldRemainingMs() : 0;
  }

  /** RFC 9687 §3.3: each octet that is taken restarts the timer. A peer that is sent nothing is no offender. */
  #sendHoldRemainingMs(): number {
    const nowMs = this.#ports.nowMs();
    const unsentOctets = this.#ports.unsentOctets(this.connection);
    const takenOctets = this.#writtenOctets - unsentOctets;
    if (unsentOctets === 0 || takenOctets > this.#takenOctets) this.#takenMs = nowMs;
    this.#takenOctets = takenOctets;
    const remainingMs = this.#takenMs + this.#sendHoldMs - nowMs;
    return Math.max(0, Math.min(remainingMs, this.#sendHoldMs / looksPerSendHold));
  }

  /** Milliseconds until the peer has been silent for the hold time. What waits to be worked off counts as heard. */
  #holdRemainingMs(): number {
    if (this.isQueued) return this.#holdMs;
    return this.#heardMs + this.#holdMs - this.#ports.nowMs();
  }

  /** Puts what was negotiated in force and joins the update groups. */
  establish(
    negotiated: Negotiated,
    ribs: ReadonlyMap<number, FamilyRib>,
    config: SpeakerConfig,
  ): void {
    const { peer } = this;
    peer.localEnd = this.#ports.localEnd(this.connection);
    const keys = negotiated.families
      .map(({ afi, safi }) => familyKey(afi, safi))
      .filter((key) => ribs.has(key));
    this.#source = {
      peer: peer.index,
      context: negotiated.codec,
      families: new Set(keys),
      // Read anew at each UPDATE: the policy may change under the session.
      get importPolicy() {
        return peer.importPolicy;
      },
      get discardAbove() {
        const limit = peer.settings.maximumPrefixes;
        return limit?.action === "discard" ? limit.limit : undefined;
      },
    };
    for (const key of keys) {
      const rib = ribs.get(key) as FamilyRib;
      const member = createMember(
        peer.index,
        (parts, messages) => this.#sendUpdates(parts, messages),
        negotiated.enhancedRouteRefresh
          ? (subtype) => this.sendRouteRefresh(key, subtype)
          : undefined,
      );
      const profile = exportProfile(peer, negotiated, config, rib.family);
      peer.families.push({ key, group: rib.join(profile, member), member });
    }
  }

  #sendUpdates(parts: readonly Uint8Array[], messages: number): boolean {
    this.peer.sent[MessageType.update] += messages;
    const mayGoOn = this.#write(parts);
    if (!mayGoOn) this.#setBlocked(true);
    return mayGoOn;
  }

  #setBlocked(blocked: boolean): void {
    for (const { member } of this.peer.families) member.isBlocked = blocked;
  }

  drained(): void {
    if (this.#source !== undefined) this.#setBlocked(false);
  }
}

function encode(action: Extract<FsmAction, { type: keyof typeof messageTypeOf }>): Uint8Array {
  switch (action.type) {
    case "sendOpen":
      return encodeOpen(action.open);
    case "sendKeepalive":
      return encodeKeepalive();
    case "sendNotification":
      return encodeNotification(action.notification);
  }
}
