import type { ConnectionTimer, DownReason, PeerTimer } from "./fsm/action.ts";
import type { ConnectionId } from "./fsm/event.ts";
import type { FsmState } from "./fsm/state.ts";
import type { LocalEnd } from "./next-hop-self.ts";
import type { AttributeError } from "./message/message.ts";
import type { Offending } from "./offence.ts";
import type { Peer } from "./peer.ts";
import type { PeerSettings } from "./peer-settings.ts";
import type { PrefixLimitEvent } from "./prefix-limit.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import type { LocRibChanges } from "./rib/loc-rib.ts";

/** A timer of the speaker: one of a peer as a whole, of one of its connections, or its own. */
export type SpeakerTimer =
  | {
      readonly timer: PeerTimer | "restartTimer" | "prefixLimitTimer";
      readonly peer: number;
    }
  /** Of a family of a peer. */
  | {
      readonly timer: "longLivedStaleTimer" | "refreshTimer";
      readonly peer: number;
      readonly family: number;
    }
  /** Of the speaker itself, which is peer 0. */
  | {
      readonly timer: "endOfRibDeferral" | "endOfRibQuiet" | "minRouteAdvertisementInterval";
      readonly peer: 0;
    }
  | { readonly timer: ConnectionTimer; readonly connection: ConnectionId };

/** One text per timer. */
export function timerKey(timer: SpeakerTimer): string {
  if ("connection" in timer) return `${timer.timer} #${timer.connection}`;
  const key = `${timer.timer} ${timer.peer}`;
  return "family" in timer ? `${key} ${timer.family}` : key;
}

/** What the speaker has the outside world do. None of these may call back into the speaker before it returns. */
export interface SpeakerPorts {
  /** Dials a peer; `connected` or `connectionFailed` follows. */
  connect(connection: ConnectionId, to: PeerSettings): void;
  /** What may keep that dial from being answered, for people. */
  noAnswerHint(to: PeerSettings): string | undefined;
  /** Our end of a connection that is up. */
  localEnd(connection: ConnectionId): LocalEnd;
  /** Closes a connection once what was written is flushed; nothing more is heard of it. */
  close(connection: ConnectionId): void;
  /** @returns false when the socket is full: `drained` follows */
  write(connection: ConnectionId, parts: readonly Uint8Array[]): boolean;
  /** Octets that were written and that the kernel has not taken yet. */
  unsentOctets(connection: ConnectionId): number;
  /** Stops and resumes reading from a connection. */
  setReading(connection: ConnectionId, reading: boolean): void;
  startTimer(timer: SpeakerTimer, delayMs: number): void;
  stopTimer(timer: SpeakerTimer): void;
  /** Asks for a call of `turn` as soon as the sockets that are readable now have been read. */
  wake(): void;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** In [0, 1). */
  random(): number;
}

/** Told of what happens, for logs, the API, and whoever programs routes. */
export interface SpeakerObserver {
  stateChanged?(peer: Peer, from: FsmState, to: FsmState): void;
  established?(peer: Peer): void;
  down?(peer: Peer, reason: DownReason, wasEstablished: boolean): void;
  /** Best paths, or which are used beside them, changed; the columns are valid during the call only. */
  bestPathsChanged?(rib: FamilyRib, changes: LocRibChanges): void;
  /** Told after the best paths that the peer's routes before it changed. */
  endOfRib?(peer: Peer, family: number): void;
  malformed?(peer: Peer, errors: readonly AttributeError[]): void;
  /** Routes came that should not have come; they are not used, or not passed on to everybody. */
  offended?(peer: Peer, offending: Offending): void;
  peerRemoved?(peer: Peer): void;
  /** A peer comes near its limit on prefixes, or exceeds it. */
  prefixLimit?(peer: Peer, event: PrefixLimitEvent): void;
}
