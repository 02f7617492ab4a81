import { CeaseSubcode, ErrorCode } from "./iana.ts";
import type { NotificationMessage } from "./message/message.ts";
import type { Peer } from "./peer.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import type { FsmEvent } from "./fsm/event.ts";
import type { PrefixLimitEvent, PrefixLimitState } from "./prefix-limit.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";

interface PrefixLimitParts {
  readonly ribs: ReadonlyMap<number, FamilyRib>;
  readonly ports: Pick<SpeakerPorts, "startTimer" | "stopTimer">;
  readonly feed: (peer: Peer, event: FsmEvent) => void;
  readonly tell: (peer: Peer, event: PrefixLimitEvent) => void;
  /** Lets the session of a peer come up again. */
  readonly release: (peer: Peer) => void;
  /** Asks the peer for its routes again. */
  readonly refresh: (peer: Peer) => void;
}

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
      const paths = this.#parts.ribs.get(key)?.paths.count(peer.index) ?? 0;
      const state = stateOf(peer, key);
      const isFull = discarded > 0 && paths >= limit.limit;
      if (isFull) state.discarded += discarded;
      this.#warn(peer, { kind: "near", family: key, paths, limit }, state);
      if (paths < limit.limit * forgottenBelow) state.isExceeded = false;
      if ((isFull || paths > limit.limit) && !state.isExceeded) {
        state.isExceeded = true;
        this.#exceeded(peer, { kind: "exceeded", family: key, paths, limit });
        if (peer.held !== undefined) return;
      }
    }
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
    if (restartSeconds === 0) return;
    const timer = { timer: "prefixLimitTimer", peer: peer.index } as const;
    this.#parts.ports.startTimer(timer, restartSeconds * 1000);
  }

  /** The time that a session was to stay down for is over. */
  expired(peer: Peer): void {
    if (peer.held?.by === "prefix-limit") this.#parts.release(peer);
  }

  /** Whatever held the peer down does so no longer. */
  cancel(peer: Peer): void {
    this.#parts.ports.stopTimer({ timer: "prefixLimitTimer", peer: peer.index });
  }

  /** Other settings are in force: what was refused, or ended, under the former ones gets another chance. */
  reconsider(peer: Peer): void {
    const wasDiscarding = [...peer.prefixLimits.values()].some(({ discarded }) => discarded > 0);
    peer.prefixLimits.clear();
    this.expired(peer);
    if (wasDiscarding) this.#parts.refresh(peer);
    this.updated(peer, 0);
  }
}

function stateOf(peer: Peer, family: number): PrefixLimitState {
  let state = peer.prefixLimits.get(family);
  if (state === undefined) {
    state = { isWarned: false, isExceeded: false, discarded: 0 };
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
