import { CeaseSubcode, ErrorCode } from "./iana.ts";
import type { NotificationMessage } from "./message/message.ts";
import type { Peer } from "./peer.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import type { FsmEvent } from "./fsm/event.ts";
import { countedPaths, type PrefixLimitEvent, type PrefixLimitState } from "./prefix-limit.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";

interface PrefixLimitParts {
  readonly ribs: ReadonlyMap<number, FamilyRib>;
  readonly ports: Pick<SpeakerPorts, "startTimer" | "stopTimer">;
  readonly feed: (peer: Peer, event: FsmEvent) => void;
  readonly tell: (peer: Peer, event: PrefixLimitEvent) => void;
  /** Lets the session of a peer come up again. */
  readonly release: (peer: Peer) => void;
  /** Asks the peer for its routes again, where it can be asked. @param family only this one */
  readonly refresh: (peer: Peer, family?: number) => void;
}

/**
 * From when there is room again for what was refused until the peer is asked for it: much of what makes room comes at once, and
 * one whose routes come and go is asked this often at most.
 */
const refreshDelaySeconds = 30;

/** What was told is told anew once the paths were this much fewer, so that one that comes and goes is no flood of log lines. */
const forgottenBelow = 0.95;

/**
 * Holds peers to their limits. The paths are counted after each UPDATE, so that a session that is ended for them has
 * held those of one UPDATE more than it may at most; what is discarded never comes into the tables.
 */
export class PrefixLimits {
  readonly #parts: PrefixLimitParts;

  constructor(parts: PrefixLimitParts) {
    this.#parts = parts;
  }

  /** An UPDATE has been worked off. @param discarded announcements that `UpdateReceiver` refused for the limit */
  updated(peer: Peer, discarded: number): void {
    const limit = peer.settings.maximumPrefixes;
    if (limit === undefined) return;
    peer.prefixesDiscarded += discarded;
    for (const { key } of peer.families) {
      const paths = this.#counted(peer, key, limit.limit);
      const state = stateOf(peer, key);
      const isFull = discarded > 0 && paths >= limit.limit;
      if (isFull) {
        state.discarded += discarded;
        state.isMissing = true;
      } else if (state.isMissing && paths < limit.limit) this.#refreshLater(peer, state);
      this.#warn(peer, { kind: "near", family: key, paths, limit }, state);
      if (paths < limit.limit * forgottenBelow) state.isExceeded = false;
      if ((isFull || paths > limit.limit) && !state.isExceeded) {
        state.isExceeded = true;
        this.#exceeded(peer, { kind: "exceeded", family: key, paths, limit });
        if (peer.held !== undefined) return;
      }
    }
  }

  #counted(peer: Peer, key: number, limit: number): number {
    const rib = this.#parts.ribs.get(key);
    return rib === undefined ? 0 : countedPaths(rib.paths.counts(peer.index), limit);
  }

  #refreshLater(peer: Peer, state: PrefixLimitState): void {
    const isComing = [...peer.prefixLimits.values()].some(({ awaitsRefresh }) => awaitsRefresh);
    state.awaitsRefresh = true;
    if (!isComing) this.#startTimer(peer, refreshDelaySeconds);
  }

  /** Asks for what was refused, of the families that have room for it. One that is being sent again waits until it is through. */
  #refresh(peer: Peer): void {
    const limit = peer.settings.maximumPrefixes?.limit ?? Number.POSITIVE_INFINITY;
    for (const [key, state] of peer.prefixLimits) {
      if (!state.awaitsRefresh) continue;
      state.awaitsRefresh = false;
      if (peer.refreshing.has(key)) this.#refreshLater(peer, state);
      else if (this.#counted(peer, key, limit) < limit) {
        state.isMissing = false;
        this.#parts.refresh(peer, key);
      }
    }
  }

  #startTimer(peer: Peer, seconds: number): void {
    const timer = { timer: "prefixLimitTimer", peer: peer.index } as const;
    this.#parts.ports.startTimer(timer, seconds * 1000);
  }

  #warn(peer: Peer, event: PrefixLimitEvent, state: PrefixLimitState): void {
    const { limit, paths } = event;
    const threshold = (limit.limit * limit.warningPercent) / 100;
    if (paths < threshold * forgottenBelow) state.isWarned = false;
    else if (paths >= threshold && !state.isWarned) {
      state.isWarned = true;
      this.#parts.tell(peer, event);
    }
  }

  #exceeded(peer: Peer, event: PrefixLimitEvent): void {
    const { limit, restartSeconds, action } = event.limit;
    peer.prefixLimitsExceeded++;
    this.#parts.tell(peer, event);
    if (action !== "stop") return;
    const text = `more than ${limit} prefixes from the peer`;
    const comesBack =
      restartSeconds > 0 ? `until ${restartSeconds} s have passed` : "until enabled";
    peer.held = { by: "prefix-limit", text: `${text}: no session ${comesBack}` };
    const notification = maximumReached(event.family, limit);
    this.#parts.feed(peer, { type: "AutomaticStop", notification, text });
    if (restartSeconds > 0) this.#startTimer(peer, restartSeconds);
  }

  /** The time that a session was to stay down for is over, or that until a peer is asked for what was refused. */
  expired(peer: Peer): void {
    if (peer.held?.by === "prefix-limit") this.#parts.release(peer);
    else this.#refresh(peer);
  }

  /** Whatever held the peer down does so no longer; nor is it asked for anything. */
  cancel(peer: Peer): void {
    this.#parts.ports.stopTimer({ timer: "prefixLimitTimer", peer: peer.index });
  }

  /** Other settings are in force: what was refused, or ended, under the former ones gets another chance. */
  reconsider(peer: Peer): void {
    const wasDiscarding = [...peer.prefixLimits.values()].some(({ discarded }) => discarded > 0);
    peer.prefixLimits.clear();
    if (peer.held?.by === "prefix-limit") this.#parts.release(peer);
    this.cancel(peer);
    if (wasDiscarding) this.#parts.refresh(peer);
    this.updated(peer, 0);
  }
}

function stateOf(peer: Peer, family: number): PrefixLimitState {
  let state = peer.prefixLimits.get(family);
  if (state === undefined) {
    state = {
      ...{ isWarned: false, isExceeded: false, discarded: 0 },
      ...{ isMissing: false, awaitsRefresh: false },
    };
    peer.prefixLimits.set(family, state);
  }
  return state;
}

/** Cease, Maximum Number of Prefixes Reached, with AFI, SAFI and the limit (RFC 4486 §4). */
function maximumReached(family: number, limit: number): NotificationMessage {
  const data = Uint8Array.of(
    ...[family >>> 16, family >>> 8, family],
    ...[limit >>> 24, limit >>> 16, limit >>> 8, limit],
  );
  const subcode = CeaseSubcode.maximumNumberOfPrefixesReached;
  return { code: ErrorCode.cease, subcode, data };
}
