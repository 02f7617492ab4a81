import type { Prefix } from "../net/prefix.ts";
import { families, type Family } from "./family/index.ts";
import type { FsmAction } from "./fsm/action.ts";
import type { ConnectionId, FsmEvent } from "./fsm/event.ts";
import { isGraceful } from "./fsm/hard-reset.ts";
import { PeerFsm } from "./fsm/peer.ts";
import { CeaseSubcode } from "./iana.ts";
import { originate, type OriginatedRoute } from "./rib/originate.ts";
import { PathAttributeStore } from "./rib/path-attributes.ts";
import { defaultRibLimits } from "./rib/rib-limits.ts";
import { FamilyRib } from "./rib/family-rib.ts";
import type { LocRibChanges } from "./rib/loc-rib.ts";
import { localPeer, type RibPeer } from "./rib/source.ts";
import { EndOfRibDeferral } from "./end-of-rib-deferral.ts";
import { GracefulRestartHelper } from "./graceful-restart-helper.ts";
import { DynamicPeers, type PeerRange } from "./dynamic-peers.ts";
import type { ForwardingPreserved, RestartState } from "./own-restart.ts";
import { OffenceLedger } from "./offence-ledger.ts";
import { Peer, type PeerAdmission, type PeerHold } from "./peer.ts";
import { PeerControl } from "./peer-control.ts";
import { RouteRefresh } from "./route-refresh.ts";
import { fsmConfig, needsNewSession, type PeerSettings, sourceOf } from "./peer-settings.ts";
import type { PeerSession } from "./peer-session.ts";
import { PrefixLimits } from "./prefix-limits.ts";
import { PeerTable } from "./peer-table.ts";
import { type MessageEvent, SessionTable } from "./session-table.ts";
import { putPoliciesInForce } from "./policies-in-force.ts";
import { importPolicy } from "./session-policy.ts";
import type { SpeakerConfig } from "./speaker-config.ts";
import type { SpeakerObserver, SpeakerPorts, SpeakerTimer } from "./speaker-ports.ts";
import { UpdateReceiver } from "./update-receiver.ts";

const disabledHold: PeerHold = { by: "configuration", text: "disabled by the configuration" };

/**
 * The BGP speaker: peers, RIBs and what passes between them (RFC 4271 §3). It does no IO. Events come in by the methods,
 * effects go out by `SpeakerPorts`; messages are only queued on arrival, and worked off by `turn` in bounded slices.
 */
export class Speaker {
  readonly config: SpeakerConfig;
  readonly attributes: PathAttributeStore;
  readonly ribs: ReadonlyMap<number, FamilyRib>;
  /** Those who connect from ranges. */
  readonly dynamicPeers = new DynamicPeers();
  /** To begin before the first peer comes: our End-of-RIB is not sent before those who may come back have sent theirs. */
  readonly endOfRibDeferral: EndOfRibDeferral;
  readonly #ports: SpeakerPorts;
  readonly #observer: SpeakerObserver;
  readonly #receiver: UpdateReceiver;
  readonly #restartHelper: GracefulRestartHelper;
  readonly #routeRefresh: RouteRefresh;
  readonly #prefixLimits: PrefixLimits;
  /** What peers do wrong. */
  readonly offences: OffenceLedger;
  /** What an operator does to sessions. */
  readonly control: PeerControl;
  readonly #peers: PeerTable;
  readonly #sessions: SessionTable;
  /** End-of-RIBs that came and are not told yet. */
  readonly #endOfRibs: { readonly peer: Peer; readonly family: number }[] = [];
  #restart: RestartState = { restarted: false, forwardingPreserved: false };

  constructor(config: SpeakerConfig, ports: SpeakerPorts, observer: SpeakerObserver = {}) {
    this.config = config;
    this.#ports = ports;
    this.#observer = observer;
    this.#peers = new PeerTable(config.identifier);
    this.#sessions = new SessionTable(ports);
    this.attributes = new PathAttributeStore(config);
    const peer = (index: number): RibPeer => this.ribPeer(index);
    const limits = { ...defaultRibLimits, ...config.limits };
    const ribOf = (family: Family): FamilyRib =>
      new FamilyRib(family, this.attributes, peer, ports, limits, config.decision);
    this.ribs = new Map(families.map((family) => [family.key, ribOf(family)]));
    this.offences = new OffenceLedger((of, offending) => observer.offended?.(of, offending));
    this.#receiver = new UpdateReceiver(this.attributes, this.ribs);
    this.#restartHelper = new GracefulRestartHelper(this.ribs, ports);
    this.endOfRibDeferral = new EndOfRibDeferral(
      () => this.peers(),
      ports,
      () => {
        for (const each of [...this.peers()]) if (each.isDynamic) this.#endDynamic(each);
      },
    );
    this.#routeRefresh = new RouteRefresh(this.ribs, ports, (of) => this.#sessions.of(of));
    const feed = (of: Peer, event: FsmEvent): void => this.#feed(of, event);
    this.#prefixLimits = new PrefixLimits({
      ribs: this.ribs,
      ports,
      feed,
      tell: (of, event) => observer.prefixLimit?.(of, event),
      release: (of) => this.control.enable(of),
      refresh: (of, family) => this.#routeRefresh.request(of, family),
    });
    this.control = new PeerControl({
      ribs: this.ribs,
      routeRefresh: this.#routeRefresh,
      prefixLimits: this.#prefixLimits,
      peer: (index) => this.#peers.byIndex(index),
      feed,
      isListed: (of) => this.peer(of.address) === of,
      forget: (of) => this.removePeer(of.address),
      wake: () => ports.wake(),
    });
  }

  /** The peer that owns paths under an index; the speaker itself under 0. */
  ribPeer(index: number): RibPeer {
    return this.#peers.ribPeer(index);
  }

  peers(): Iterable<Peer> {
    return this.#peers.peers();
  }

  /** @param address canonical */
  peer(address: string): Peer | undefined {
    return this.#peers.byAddress(address);
  }

  /** Octets that have arrived from a peer on its session and are not worked off yet. */
  pendingOctets(peer: Peer): number {
    return this.#sessions.of(peer)?.pendingOctets ?? 0;
  }

  /** Whether OPENs say that we have restarted, and that the kernel kept forwarding meanwhile (RFC 4724 §3). */
  setRestarting(restarted: boolean, forwardingPreserved: ForwardingPreserved): void {
    this.#restart = { restarted, forwardingPreserved };
  }

  /**
   * Dials a peer that nobody configured but that was there in an earlier life: it may be waiting for us to. If it does not
   * come before the wait for End-of-RIB is over, it is forgotten.
   */
  recall(address: string): void {
    if (this.peer(address) !== undefined) return;
    const settings = this.dynamicPeers.admit(address);
    if (typeof settings === "string") return;
    this.addPeer({ ...settings, passive: false }, { isDynamic: true });
  }

  /** Accepts peers from these ranges from now on. Those that no range holds any more are removed, the rest updated. */
  setRanges(ranges: readonly PeerRange[]): void {
    this.dynamicPeers.setRanges(ranges);
    for (const peer of [...this.peers()]) {
      if (!peer.isDynamic) continue;
      const settings = this.dynamicPeers.settingsOf(peer.address);
      if (settings === undefined) this.removePeer(peer.address);
      else this.updatePeer({ ...settings, passive: peer.settings.passive });
    }
  }

  /** Takes a peer in and starts its FSM, unless it is held down. @throws RangeError when its address is taken */
  addPeer(settings: PeerSettings, { isDynamic = false, held, start }: PeerAdmission = {}): Peer {
    if (this.peer(settings.address) !== undefined) {
      throw new RangeError(`there is a peer ${settings.address} already`);
    }
    const restart = () => this.#restart;
    const fsmPorts = {
      allocateConnectionId: () => this.#sessions.allocate(),
      random: () => this.#ports.random(),
    };
    const createFsm = (current: () => PeerSettings): PeerFsm =>
      new PeerFsm(
        fsmConfig(current, this.config, restart, () => this.#ports.noAnswerHint(current())),
        fsmPorts,
      );
    const options = { config: this.config, nowMs: this.#ports.nowMs(), isDynamic };
    const peer = this.#peers.add((index) => new Peer(index, settings, createFsm, options));
    peer.held = held ?? (settings.disabled === true ? disabledHold : undefined);
    if (peer.held === undefined) this.#feed(peer, start ?? { type: "ManualStart" });
    return peer;
  }

  /** Ends a peer's session (Cease, Peer De-configured unless said otherwise) and forgets it with its paths. */
  removePeer(address: string, subcode: number = CeaseSubcode.peerDeConfigured): void {
    const peer = this.peer(address);
    if (peer === undefined) return;
    this.#peers.unlist(peer);
    if (peer.isDynamic) this.dynamicPeers.left(address);
    this.#feed(peer, { type: "ManualStop", subcode });
    this.#restartHelper.cancel(peer);
    this.#prefixLimits.cancel(peer);
    for (const rib of this.ribs.values()) rib.removePeer(peer.index, false);
    this.#observer.peerRemoved?.(peer);
    this.#ports.wake();
    this.#peers.retire(peer);
  }

  /**
   * Puts other settings in force. Policies, names and pauses change under the running session; anything else ends it with
   * Cease, Other Configuration Change, and starts it anew, which a peer from a range does itself. @returns whether the
   * session was ended
   */
  updatePeer(settings: PeerSettings): boolean {
    const peer = this.peer(settings.address);
    if (peer === undefined) throw new RangeError(`there is no peer ${settings.address}`);
    if (needsNewSession(peer.settings, settings)) {
      const { isDynamic, fsm } = peer;
      const start = fsm.restart;
      this.removePeer(settings.address, CeaseSubcode.otherConfigurationChange);
      // What the operator has said outlasts what the configuration says.
      const held = peer.held?.by === "operator" ? peer.held : undefined;
      if (!isDynamic || held !== undefined) this.addPeer(settings, { isDynamic, held, start });
      return true;
    }
    peer.settings = settings;
    putPoliciesInForce(peer, this.ribs, this.config);
    this.#prefixLimits.reconsider(peer);
    this.#ports.wake();
    return false;
  }

  /** Stops all peers: with Cease, or without a word, so that those with graceful restart keep our routes. */
  stop(options: { readonly silently: boolean; readonly message?: string }): void {
    for (const peer of [...this.peers()]) {
      if (options.silently && peer.negotiated?.gracefulRestart !== undefined) continue;
      this.#feed(peer, {
        type: "ManualStop",
        ...(options.message !== undefined && { message: options.message }),
      });
    }
  }

  /**
   * Originates exactly these: prefixes with ourselves as next hop, and routes with attributes of their own. Those without
   * a next hop of their own of an IP version without own address are left out.
   */
  originate(prefixes: readonly Prefix[], routes: readonly OriginatedRoute[] = []): void {
    const all = [...prefixes.map((prefix) => ({ prefix })), ...routes];
    const nowMs = this.#ports.nowMs();
    for (const rib of this.ribs.values()) {
      originate(rib, this.attributes, { routes: all, self: this.config.nextHopSelf, nowMs });
    }
    this.#ports.wake();
  }

  /**
   * A peer has connected to us. @param objection why the connection will not do for a peer with these settings
   * @returns the id of the connection, or why it is refused
   */
  accepted(
    address: string,
    objection: (settings: PeerSettings) => string | undefined = () => undefined,
  ): ConnectionId | string {
    const known = this.peer(address);
    const settings = known?.settings ?? this.dynamicPeers.admit(address);
    if (typeof settings === "string") return settings;
    const reason = objection(settings);
    if (reason !== undefined) {
      if (known === undefined) this.dynamicPeers.left(address);
      return reason;
    }
    const peer = known ?? this.addPeer(settings, { isDynamic: true });
    const connection = this.#sessions.allocate();
    this.#sessions.add(connection, peer);
    return connection;
  }

  /** The driver has bound what `accepted` gave to its socket: the FSM may write to it now. */
  confirmed(connection: ConnectionId): void {
    const session = this.#sessions.get(connection);
    if (session === undefined) return;
    this.#feed(session.peer, { type: "TcpConnectionConfirmed", connection });
  }

  /** A connection that a port's `connect` was asked for is up. */
  connected(connection: ConnectionId): void {
    const session = this.#sessions.get(connection);
    if (session !== undefined) this.#feed(session.peer, { type: "Tcp_CR_Acked", connection });
  }

  /** A connection did not come about, or was lost. What had arrived before is worked off first. */
  connectionFailed(connection: ConnectionId, reason: string): void {
    this.#sessions.fail(connection, reason);
  }

  /** Octets arrived; they must not change afterwards. */
  received(connection: ConnectionId, octets: Uint8Array): void {
    this.#sessions.receive(connection, octets);
  }

  /** A socket that was full can take octets again. */
  drained(connection: ConnectionId): void {
    this.#sessions.get(connection)?.drained();
    this.#ports.wake();
  }

  timerExpired(timer: SpeakerTimer): void {
    if ("connection" in timer) {
      const expired = this.#sessions.expired(timer.connection, timer.timer);
      return expired && this.#feed(expired.peer, expired.event);
    }
    if (timer.timer === "minRouteAdvertisementInterval") return this.#ports.wake();
    if (timer.timer === "endOfRibDeferral" || timer.timer === "endOfRibQuiet") {
      return this.endOfRibDeferral.expired(timer.timer);
    }
    const peer = this.#peers.byIndex(timer.peer);
    if (peer === undefined) return;
    switch (timer.timer) {
      case "connectRetryTimer":
        return this.#feed(peer, { type: "ConnectRetryTimer_Expires" });
      case "idleHoldTimer":
        return this.#feed(peer, { type: "IdleHoldTimer_Expires" });
      case "refreshTimer":
        return this.#routeRefresh.expired(peer, timer.family);
      case "prefixLimitTimer":
        return this.#prefixLimits.expired(peer);
      case "restartTimer":
        this.#restartHelper.expired(peer);
        break;
      case "longLivedStaleTimer":
        this.#restartHelper.longLivedExpired(peer, timer.family);
    }
    if (peer.isDynamic) this.#endDynamic(peer);
    this.#ports.wake();
  }

  /** `read`, then `distribute`. */
  turn(mayContinue: () => boolean): boolean {
    const moreToRead = this.read(mayContinue);
    return this.distribute(mayContinue) || moreToRead;
  }

  /**
   * Works off messages that have arrived. @param mayContinue asked between messages; once it says no, the rest waits for the
   * next call @returns whether messages are left
   */
  read(mayContinue: () => boolean): boolean {
    this.#sessions.read(mayContinue, this.#receiver, (session, event) =>
      this.#afterMessage(session, event),
    );
    return !this.#sessions.isIdle;
  }

  /**
   * Decides and sends what has changed. @param mayContinue asked between peers; once it says no, the others wait for the next
   * call @returns whether work is left that does not wait for a socket
   */
  distribute(mayContinue: () => boolean): boolean {
    let more = false;
    for (const rib of this.ribs.values()) {
      const tell = (changes: LocRibChanges) => this.#observer.bestPathsChanged?.(rib, changes);
      more = rib.turn(tell, mayContinue) || more;
      if (rib.outgrown.size > 0) this.control.endOutgrown(rib);
    }
    if (!more) this.#peers.reuseRetired();
    if (this.#endOfRibs.length > 0 || this.endOfRibDeferral.isDue) {
      more = this.#settleEndOfRibs() || more;
    }
    if (!more) this.#paceAdvertisements();
    if (more || !this.#sessions.isIdle) return more;
    for (const rib of this.ribs.values()) more = rib.tidy() || more;
    return more;
  }

  /** Has the next turn come when the announcements held back are due. */
  #paceAdvertisements(): void {
    const dueMs = Math.min(...[...this.ribs.values()].map((rib) => rib.advertisementDueMs));
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, dueMs - this.#ports.nowMs());
    this.#ports.startTimer({ timer: "minRouteAdvertisementInterval", peer: localPeer }, delayMs);
  }

  /** An End-of-RIB is told, and may release ours, once all that came before it has been decided. @returns whether ours may go */
  #settleEndOfRibs(): boolean {
    for (const rib of this.ribs.values()) if (rib.isUnsettled) return false;
    for (const { peer, family } of this.#endOfRibs.splice(0)) {
      this.#observer.endOfRib?.(peer, family);
    }
    return this.endOfRibDeferral.isDue && this.endOfRibDeferral.settle();
  }

  #afterMessage(session: PeerSession, event: MessageEvent): void {
    const { peer } = session;
    if (session.report !== undefined) {
      const { errors, endOfRib, discarded } = session.report;
      this.offences.updated(peer, session.report);
      session.report = undefined;
      if (errors.length > 0) this.#observer.malformed?.(peer, errors);
      if (endOfRib >= 0) {
        peer.endOfRibs.add(endOfRib);
        this.#restartHelper.endOfRib(peer, endOfRib);
        this.#endOfRibs.push({ peer, family: endOfRib });
        this.endOfRibDeferral.look();
      }
      this.#prefixLimits.updated(peer, discarded);
    }
    if (session.dribble !== undefined) {
      this.offences.dribbled(peer, session.dribble);
      session.dribble = undefined;
    }
    if (session.routeRefresh !== undefined) {
      this.#routeRefresh.received(peer, session.routeRefresh);
      session.routeRefresh = undefined;
    }
    if (event !== "handled") this.#feed(peer, event);
  }

  #feed(peer: Peer, event: FsmEvent): void {
    let isDown = false;
    for (const action of peer.fsm.handle(event)) {
      this.#perform(peer, action);
      isDown ||= action.type === "down";
    }
    if (isDown && peer.isDynamic) this.#endDynamic(peer);
  }

  #perform(peer: Peer, action: FsmAction): void {
    switch (action.type) {
      case "startPeerTimer":
        return this.#ports.startTimer({ timer: action.timer, peer: peer.index }, action.delayMs);
      case "stopPeerTimer":
        return this.#ports.stopTimer({ timer: action.timer, peer: peer.index });
      case "established":
        return this.#established(peer, action);
      case "down":
        return this.#down(peer, action);
      case "stateChange":
        peer.stateSinceMs = this.#ports.nowMs();
        this.#observer.stateChanged?.(peer, action.from, action.to);
        return;
      case "connect":
      case "close":
      case "sendOpen":
      case "sendKeepalive":
      case "sendNotification":
      case "startTimer":
      case "stopTimer":
        this.#sessions.perform(peer, action);
    }
  }

  #established(peer: Peer, action: Extract<FsmAction, { type: "established" }>): void {
    const { negotiated, connection } = action;
    const session = this.#sessions.get(connection);
    if (session === undefined) return;
    peer.negotiated = negotiated;
    peer.lastNegotiated = negotiated;
    peer.gracefulRestart = negotiated.gracefulRestart;
    peer.longLivedGracefulRestart = negotiated.longLivedGracefulRestart;
    const source = sourceOf(peer.settings, negotiated.codec.external);
    // Somebody else at the same address has no part in what the former left.
    if (peer.becomes(negotiated.peerIdentifier, source)) this.#restartHelper.forget(peer);
    peer.endOfRibs.clear();
    peer.prefixLimits.clear();
    this.#restartHelper.returned(peer, negotiated);
    peer.importPolicy = importPolicy(peer.settings, negotiated, this.config);
    session.establish(negotiated, this.ribs, this.config);
    this.endOfRibDeferral.established(peer);
    this.#observer.established?.(peer);
    this.#ports.wake();
  }

  #down(peer: Peer, { reason, wasEstablished }: Extract<FsmAction, { type: "down" }>): void {
    peer.downAtMs = this.#ports.nowMs();
    this.offences.down(peer, reason);
    if (wasEstablished) {
      peer.flaps++;
      peer.lastSessionDown = { reason, atMs: peer.downAtMs };
      for (const { key, group } of peer.families) {
        this.ribs.get(key)?.leave(group, peer.index);
      }
      peer.families = [];
      peer.endOfRibs.clear();
      const covered = isGraceful(reason.notification, peer.negotiated);
      peer.negotiated = undefined;
      this.#routeRefresh.cancel(peer);
      this.#restartHelper.lost(peer, covered);
      this.endOfRibDeferral.look();
    }
    this.#observer.down?.(peer, reason, wasEstablished);
    this.#ports.wake();
  }

  /** Forgets a peer from a range that has no connection any more, unless its paths are kept over a restart, or it is held down. */
  #endDynamic(peer: Peer): void {
    const isConnected = peer.fsm.state.startsWith("Open") || peer.fsm.state === "Established";
    const isRecalled = !peer.settings.passive && this.endOfRibDeferral.isActive;
    const isKept = isRecalled || peer.held !== undefined || peer.staleFamilies.size > 0;
    if (isConnected || isKept) return;
    if (this.peer(peer.address) === peer) this.removePeer(peer.address);
  }
}
