import { familyKey } from "./message/codec-context.ts";
import type { RouteRefreshMessage } from "./message/message.ts";
import { RefreshSubtype } from "./iana.ts";
import type { Peer } from "./peer.ts";
import type { PeerSession } from "./peer-session.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import type { SpeakerPorts, SpeakerTimer } from "./speaker-ports.ts";

/** Seconds that a peer may take from BoRR to EoRR; what it has not announced by then is gone (RFC 7313 §4). */
const longestRefreshSeconds = 360;

type RefreshPorts = Pick<SpeakerPorts, "startTimer" | "stopTimer" | "wake">;

/** Route refresh in both directions, RFC 2918, with the demarcation of RFC 7313 where both sides offered it. */
export class RouteRefresh {
  readonly #ribs: ReadonlyMap<number, FamilyRib>;
  readonly #ports: RefreshPorts;
  readonly #session: (peer: Peer) => PeerSession | undefined;

  /** @param session the one of a peer that is Established */
  constructor(
    ribs: ReadonlyMap<number, FamilyRib>,
    ports: RefreshPorts,
    session: (peer: Peer) => PeerSession | undefined,
  ) {
    this.#ribs = ribs;
    this.#ports = ports;
    this.#session = session;
  }

  /** Asks the peer to send all its routes again. @param of only this family @returns false when it cannot (RFC 2918 §4) */
  request(peer: Peer, of?: number): boolean {
    const session = this.#session(peer);
    if (session === undefined || peer.negotiated?.routeRefresh !== true) return false;
    for (const { key } of peer.families) {
      if (of === undefined || key === of) session.sendRouteRefresh(key, RefreshSubtype.request);
    }
    return true;
  }

  /** Sends the peer all its routes again. @param family only this one */
  send(peer: Peer, family?: number): void {
    for (const { key, group, member } of peer.families) {
      if (family === undefined || key === family) group.refresh(member);
    }
    this.#ports.wake();
  }

  /** A ROUTE-REFRESH came. Families that are not in force, and subtypes that nobody knows, are ignored (RFC 7313 §5). */
  received(peer: Peer, { afi, safi, subtype }: RouteRefreshMessage): void {
    const key = familyKey(afi, safi);
    if (!peer.families.some((family) => family.key === key)) return;
    if (subtype === RefreshSubtype.request) return this.send(peer, key);
    if (peer.negotiated?.enhancedRouteRefresh !== true) return;
    if (subtype === RefreshSubtype.begin) this.#begin(peer, key);
    else if (subtype === RefreshSubtype.end) this.#end(peer, key);
  }

  #begin(peer: Peer, key: number): void {
    // RFC 7313 §4: before its End-of-RIB a peer that has graceful restart has not sent all of it once.
    if (peer.negotiated?.gracefulRestart !== undefined && !peer.endOfRibs.has(key)) return;
    this.#ribs.get(key)?.markStale(peer.index);
    // Begun anew, it is to be through when it was to be.
    if (peer.refreshing.has(key)) return;
    peer.refreshing.add(key);
    this.#ports.startTimer(timerOf(peer, key), longestRefreshSeconds * 1000);
  }

  /** An end without a beginning says nothing. */
  #end(peer: Peer, key: number): void {
    if (!peer.refreshing.delete(key)) return;
    this.#ports.stopTimer(timerOf(peer, key));
    this.#ribs.get(key)?.removePeer(peer.index, true);
    this.#ports.wake();
  }

  /** The peer took too long for a family. */
  expired(peer: Peer, key: number): void {
    this.#end(peer, key);
  }

  /** The session is over: what has become of its routes is no longer ours to say. */
  cancel(peer: Peer): void {
    for (const key of peer.refreshing) this.#ports.stopTimer(timerOf(peer, key));
    peer.refreshing.clear();
  }
}

function timerOf(peer: Peer, family: number): SpeakerTimer {
  return { timer: "refreshTimer", peer: peer.index, family };
}
