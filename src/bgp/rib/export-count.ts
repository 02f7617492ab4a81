/** Paths that the members of an update group are sent, by the peer that they are of. */
export class ExportCount {
  #total = 0;
  readonly #byPeer = new Map<number, number>();

  add(peer: number, change: number): void {
    this.#total += change;
    this.#byPeer.set(peer, (this.#byPeer.get(peer) ?? 0) + change);
  }

  /** All but those of a peer. */
  without(peer: number): number {
    return this.#total - (this.#byPeer.get(peer) ?? 0);
  }
}
