import type { Negotiated } from "./fsm/negotiate.ts";
import { familyKey } from "./message/codec-context.ts";
import type { Peer } from "./peer.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";

/**
 * The receiving speaker of graceful restart, RFC 4724 §4.2: the paths of a peer whose session is lost are kept as stale
 * until it has come back and said End-of-RIB, or its restart time is over.
 */
export class GracefulRestartHelper {
  readonly #ribs: ReadonlyMap<number, FamilyRib>;
  readonly #ports: Pick<SpeakerPorts, "startTimer" | "stopTimer">;

  constructor(
    ribs: ReadonlyMap<number, FamilyRib>,
    ports: Pick<SpeakerPorts, "startTimer" | "stopTimer">,
  ) {
    this.#ribs = ribs;
    this.#ports = ports;
  }

  /** An Established session ended. @param covered not by a NOTIFICATION, so that graceful restart applies */
  lost(peer: Peer, covered: boolean): void {
    const restart = covered ? peer.gracefulRestart : undefined;
    const kept = new Set(restart?.families.map(({ afi, safi }) => familyKey(afi, safi)));
    for (const [key, rib] of this.#ribs) {
      if (!kept.has(key)) {
        rib.removePeer(peer.index, false);
        peer.staleFamilies.delete(key);
        continue;
      }
      // Lost again before it was whole: what was stale already has had its chance (§4.2).
      if (peer.staleFamilies.has(key)) rib.removePeer(peer.index, true);
      rib.paths.markStale(peer.index);
      if (rib.paths.counts(peer.index).paths > 0) peer.staleFamilies.add(key);
    }
    if (restart === undefined || peer.staleFamilies.size === 0) this.cancel(peer);
    else this.#startTimer(peer);
  }

  /** The peer is Established again: families it did not keep forwarding for lose their stale paths at once. */
  returned(peer: Peer, negotiated: Negotiated): void {
    for (const key of [...peer.staleFamilies]) {
      const family = negotiated.gracefulRestart?.families.find(
        ({ afi, safi }) => familyKey(afi, safi) === key,
      );
      if (family?.forwardingPreserved === true) continue;
      this.#sweep(peer, key);
    }
    // The time to come back is over; the same again bounds the wait for End-of-RIB, which may never come.
    if (peer.staleFamilies.size > 0) this.#startTimer(peer);
  }

  #startTimer(peer: Peer): void {
    const seconds = peer.gracefulRestart?.restartTimeSeconds ?? 0;
    this.#ports.startTimer({ timer: "restartTimer", peer: peer.index }, seconds * 1000);
  }

  /** End-of-RIB: what the peer has not announced again is gone. */
  endOfRib(peer: Peer, key: number): void {
    if (peer.staleFamilies.has(key)) this.#sweep(peer, key);
  }

  /** The restart time is over. */
  expired(peer: Peer): void {
    for (const key of [...peer.staleFamilies]) this.#sweep(peer, key);
  }

  cancel(peer: Peer): void {
    peer.staleFamilies.clear();
    this.#ports.stopTimer({ timer: "restartTimer", peer: peer.index });
  }

  #sweep(peer: Peer, key: number): void {
    this.#ribs.get(key)?.removePeer(peer.index, true);
    peer.staleFamilies.delete(key);
    if (peer.staleFamilies.size === 0) this.cancel(peer);
  }
}
