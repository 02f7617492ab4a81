import type { Negotiated } from "./fsm/negotiate.ts";
import { familyKey } from "./message/codec-context.ts";
import type { Peer } from "./peer.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";

/** For how long the paths of a family are kept. */
interface Terms {
  /** As they are (RFC 4724). */
  readonly restartSeconds: number;
  /** After that, as a last resort (RFC 9494). */
  readonly longLivedSeconds: number;
}

/** For a peer from a range, where we say nothing of our own restart. */
const usualRestartSeconds = 120;

const none: Terms = { restartSeconds: 0, longLivedSeconds: 0 };

type Ports = Pick<SpeakerPorts, "startTimer" | "stopTimer" | "nowMs">;

/**
 * The receiving speaker of graceful restart, RFC 4724 §4.2: the paths of a peer whose session is lost are kept as stale
 * until it has come back and said End-of-RIB, or its restart time is over. Where the peer asked for more (RFC 9494 §4.2),
 * they become long-lived stale then: known to be doubtful, and kept for the Long-lived Stale Time of their family.
 *
 * A session that is lost again before it was whole ends what graceful restart alone had kept; long-lived graceful restart
 * keeps it until that time, which began with the first loss, is over.
 */
export class GracefulRestartHelper {
  readonly #ribs: ReadonlyMap<number, FamilyRib>;
  readonly #ports: Ports;

  constructor(ribs: ReadonlyMap<number, FamilyRib>, ports: Ports) {
    this.#ribs = ribs;
    this.#ports = ports;
  }

  /** An Established session ended. @param covered not by a NOTIFICATION, so that graceful restart applies */
  lost(peer: Peer, covered: boolean): void {
    this.#stopRestartTimer(peer);
    for (const [key, rib] of this.#ribs) {
      const terms = covered ? termsOf(peer, key) : none;
      if (terms.restartSeconds + terms.longLivedSeconds === 0) this.#drop(peer, key, false);
      else this.#keep(peer, key, rib, terms);
    }
  }

  #keep(peer: Peer, key: number, rib: FamilyRib, terms: Terms): void {
    const before = peer.staleFamilies.get(key);
    // What was stale already has had its chance; the RFC of long-lived ones has it kept all the same.
    if (before?.isLongLived === false) this.#restartTimeOver(peer, key, terms.longLivedSeconds);
    rib.markStale(peer.index);
    if (rib.paths.count(peer.index) === 0) return this.#forgetFamily(peer, key);
    if (terms.restartSeconds === 0) {
      return this.#restartTimeOver(peer, key, terms.longLivedSeconds);
    }
    if (!peer.staleFamilies.has(key)) {
      peer.staleFamilies.set(key, { isLongLived: false, untilMs: 0 });
    }
    this.#startRestartTimer(peer);
  }

  /** The peer is Established again: families it did not keep forwarding for lose their stale paths at once. */
  returned(peer: Peer, negotiated: Negotiated): void {
    const { gracefulRestart, longLivedGracefulRestart } = negotiated;
    for (const rib of this.#ribs.values()) rib.settle(peer.index);
    let waits = false;
    for (const [key, { isLongLived }] of [...peer.staleFamilies]) {
      const offer = isLongLived ? longLivedGracefulRestart : gracefulRestart;
      const family = offer?.families.find(({ afi, safi }) => familyKey(afi, safi) === key);
      if (family?.forwardingPreserved !== true) this.#drop(peer, key, true);
      else waits ||= !isLongLived;
    }
    // The time to come back is over; the same again bounds the wait for End-of-RIB, which may never come.
    if (waits) this.#startRestartTimer(peer);
    else this.#stopRestartTimer(peer);
  }

  /** End-of-RIB: what the peer has not announced again is gone. */
  endOfRib(peer: Peer, key: number): void {
    if (peer.staleFamilies.has(key)) this.#drop(peer, key, true);
  }

  /** The restart time is over: of a peer that is not back, or that is and has not said End-of-RIB. */
  expired(peer: Peer): void {
    const isBack = peer.negotiated !== undefined;
    for (const [key, { isLongLived }] of [...peer.staleFamilies]) {
      if (!isBack) this.#restartTimeOver(peer, key, termsOf(peer, key).longLivedSeconds);
      else if (!isLongLived) this.#drop(peer, key, true);
    }
  }

  /** The Long-lived Stale Time of a family is over. */
  longLivedExpired(peer: Peer, key: number): void {
    if (peer.staleFamilies.get(key)?.isLongLived === true) this.#drop(peer, key, true);
  }

  /** Drops all that is kept of a peer. */
  forget(peer: Peer): void {
    for (const key of [...peer.staleFamilies.keys()]) this.#drop(peer, key, true);
  }

  /** Waits for nothing any more. */
  cancel(peer: Peer): void {
    for (const key of [...peer.staleFamilies.keys()]) this.#forgetFamily(peer, key);
    this.#stopRestartTimer(peer);
  }

  /** What is stale becomes long-lived, for the time that is left where it runs already, or goes. */
  #restartTimeOver(peer: Peer, key: number, longLivedSeconds: number): void {
    const isRunning = peer.staleFamilies.get(key)?.isLongLived === true;
    if (!isRunning && longLivedSeconds === 0) return this.#drop(peer, key, true);
    const rib = this.#ribs.get(key);
    rib?.makeLongLived(peer.index, () => {
      // All that is left of it may have had NO_LLGR.
      if (rib.paths.counts(peer.index).stale === 0) this.#forgetFamily(peer, key);
    });
    if (isRunning) return;
    const delayMs = longLivedSeconds * 1000;
    peer.staleFamilies.set(key, { isLongLived: true, untilMs: this.#ports.nowMs() + delayMs });
    this.#ports.startTimer(
      { timer: "longLivedStaleTimer", peer: peer.index, family: key },
      delayMs,
    );
  }

  #startRestartTimer(peer: Peer): void {
    const delayMs = restartSecondsOf(peer) * 1000;
    for (const family of peer.staleFamilies.values()) {
      if (!family.isLongLived) family.untilMs = this.#ports.nowMs() + delayMs;
    }
    this.#ports.startTimer({ timer: "restartTimer", peer: peer.index }, delayMs);
  }

  #stopRestartTimer(peer: Peer): void {
    this.#ports.stopTimer({ timer: "restartTimer", peer: peer.index });
  }

  #drop(peer: Peer, key: number, onlyStale: boolean): void {
    this.#ribs.get(key)?.removePeer(peer.index, onlyStale);
    this.#forgetFamily(peer, key);
  }

  #forgetFamily(peer: Peer, key: number): void {
    const family = peer.staleFamilies.get(key);
    if (family === undefined) return;
    peer.staleFamilies.delete(key);
    if (family.isLongLived) {
      this.#ports.stopTimer({ timer: "longLivedStaleTimer", peer: peer.index, family: key });
    }
    if (peer.staleFamilies.size === 0) this.#stopRestartTimer(peer);
  }
}

/** As the peer asks for. One from a range has one of its places until then: it is waited for as long as it is to wait for us. */
function restartSecondsOf({ gracefulRestart, isDynamic, settings }: Peer): number {
  const { restartTimeSeconds = 0 } = gracefulRestart ?? {};
  const bound = settings.gracefulRestartSeconds || usualRestartSeconds;
  return isDynamic ? Math.min(restartTimeSeconds, bound) : restartTimeSeconds;
}

/** What the last session's OPENs, and our own bound, say of a family; one that is not listed is not kept (RFC 9494 §4.2). */
function termsOf(peer: Peer, key: number): Terms {
  const { gracefulRestart, longLivedGracefulRestart, settings } = peer;
  if (gracefulRestart === undefined) return none;
  const isOf = ({ afi, safi }: { readonly afi: number; readonly safi: number }): boolean =>
    familyKey(afi, safi) === key;
  const isListed = gracefulRestart.families.some(isOf);
  const { staleTimeSeconds = 0 } = longLivedGracefulRestart?.families.find(isOf) ?? {};
  const { longLivedStaleMaximumSeconds = staleTimeSeconds } = settings;
  return {
    restartSeconds: isListed ? restartSecondsOf(peer) : 0,
    longLivedSeconds: Math.min(staleTimeSeconds, longLivedStaleMaximumSeconds),
  };
}
