import type { Prefix } from "../net/prefix.ts";
import { type ForeignRoute, replacedByHand } from "./ownership.ts";
import type { FibPath } from "./path.ts";
import { type Culprit, type FibChange, type FibOp, FibRow, type RowFailure } from "./row.ts";
import { RowTable } from "./row-table.ts";

/** What the difference alone does not decide. By default all may be removed, and nothing of others taken. */
export interface FibPolicy {
  /** May so many routes go, of those that `held` counts? A refusal holds until `askAgain`. */
  readonly mayRemove: (due: number, held: () => number) => boolean;
  /** May a route of another protocol be replaced by one that is wanted? */
  readonly mayTake: (route: ForeignRoute) => boolean;
}

/** What came of a change. */
export type Outcome = "installed" | "repaired" | "removed" | "failed" | "occupied";

/** How often a scan may find nothing where the kernel says EEXIST, until that is an error. */
const FRUITLESS_SCANS = 3;
const EEXIST = 17;

/**
 * The difference between the routes that are wanted and those that the kernel holds, kept up to date from both sides,
 * and given out in batches: first what is new or changed, then, once the picture is complete, what nobody wants.
 * Knows nothing of netlink; the kernel's side is told by `saw…` and `lost…`, and by `settle`.
 */
export class Fib<Want> {
  readonly #rows: RowTable<Want>;
  #queue: FibRow<Want>[] = [];
  #head = 0;
  readonly #deletions = new Set<FibRow<Want>>();
  /** Rows that have, or had, a failure; and rows in whose place a foreign route is, or was. */
  readonly #failed = new Set<FibRow<Want>>();
  readonly #contested = new Set<FibRow<Want>>();
  /** Of the deletions due, so many may go without asking again. */
  #approved = 0;
  #frozen = false;
  readonly #mayRemove: FibPolicy["mayRemove"];
  readonly #mayTake: FibPolicy["mayTake"];
  #writesInFlight = 0;
  #changesInFlight = 0;
  #mayDelete = false;
  #scan = 1;
  #unknownOwners = 0;

  /** `mainMetric` is that of most routes. */
  constructor(mainMetric: number, policy: Partial<FibPolicy> = {}) {
    this.#rows = new RowTable(mainMetric);
    this.#mayRemove = policy.mayRemove ?? (() => true);
    this.#mayTake = policy.mayTake ?? (() => false);
  }

  /** Nothing to write, nothing being written. */
  get idle(): boolean {
    return (
      this.#changesInFlight === 0 &&
      this.#head === this.#queue.length &&
      (this.#deletions.size === 0 || this.#frozen)
    );
  }

  /** Routes that would be deleted, had that not been refused. */
  get frozenDeletions(): number {
    return this.#frozen ? this.#deletions.size : 0;
  }

  /** Deletions that were refused are asked for again. */
  askAgain(): void {
    this.#frozen = false;
  }

  /** A scan of all protocols is due: the kernel says that routes are there of which we know nothing. */
  get ownersUnknown(): boolean {
    return this.#unknownOwners > 0;
  }

  /** Some route of another protocol is where one is, or was, wanted. */
  get hasConflicts(): boolean {
    for (const row of this.#contested) {
      if (row.foreign !== undefined) return true;
      this.#contested.delete(row);
    }
    return false;
  }

  rows(): IterableIterator<FibRow<Want>> {
    return this.#rows.values();
  }

  row(prefix: Prefix, metric: number): FibRow<Want> | undefined {
    return this.#rows.get(prefix, metric);
  }

  /** Wants a route; without a path it waits for one, and what is there stays. */
  want(prefix: Prefix, metric: number, want: Want, path: FibPath | undefined): FibRow<Want> {
    return this.wantAt(this.#rowFor(prefix, metric), want, path);
  }

  /** The same where the row is known. */
  wantAt(row: FibRow<Want>, want: Want, path: FibPath | undefined): FibRow<Want> {
    row.want = want;
    this.#deletions.delete(row);
    if (row.doubtful) {
      row.doubtful = false;
      row.kernel = undefined;
    }
    if (row.wanted !== path) row.failure = undefined;
    row.wanted = path;
    this.#enqueue(row);
    return row;
  }

  /** A route that is wanted shall lead elsewhere, or waits for a way. */
  lead(row: FibRow<Want>, path: FibPath | undefined): void {
    row.failure = undefined;
    row.wanted = path;
    this.#enqueue(row);
  }

  unwant(prefix: Prefix, metric: number): void {
    const row = this.row(prefix, metric);
    if (row === undefined) return;
    row.want = undefined;
    row.wanted = undefined;
    row.failure = undefined;
    this.#enqueue(row);
  }

  /** Leaves a row as it is, with a failure of ours to show, until `retryFailed`. */
  hold(row: FibRow<Want>, failure: RowFailure): void {
    this.#fail(row, failure);
  }

  #fail(row: FibRow<Want>, failure: RowFailure): void {
    row.failure = failure;
    this.#failed.add(row);
  }

  /** Tries again what the kernel refused. */
  retryFailed(): void {
    for (const row of this.#failed) {
      if (row.failure === undefined) continue;
      row.failure = undefined;
      row.fruitlessScans = 0;
      this.#enqueue(row);
    }
    this.#failed.clear();
  }

  /** From now on, what is ours and nobody wants is deleted. Returns how many routes that is about now. */
  allowDeletions(): number {
    this.#mayDelete = true;
    let stale = 0;
    for (const row of this.#rows.values()) {
      if (row.want !== undefined) continue;
      stale++;
      this.#enqueue(row);
    }
    return stale;
  }

  /** The kernel holds this route of ours. */
  sawOurs(prefix: Prefix, metric: number, path: FibPath, culprit?: Culprit): void {
    const row = this.#rowFor(prefix, metric);
    row.seen = this.#scan;
    if (this.#disturb(row)) return;
    this.#ownerKnown(row);
    row.doubtful = false;
    if (row.kernel === path) return;
    if (row.kernel !== undefined && row.want !== undefined && path !== row.wanted) {
      row.damage = "changed";
      row.culprit = culprit;
    }
    row.kernel = path;
    row.adopted = true;
    row.reclaim = false;
    this.#enqueue(row);
  }

  /** The kernel no longer holds a route of ours. */
  lostOurs(prefix: Prefix, metric: number, culprit?: Culprit): void {
    const row = this.row(prefix, metric);
    if (row !== undefined && !this.#disturb(row)) this.#lose(row, culprit);
  }

  /**
   * The kernel holds a route of another protocol; `tookPlace` when it replaced what was there. Returns whether that is
   * news of a conflict with what is wanted.
   */
  sawForeign(
    prefix: Prefix,
    metric: number,
    route: ForeignRoute,
    tookPlace: boolean,
    culprit?: Culprit,
  ): boolean {
    const row = this.row(prefix, metric);
    if (row === undefined) return false;
    row.foreignSeen = this.#scan;
    if (this.#disturb(row)) return false;
    this.#ownerKnown(row);
    if (tookPlace && row.kernel !== undefined) {
      row.kernel = undefined;
      row.damage = "changed";
      row.culprit = culprit;
      if (replacedByHand(route.protocol)) {
        row.reclaim = true;
        this.#enqueue(row);
        return false;
      }
    }
    const news = row.foreign === undefined && row.want !== undefined;
    row.foreign = route;
    this.#contested.add(row);
    row.failure = undefined;
    if (row.want === undefined || this.#takes(row)) this.#enqueue(row);
    return news;
  }

  /** A route of another protocol is gone. */
  lostForeign(prefix: Prefix, metric: number): void {
    const row = this.row(prefix, metric);
    if (row === undefined || this.#disturb(row)) return;
    row.foreign = undefined;
    row.reclaim = false;
    this.#enqueue(row);
  }

  /** A scan begins: what the kernel holds is about to be told anew. No change may be in flight. */
  beginScan(): void {
    this.#scan++;
  }

  /** The scan is through: what it did not tell of is gone. `everyProtocol`: it told of foreign routes too. */
  endScan(everyProtocol: boolean): void {
    for (const row of this.#rows.values()) {
      if (row.kernel !== undefined && row.seen !== this.#scan) this.#lose(row);
      if (!everyProtocol) continue;
      if (row.foreign !== undefined && row.foreignSeen !== this.#scan) {
        row.foreign = undefined;
        this.#enqueue(row);
      }
      if (row.ownerUnknown) this.#nobodyFound(row);
    }
  }

  /** The next changes, at most `limit`; none when nothing is left to do or all that is left is in flight. */
  take(limit: number): FibChange<Want>[] {
    const changes: FibChange<Want>[] = [];
    while (changes.length < limit && this.#head < this.#queue.length) {
      const row = this.#queue[this.#head++] as FibRow<Want>;
      row.queued = false;
      const op = this.#writeOf(row);
      if (op !== undefined) changes.push(this.#launch(row, op, row.wanted as FibPath));
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    this.#writesInFlight += changes.length;
    // Deletions come last, and only when all else is in.
    if (changes.length > 0 || this.#writesInFlight > 0) return changes;
    return this.#takeDeletions(limit);
  }

  /** Tells what the kernel made of a change. */
  settle(change: FibChange<Want>, failure: RowFailure | undefined): Outcome {
    const row: FibRow<Want> = change;
    const { op } = change;
    row.inFlight = false;
    row.seen = this.#scan;
    this.#changesInFlight--;
    if (op !== "delete") this.#writesInFlight--;
    const outcome =
      failure === undefined ? settleDone(change) : this.#settleFailed(change, failure);
    if (row.disturbed) {
      row.disturbed = false;
      row.again = true;
      // What is wanted is created if need be, and EEXIST tells that it was not. What nobody wants may be ours and there:
      // it is deleted, which hurts nobody where it is not.
      row.doubtful = row.want === undefined;
      row.kernel = row.doubtful ? change.path : undefined;
    }
    if (row.again) {
      row.again = false;
      this.#enqueue(row);
    }
    if (row.want === undefined && row.kernel === undefined && !row.queued) this.#forget(row);
    return outcome;
  }

  /** The outcome of a batch is not known: a scan must follow. */
  abandon(changes: readonly FibChange<Want>[]): void {
    for (const change of changes) {
      const row: FibRow<Want> = change;
      const { op } = change;
      row.inFlight = false;
      row.disturbed = false;
      row.again = false;
      this.#changesInFlight--;
      if (op !== "delete") this.#writesInFlight--;
      this.#enqueue(row);
    }
  }

  #settleFailed(change: FibChange<Want>, failure: RowFailure): Outcome {
    const row: FibRow<Want> = change;
    const { op, path } = change;
    if (op === "create" && failure.errno === EEXIST) {
      if (!row.ownerUnknown) this.#unknownOwners++;
      row.ownerUnknown = true;
      return "occupied";
    }
    if (op === "delete" || row.wanted === path) this.#fail(row, failure);
    return "failed";
  }

  #takeDeletions(limit: number): FibChange<Want>[] {
    const changes: FibChange<Want>[] = [];
    for (const row of this.#deletions) {
      if (changes.length === limit || !this.#isApproved()) break;
      this.#deletions.delete(row);
      this.#approved--;
      if (row.kernel === undefined || row.inFlight) this.#enqueue(row);
      else changes.push(this.#launch(row, "delete", row.kernel));
    }
    if (this.#deletions.size === 0) {
      this.#approved = 0;
      this.#frozen = false;
    }
    return changes;
  }

  #isApproved(): boolean {
    if (this.#approved > 0) return true;
    if (this.#frozen) return false;
    const due = this.#deletions.size;
    if (this.#mayRemove(due, () => this.#held())) this.#approved = due;
    else this.#frozen = true;
    return !this.#frozen;
  }

  /** Routes of ours that the kernel holds. */
  #held(): number {
    let held = 0;
    for (const row of this.#rows.values()) if (row.kernel !== undefined) held++;
    return held;
  }

  #launch(row: FibRow<Want>, op: FibOp, path: FibPath): FibChange<Want> {
    row.op = op;
    row.path = path;
    row.inFlight = true;
    this.#changesInFlight++;
    return row as FibChange<Want>;
  }

  /** What shall be written for a row, if anything; what shall be deleted is put aside. */
  #writeOf(row: FibRow<Want>): FibOp | undefined {
    if (row.inFlight) {
      row.again = true;
      return undefined;
    }
    const { kernel, wanted: path } = row;
    if (row.want === undefined) {
      this.#retire(row);
      return undefined;
    }
    const takes = this.#takes(row);
    const yields = row.foreign !== undefined && !takes;
    if (path === undefined || yields || row.ownerUnknown || row.failure !== undefined) {
      return undefined;
    }
    if (path === kernel) {
      row.damage = undefined;
      return undefined;
    }
    const op = kernel !== undefined || row.reclaim || takes ? "replace" : "create";
    row.reclaim = false;
    return op;
  }

  #retire(row: FibRow<Want>): void {
    if (row.kernel === undefined) this.#forget(row);
    else if (this.#mayDelete && row.failure === undefined) this.#deletions.add(row);
  }

  /** Does the policy let us put ours in the place of the other's route? */
  #takes({ foreign, want }: FibRow<Want>): boolean {
    return foreign !== undefined && want !== undefined && this.#mayTake(foreign);
  }

  #lose(row: FibRow<Want>, culprit?: Culprit): void {
    if (row.kernel !== undefined && row.want !== undefined) {
      row.damage = "deleted";
      row.culprit = culprit;
    }
    row.kernel = undefined;
    row.doubtful = false;
    this.#enqueue(row);
  }

  #nobodyFound(row: FibRow<Want>): void {
    this.#ownerKnown(row);
    row.fruitlessScans++;
    if (row.fruitlessScans >= FRUITLESS_SCANS) {
      this.#fail(row, {
        errno: EEXIST,
        text: "EEXIST: the kernel has a route there that it does not list",
      });
    } else this.#enqueue(row);
  }

  #ownerKnown(row: FibRow<Want>): void {
    if (!row.ownerUnknown) return;
    row.ownerUnknown = false;
    this.#unknownOwners--;
  }

  /** While our own change is in flight nobody can say whose was last: it is looked at again afterwards. */
  #disturb(row: FibRow<Want>): boolean {
    if (row.inFlight) row.disturbed = true;
    return row.inFlight;
  }

  #enqueue(row: FibRow<Want>): void {
    if (row.queued) return;
    row.queued = true;
    this.#queue.push(row);
  }

  #forget(row: FibRow<Want>): void {
    this.#ownerKnown(row);
    this.#deletions.delete(row);
    this.#failed.delete(row);
    this.#contested.delete(row);
    this.#rows.delete(row);
  }

  #rowFor(prefix: Prefix, metric: number): FibRow<Want> {
    let row = this.#rows.get(prefix, metric);
    if (row === undefined) {
      row = new FibRow<Want>(prefix, metric);
      this.#rows.add(row);
    }
    return row;
  }
}

function settleDone<Want>(change: FibChange<Want>): Outcome {
  const row: FibRow<Want> = change;
  const { op, path } = change;
  row.failure = undefined;
  row.fruitlessScans = 0;
  row.kernel = op === "delete" ? undefined : path;
  row.doubtful = false;
  row.adopted = false;
  if (op === "delete") return "removed";
  row.foreign = undefined;
  const damaged = row.damage !== undefined;
  row.damage = undefined;
  return damaged ? "repaired" : "installed";
}
