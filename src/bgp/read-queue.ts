import type { PeerSession } from "./peer-session.ts";

/** Sessions with messages to work off, each at most once, in turns. */
export class ReadQueue {
  #waiting: PeerSession[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** @returns whether it was not queued already */
  push(session: PeerSession): boolean {
    if (session.isQueued) return false;
    session.isQueued = true;
    this.#waiting.push(session);
    return true;
  }

  /** Has `read` look at session after session until none has more, or `mayContinue` says no. @param read tells whether there is more */
  drain(mayContinue: () => boolean, read: (session: PeerSession) => boolean): void {
    while (!this.isEmpty && mayContinue()) {
      const round = this.#waiting;
      this.#waiting = [];
      for (let index = 0; index < round.length; index++) {
        const session = round[index] as PeerSession;
        session.isQueued = false;
        if (read(session)) this.push(session);
        if (!mayContinue()) {
          this.#waiting = [...round.slice(index + 1), ...this.#waiting];
          break;
        }
      }
    }
  }
}
