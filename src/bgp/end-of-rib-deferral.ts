import type { Peer, PeerFamily } from "./peer.ts";
import { type ExportProfile, takesSource } from "./rib/export-profile.ts";
import { localPeer, PathSource } from "./rib/source.ts";
import type { SpeakerPorts } from "./speaker-ports.ts";

/** How long End-of-RIB may wait after a start. */
export interface DeferralOptions {
  /** The Selection_Deferral_Timer of RFC 4724 §4.1: never longer than this. 0 does not wait at all. */
  readonly maximumSeconds: number;
  /** Who is not there is waited for until nobody has come for so long. */
  readonly quietSeconds: number;
  /** Peers that nobody configured may come. */
  readonly newcomers: boolean;
}

const deferralTimer = { timer: "endOfRibDeferral", peer: localPeer } as const;
const quietTimer = { timer: "endOfRibQuiet", peer: localPeer } as const;

/** `PathSource`s that a peer can have. */
const peerSources = [PathSource.external, PathSource.client, PathSource.nonClient];

/** Peers of one family, counted by their `PathSource`. */
interface Census {
  readonly absent: Map<number, number>;
  /** Established, and End-of-RIB is to come. */
  readonly awaited: Map<number, number>;
  /** Those of the awaited that have restarted themselves. */
  readonly awaitedRestarted: Map<number, number>;
}

/**
 * The wait of a speaker that has restarted, RFC 4724 §4.1. At our End-of-RIB a peer drops what it kept of us and has not
 * been sent again, so it must not come before we have heard those who keep quiet until we are back. Only End-of-RIB
 * waits: what we know is announced at once, where the RFC holds back all of it.
 *
 * A peer is told once all whose paths are passed on to it have said their own End-of-RIB. So a reflector's wait for
 * another reflector (a non-client, which is sent clients' paths only) never waits for that other's wait for it. Two
 * that reflect to each other as clients would; the maximum ends that.
 */
export class EndOfRibDeferral {
  readonly #peers: () => Iterable<Peer>;
  readonly #ports: Pick<SpeakerPorts, "startTimer" | "stopTimer" | "wake">;
  readonly #ended: () => void;
  #options: DeferralOptions | undefined;
  #isQuiet = false;
  /** Something happened that may let somebody have its End-of-RIB. */
  isDue = false;

  /** @param ended called when the wait is over */
  constructor(
    peers: () => Iterable<Peer>,
    ports: Pick<SpeakerPorts, "startTimer" | "stopTimer" | "wake">,
    ended: () => void,
  ) {
    this.#peers = peers;
    this.#ports = ports;
    this.#ended = ended;
  }

  get isActive(): boolean {
    return this.#options !== undefined;
  }

  begin(options: DeferralOptions): void {
    if (options.maximumSeconds === 0) return;
    this.#options = options;
    this.#ports.startTimer(deferralTimer, options.maximumSeconds * 1000);
  }

  /** A session came up: its End-of-RIB waits, and the quiet time begins anew. */
  established(peer: Peer): void {
    if (this.#options === undefined) return;
    for (const { member } of peer.families) member.endOfRibHeld = true;
    this.#isQuiet = false;
    this.#ports.startTimer(quietTimer, this.#options.quietSeconds * 1000);
    this.look();
  }

  /** A peer has said End-of-RIB, or is gone. */
  look(): void {
    if (this.#options === undefined) return;
    this.isDue = true;
    this.#ports.wake();
  }

  expired(timer: (typeof deferralTimer | typeof quietTimer)["timer"]): void {
    if (timer === "endOfRibQuiet") this.#isQuiet = true;
    else this.#end();
    this.isDue = true;
    this.#ports.wake();
  }

  /**
   * Lets those have their End-of-RIB who need wait for nobody any more; to be called when all that came was decided and
   * distributed. @returns whether there are such
   */
  settle(): boolean {
    this.isDue = false;
    const censuses = new Map<number, Census>();
    let isReleased = false;
    let isHeld = false;
    for (const peer of this.#peers()) {
      for (const family of peer.families) {
        const { key, group, member } = family;
        if (!member.endOfRibHeld) continue;
        if (this.#newcomersMatter(group.profile)) {
          isHeld = true;
          continue;
        }
        let census = censuses.get(key);
        if (census === undefined) censuses.set(key, (census = this.#census(key)));
        if (this.#mustWait(peer, family, census)) isHeld = true;
        else {
          group.releaseEndOfRib(member);
          isReleased = true;
        }
      }
    }
    if (!isHeld && this.#isQuiet) this.#end();
    return isReleased;
  }

  #end(): void {
    this.#options = undefined;
    this.#ports.stopTimer(deferralTimer);
    this.#ports.stopTimer(quietTimer);
    this.#ended();
  }

  #mustWait(peer: Peer, { key, group }: PeerFamily, census: Census): boolean {
    if (this.#options === undefined) return false;
    const hasRestarted = peer.negotiated?.gracefulRestart?.restarted === true;
    const { profile } = group;
    if (!this.#isQuiet && total(census.absent, profile) > 0) return true;
    let awaited = total(census.awaited, profile);
    // Two that have restarted must not wait for each other.
    if (hasRestarted) awaited -= total(census.awaitedRestarted, profile);
    else if (isAwaited(peer, key) && takesSource(profile, peer.source)) awaited--;
    return awaited > 0;
  }

  /** May those still come whom nobody knows, and have paths for peers of the profile? Asked of each peer in each turn. */
  #newcomersMatter(profile: ExportProfile): boolean {
    const mayCome = !this.#isQuiet && this.#options?.newcomers === true;
    return mayCome && takesSource(profile, PathSource.client);
  }

  #census(key: number): Census {
    const absent = new Map<number, number>();
    const awaited = new Map<number, number>();
    const awaitedRestarted = new Map<number, number>();
    for (const peer of this.#peers()) {
      if (peer.negotiated === undefined) count(absent, peer.source);
      if (!isAwaited(peer, key)) continue;
      count(awaited, peer.source);
      if (peer.negotiated?.gracefulRestart?.restarted === true) {
        count(awaitedRestarted, peer.source);
      }
    }
    return { absent, awaited, awaitedRestarted };
  }
}

/** Will the peer say End-of-RIB for a family, which it has not yet? */
function isAwaited({ negotiated, families, endOfRibs }: Peer, key: number): boolean {
  if (negotiated?.gracefulRestart === undefined || endOfRibs.has(key)) return false;
  return families.some((family) => family.key === key);
}

function count(counts: Map<number, number>, source: PathSource): void {
  counts.set(source, (counts.get(source) ?? 0) + 1);
}

/** Those whose paths peers of the profile are sent. */
function total(counts: ReadonlyMap<number, number>, profile: ExportProfile): number {
  let sum = 0;
  for (const source of peerSources) {
    if (takesSource(profile, source)) sum += counts.get(source) ?? 0;
  }
  return sum;
}
