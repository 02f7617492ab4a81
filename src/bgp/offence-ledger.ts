import type { DownReason } from "./fsm/action.ts";
import { UpdateSubcode } from "./iana.ts";
import type { AttributeError } from "./message/message.ts";
import { type Offence, type OffenceCounts, type Offending, offenceOf } from "./offence.ts";
import type { Peer } from "./peer.ts";
import type { UpdateReport } from "./update-receiver.ts";

/** A message that came in many small pieces. */
export interface Dribble {
  readonly octets: number;
  readonly pieces: number;
}

/** Counts what peers do wrong: of each while it is known, and of all since the start. */
export class OffenceLedger {
  readonly #totals = new Map<Offence, number>();
  readonly #tell: (peer: Peer, offending: Offending) => void;

  /** @param tell is told of what nobody else tells: neither a malformed UPDATE nor a session that ends */
  constructor(tell: (peer: Peer, offending: Offending) => void) {
    this.#tell = tell;
  }

  /** By all peers, those that are forgotten included. */
  get totals(): OffenceCounts {
    return this.#totals;
  }

  /** An UPDATE has been worked off. */
  updated(peer: Peer, { offendings, errors, discarded }: UpdateReport): void {
    if (errors.length > 0) this.#malformed(peer, errors);
    // Announcements refused, as the peer has as many prefixes as it may.
    if (discarded > 0) this.#count(peer, "prefix-limit", discarded);
    for (const offending of offendings) this.#offended(peer, offending);
  }

  /** A message of any kind has been worked off. */
  dribbled(peer: Peer, { octets, pieces }: Dribble): void {
    const text = `${octets} octets of a message came in ${pieces} pieces`;
    this.#offended(peer, { offence: "dribbling", text });
  }

  #offended(peer: Peer, offending: Offending): void {
    this.#count(peer, offending.offence);
    this.#tell(peer, offending);
  }

  /** The session goes on. */
  #malformed(peer: Peer, errors: readonly AttributeError[]): void {
    let isWithdrawn = false;
    for (const { outcome, subcode } of errors) {
      if (outcome === "attribute-discard") this.#count(peer, outcome);
      isWithdrawn ||= outcome === "treat-as-withdraw";
      if (subcode === UpdateSubcode.invalidNextHopAttribute) this.#count(peer, "martian-next-hop");
    }
    if (isWithdrawn) this.#count(peer, "treat-as-withdraw");
  }

  /** A session or an attempt ended. */
  down(peer: Peer, reason: DownReason): void {
    const offence = offenceOf(reason);
    if (offence !== undefined) this.#count(peer, offence);
  }

  #count(peer: Peer, offence: Offence, times = 1): void {
    peer.offences ??= new Map();
    peer.offences.set(offence, (peer.offences.get(offence) ?? 0) + times);
    this.#totals.set(offence, (this.#totals.get(offence) ?? 0) + times);
  }
}
