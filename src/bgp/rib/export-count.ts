/** Paths that the members of an update group are sent, by the peer that they are of. */
export class ExportCount {
  #total = 0;
  readonly #byPeer: number[] = [];

  add(peer: number, change: number): void {
    this.#total += change;
    while (peer >= this.#byPeer.length) this.#byPeer.push(0);
    (this.#byPeer[peer] as number) += change;
  }

  /** All but those of a peer. */
  without(peer: number): number {
    return this.#total - (this.#byPeer[peer] ?? 0);
  }
}
