/** Something to do with every path of a peer. */
interface RowSweep {
  readonly peer: number;
  /** Rows of the peer, which may be removed while the iteration lasts, and -1 for as many others as are looked at in the time of a removal. */
  readonly rows: Iterator<number>;
  /** What a visit takes, in removals of a path. */
  readonly cost: number;
  readonly visit: (row: number) => void;
  /** Called after the last row. */
  readonly done?: () => void;
}

/** What a sweep takes beside its visits: a thousand peers that vanish at once have a thousand of them. */
const costOfSweep = 8;

/**
 * What is to be done with all paths of a peer (its session is lost, its policy is another one), a slice at a time: it may
 * have a million of them, and the KEEPALIVEs of others do not wait.
 */
export class RowSweeps {
  readonly #waiting: RowSweep[] = [];

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  /** What waits for the same peer is done first, at once. */
  add(sweep: RowSweep): void {
    this.settle(sweep.peer);
    this.#waiting.push(sweep);
  }

  /** Goes on with what waits, until it has taken about so much. */
  advance(limit: number): void {
    for (let left = limit; left > 0; ) {
      const sweep = this.#waiting[0];
      if (sweep === undefined) return;
      const { value: row, done } = sweep.rows.next();
      if (done === true) {
        this.#waiting.shift();
        sweep.done?.();
        left -= costOfSweep;
      } else if (row < 0) left--;
      else {
        sweep.visit(row);
        left -= sweep.cost;
      }
    }
  }

  /** Does at once what waits for a peer, whose paths are about to change in another way. */
  settle(peer: number): void {
    const at = this.#waiting.findIndex((sweep) => sweep.peer === peer);
    if (at < 0) return;
    for (const { rows, visit, done } of this.#waiting.splice(at, 1)) {
      for (let next = rows.next(); next.done !== true; next = rows.next()) {
        if (next.value >= 0) visit(next.value);
      }
      done?.();
    }
  }
}
