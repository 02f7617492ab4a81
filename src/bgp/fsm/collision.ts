import type { ConnectionState } from "./connection.ts";
import type { Negotiated } from "./negotiate.ts";

/** What the collision rules ask of a connection whose peer has sent its OPEN. */
export interface Contender {
  /** We dialled it; else the peer did. */
  readonly dialled: boolean;
  readonly state: ConnectionState;
  readonly negotiated: Negotiated;
  /** Established for longer than two OPENs that crossed on the way could explain. */
  readonly settled: boolean;
}

/**
 * RFC 4271 §6.8: whether the connection on which an OPEN came just now survives, and the one that had its OPEN before
 * is closed. The two differ in who dialled, except where an Established connection meets one from a peer that redials.
 */
export function newcomerWins(newcomer: Contender, holder: Contender): boolean {
  if (holder.state !== "Established") return survivesByIdentifier(newcomer);
  return hasGracefulRestart(holder.negotiated) && isRestart(newcomer, holder);
}

/** Each connection of a collision was dialled by one side: the dominant side's is kept. */
function survivesByIdentifier({ dialled, negotiated }: Contender): boolean {
  return dialled === localDominates(negotiated);
}

/** The higher BGP identifier, then the higher AS number (RFC 6286 §2.3). */
function localDominates(negotiated: Negotiated): boolean {
  const { localIdentifier, peerIdentifier, localAsn, peerAsn } = negotiated;
  return localIdentifier === peerIdentifier ? localAsn > peerAsn : localIdentifier > peerIdentifier;
}

/** RFC 4724 §5: the capability was exchanged, with at least one family in it. */
function hasGracefulRestart({ gracefulRestart }: Negotiated): boolean {
  return gracefulRestart !== undefined && gracefulRestart.families.length > 0;
}

/**
 * A peer in graceful restart comes back before we noticed that it was gone. But a dial that crossed ours looks the same
 * where it arrives late, and dropping the Established session for it would end both: the peer closes the loser, too.
 * What was up before the session was Established, so not held back, did cross. Of the rest it takes a sign: the peer
 * dialled twice, or comes when no dial can have been under way so long, or says that it restarted in between.
 */
function isRestart(newcomer: Contender, holder: Contender): boolean {
  if (newcomer.state !== "Active") return false;
  return !holder.dialled || holder.settled || saysItRestarted(newcomer, holder);
}

function saysItRestarted(newcomer: Contender, holder: Contender): boolean {
  return (
    newcomer.negotiated.gracefulRestart?.restarted === true &&
    holder.negotiated.gracefulRestart?.restarted === false
  );
}
