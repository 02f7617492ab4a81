import type { FsmEvent } from "./fsm/event.ts";
import { cease } from "./fsm/cease.ts";
import { CeaseSubcode } from "./iana.ts";
import type { Peer } from "./peer.ts";
import type { PrefixLimits } from "./prefix-limits.ts";
import type { FamilyRib } from "./rib/family-rib.ts";
import type { RouteRefresh } from "./route-refresh.ts";

interface PeerControlParts {
  readonly ribs: ReadonlyMap<number, FamilyRib>;
  readonly routeRefresh: RouteRefresh;
  readonly prefixLimits: PrefixLimits;
  readonly feed: (peer: Peer, event: FsmEvent) => void;
  readonly peer: (index: number) => Peer | undefined;
  /** Whether the speaker still has the peer: one from a range goes with its session. */
  readonly isListed: (peer: Peer) => boolean;
  readonly forget: (peer: Peer) => void;
  readonly wake: () => void;
}

/**
 * What is done to a session beside configuring it: by an operator, and by us for want of memory. What of an order may come to
 * nothing, or half of it, returns what was not done, and why, for people.
 */
export class PeerControl {
  readonly #parts: PeerControlParts;

  constructor(parts: PeerControlParts) {
    this.#parts = parts;
  }

  /** Ends the session and has none come up until `enable`. @param message for the peer, at most 255 octets (RFC 9003) */
  disable(peer: Peer, message = ""): void {
    const text = `disabled by the operator${message === "" ? "" : `: "${message}"`}`;
    peer.held = { by: "operator", text };
    this.#stop(peer, CeaseSubcode.administrativeShutdown, message);
  }

  /** Lets a session come up again, whatever held it down. */
  enable(peer: Peer): void {
    peer.held = undefined;
    this.#parts.prefixLimits.cancel(peer);
    // Somebody from a range is let in when he comes again.
    if (peer.isDynamic && peer.fsm.state === "Idle") this.#parts.forget(peer);
    else this.#parts.feed(peer, { type: "ManualStart" });
  }

  /** Ends the session and begins anew, unless the peer is held down. @param message as `disable` */
  reset(peer: Peer, message = ""): string | undefined {
    if (peer.held !== undefined) return `not reset, as it is held down: ${peer.held.text}`;
    const { restart } = peer.fsm;
    this.#stop(peer, CeaseSubcode.administrativeReset, message);
    if (this.#parts.isListed(peer)) this.#parts.feed(peer, restart);
    return undefined;
  }

  /** Ends the sessions of those who read so slowly that remembering what they have missed takes too much. They may come back at once. */
  endOutgrown({ outgrown }: FamilyRib): void {
    for (const index of outgrown) {
      const peer = this.#parts.peer(index);
      if (peer === undefined) continue;
      const { restart } = peer.fsm;
      const text =
        "the peer reads so slowly that it has missed more prefixes than can be kept for it";
      const notification = cease(CeaseSubcode.outOfResources);
      this.#parts.feed(peer, { type: "AutomaticStop", notification, text });
      if (this.#parts.isListed(peer)) this.#parts.feed(peer, restart);
    }
    outgrown.clear();
  }

  #stop(peer: Peer, subcode: number, message: string): void {
    const text = message === "" ? {} : { message };
    this.#parts.feed(peer, { type: "ManualStop", subcode, ...text });
  }

  /** Judges the peer's routes again, and asks it for them again where it can. */
  softIn(peer: Peer): string | undefined {
    for (const rib of this.#parts.ribs.values()) rib.refilter(peer.index, peer.importPolicy);
    this.#parts.wake();
    if (this.#parts.routeRefresh.request(peer)) return undefined;
    const why =
      peer.negotiated === undefined
        ? "there is no session"
        : "it did not offer to send them again (RFC 2918)";
    return `its routes are judged again, but it is not asked for them: ${why}`;
  }

  /** Sends the peer its routes again. */
  softOut(peer: Peer): string | undefined {
    this.#parts.routeRefresh.send(peer);
    return peer.negotiated === undefined ? "it is sent nothing: there is no session" : undefined;
  }
}
