import { ipv4Prefix, type Prefix } from "../net/prefix.ts";
import { DueDeletions } from "./due-deletions.ts";
import { type FibPolicy, lenient } from "./fib-policy.ts";
import { type ForeignRoute, replacedByHand } from "./ownership.ts";
import { Flight } from "./flight.ts";
import type { FibPath } from "./path.ts";
import { type FibChange, type FibOp, FibRow, rowsOf } from "./row.ts";
import { RowFlag } from "./row-flag.ts";
import { RowQueue } from "./row-queue.ts";
import { countStates, type RowState, wantedLengths } from "./row-state.ts";
import { RowTable } from "./row-table.ts";
import { type Culprit, EEXIST, type RowFailure, unlisted } from "./trouble.ts";
import { UnknownOwners } from "./unknown-owners.ts";

/** What came of a change. */
export type Outcome = "installed" | "repaired" | "removed" | "failed" | "occupied";

/** How often a scan may find nothing where the kernel says EEXIST, until that is an error. */
const FRUITLESS_SCANS = 3;
/** So many rows are looked at in one go: a millisecond or two, where nothing is to be written. */
const LOOKS = 16_384;

/**
 * The difference between the routes that are wanted and those that the kernel holds, kept up to date from both sides,
 * and given out in batches: first what is new or changed, then, once the picture is complete, what nobody wants.
 * Knows nothing of netlink; the kernel's side is told by `saw…` and `lost…`, and by `settle`.
 */
export class Fib<Want> {
  readonly #table: RowTable<Want>;
  /** Rows to be looked at. */
  readonly #queue = new RowQueue();
  readonly #deletions: DueDeletions;
  readonly #flight: Flight<Want>;
  readonly #unknownOwners: UnknownOwners;
  /** Rows that have, or had, a failure; and rows in whose place a foreign route is, or was. */
  readonly #failed = new Set<number>();
  readonly #contested = new Set<number>();
  readonly #policy: FibPolicy<Want>;
  #mayDelete = false;
  #scan = 1;

  /** `mainMetric` is that of most routes. */
  constructor(mainMetric: number, policy: Partial<FibPolicy<Want>> = {}) {
    this.#policy = { ...lenient, ...policy };
    this.#table = new RowTable(mainMetric);
    this.#deletions = new DueDeletions(this.#table, this.#policy.mayRemove);
    this.#flight = new Flight(this.#table);
    this.#unknownOwners = new UnknownOwners(this.#table);
  }

  /** Nothing to write, nothing being written. */
  get idle(): boolean {
    return this.#flight.changes === 0 && !this.hasMore && this.#deletions.isIdle;
  }

  /** Routes that would be deleted, had that not been refused. */
  get frozenDeletions(): number {
    return this.#deletions.frozen;
  }

  /** Deletions that were refused are asked for again. */
  askAgain(): void {
    this.#deletions.askAgain();
  }

  /** A scan of all protocols is due: the kernel says that routes are there of which we know nothing. */
  get ownersUnknown(): boolean {
    return !this.#unknownOwners.isEmpty;
  }

  /** Some route of another protocol is where one is, or was, wanted. */
  get hasConflicts(): boolean {
    for (const row of this.#contested) {
      if (this.#table.trouble(row)?.foreign !== undefined) return true;
      this.#contested.delete(row);
    }
    return false;
  }

  /** All rows, in no order. Rows may be added and deleted meanwhile. */
  rows(): Generator<FibRow<Want>, undefined> {
    return rowsOf(this.#table);
  }

  /** Routes by state. What waits for a way, and `isHopeless` says waits in vain, is an error. */
  countStates(isHopeless: (want: Want) => boolean): Record<RowState, number> {
    return countStates(this.#table, isHopeless);
  }

  /** Prefix lengths of the routes that are wanted, single addresses apart, shortest first. */
  wantedLengths(): Record<4 | 6, readonly number[]> {
    return wantedLengths(this.#table);
  }

  /** Where routes of ours lead that the kernel holds, or holds by now, as far as anybody knows. */
  heldPaths(): ReadonlySet<FibPath> {
    return new Set([...this.#flight.paths(), ...this.#table.held.paths()]);
  }

  row(prefix: Prefix, metric: number): FibRow<Want> | undefined {
    const row = this.#table.find(prefix, metric);
    return row < 0 ? undefined : new FibRow(this.#table, row);
  }

  /** Wants a route; without a path it waits for one, and what is there stays if it may. Returns who wanted it before. */
  want(prefix: Prefix, metric: number, want: Want, path: FibPath | undefined): Want | undefined {
    const table = this.#table;
    const row = this.#table.ensure(prefix, metric);
    const before = table.want[row];
    table.want[row] = want;
    this.#deletions.drop(row);
    if (table.has(row, RowFlag.doubtful)) {
      table.clear(row, RowFlag.doubtful);
      table.hold(row, undefined);
    }
    if (table.wanted[row] !== path) this.#forgetFailure(row);
    table.wanted[row] = path;
    this.#enqueue(row);
    return before;
  }

  /** Every route that is wanted shall lead where `pathOf` says, given who wants it and where it led; `undefined`: it waits for a way. */
  lead(pathOf: (want: Want, path: FibPath | undefined) => FibPath | undefined): void {
    const { end, want: wants, wanted } = this.#table;
    for (let row = 0; row < end; row++) {
      const want = wants[row];
      if (want === undefined) continue;
      const path = pathOf(want, wanted[row]);
      // Of what has no way it is asked again whether it may stay.
      if (path === wanted[row] && path !== undefined) continue;
      if (path !== wanted[row]) this.#forgetFailure(row);
      wanted[row] = path;
      this.#deletions.drop(row);
      this.#enqueue(row);
    }
  }

  unwant(prefix: Prefix, metric: number): void {
    const row = this.#table.find(prefix, metric);
    if (row < 0) return;
    this.#table.want[row] = undefined;
    this.#table.wanted[row] = undefined;
    this.#forgetFailure(row);
    this.#enqueue(row);
  }

  /** Leaves a row as it is, with a failure of ours to show, until `retryFailed`. */
  hold({ number }: FibRow<Want>, failure: RowFailure): void {
    this.#fail(number, failure);
  }

  #fail(row: number, failure: RowFailure): void {
    this.#table.troubleOf(row).failure = failure;
    this.#failed.add(row);
  }

  #forgetFailure(row: number): void {
    const trouble = this.#table.trouble(row);
    if (trouble !== undefined) trouble.failure = undefined;
  }

  /** Tries again what the kernel refused. */
  retryFailed(): void {
    for (const row of this.#failed) {
      const trouble = this.#table.trouble(row);
      if (trouble?.failure === undefined) continue;
      trouble.failure = undefined;
      trouble.fruitlessScans = 0;
      this.#enqueue(row);
    }
    this.#failed.clear();
  }

  /** From now on, what is ours and nobody wants is deleted. Returns how many routes that is about now. */
  allowDeletions(): number {
    const table = this.#table;
    this.#mayDelete = true;
    let stale = 0;
    for (let row = 0; row < table.end; row++) {
      if (!table.has(row, RowFlag.used) || table.wanted[row] !== undefined) continue;
      if (table.want[row] === undefined) stale++;
      this.#enqueue(row);
    }
    return stale;
  }

  /** The kernel holds this route of ours; `tookPlace` when it replaced what was there. */
  sawOurs(prefix: Prefix, metric: number, path: FibPath, tookPlace: boolean, by?: Culprit): void {
    const table = this.#table;
    const row = this.#table.ensure(prefix, metric);
    table.seen[row] = this.#scan;
    if (this.#disturb(row)) return;
    if (this.#unknownOwners.known(row)) this.#enqueue(row);
    table.clear(row, RowFlag.doubtful);
    const before = table.kernel[row];
    const trouble = table.trouble(row);
    // It was the other's that was replaced, of whose end the kernel says nothing else.
    if (tookPlace && before === undefined && trouble !== undefined) trouble.foreign = undefined;
    if (before === path) return;
    if (before !== undefined && table.want[row] !== undefined && path !== table.wanted[row]) {
      const changed = table.troubleOf(row);
      changed.damage = "changed";
      changed.culprit = by;
    }
    table.hold(row, path);
    table.set(row, RowFlag.adopted);
    table.clear(row, RowFlag.reclaim);
    this.#enqueue(row);
  }

  /** The same of many, by their addresses. Most are as they were, and then only ticked off. */
  sawOursAlike(addresses: Int32Array, length: number, metric: number, path: FibPath): void {
    for (const address of addresses) {
      if (this.#table.tick(address, length, metric, path, this.#scan)) continue;
      this.sawOurs(ipv4Prefix(address, length), metric, path, false);
    }
  }

  /** The kernel no longer holds a route of ours. */
  lostOurs(prefix: Prefix, metric: number, culprit?: Culprit): void {
    const row = this.#table.find(prefix, metric);
    if (row >= 0 && !this.#disturb(row)) this.#lose(row, culprit);
  }

  /**
   * The kernel holds a route of another protocol; `tookPlace` when it replaced what was there, and `culprit` unless it was
   * listed. Returns whether that is news of a conflict with what is wanted. It can also stand beside ours (ip-route(8):
   * append, prepend): the kernel goes by the first, and that is the one which is listed first.
   */
  sawForeign(
    prefix: Prefix,
    metric: number,
    route: ForeignRoute,
    tookPlace: boolean,
    culprit?: Culprit,
  ): boolean {
    const table = this.#table;
    const row = table.find(prefix, metric);
    if (row < 0) return false;
    const trouble = table.troubleOf(row);
    const isBeside = !tookPlace && table.kernel[row] !== undefined;
    const isBehind = isBeside && culprit === undefined && table.seen[row] === this.#scan;
    if (!isBehind) trouble.foreignSeen = this.#scan;
    if (this.#disturb(row) || isBehind) return false;
    if (isBeside && culprit !== undefined) {
      this.#unknownOwners.ask(row);
      return false;
    }
    this.#unknownOwners.known(row);
    if (tookPlace && table.kernel[row] !== undefined) {
      table.hold(row, undefined);
      trouble.damage = "changed";
      trouble.culprit = culprit;
      if (replacedByHand(route.protocol)) {
        table.set(row, RowFlag.reclaim);
        this.#enqueue(row);
        return false;
      }
    }
    const isWanted = table.want[row] !== undefined;
    const news = trouble.foreign === undefined && isWanted;
    trouble.foreign = route;
    this.#contested.add(row);
    trouble.failure = undefined;
    if (!isWanted || this.#takes(row)) this.#enqueue(row);
    return news;
  }

  /** A route of another protocol is gone. */
  lostForeign(prefix: Prefix, metric: number): void {
    const row = this.#table.find(prefix, metric);
    if (row < 0 || this.#disturb(row)) return;
    const trouble = this.#table.trouble(row);
    // Of two that are there besides ours it may be the one that does not matter.
    if (trouble?.foreign !== undefined && this.#table.kernel[row] !== undefined) {
      return this.#unknownOwners.ask(row);
    }
    if (trouble !== undefined) trouble.foreign = undefined;
    this.#table.clear(row, RowFlag.reclaim);
    this.#enqueue(row);
  }

  /** A scan begins: what the kernel holds is about to be told anew. No change may be in flight. */
  beginScan(): void {
    this.#scan = (this.#scan + 1) & 255;
  }

  /** The scan is through: what it did not tell of is gone. `everyProtocol`: it told of foreign routes too. */
  endScan(everyProtocol: boolean): void {
    const table = this.#table;
    for (let row = 0; row < table.end; row++) {
      if (!table.has(row, RowFlag.used)) continue;
      if (table.kernel[row] !== undefined && table.seen[row] !== this.#scan) this.#lose(row);
      if (!everyProtocol) continue;
      const trouble = table.trouble(row);
      if (trouble?.foreign !== undefined && trouble.foreignSeen !== this.#scan) {
        trouble.foreign = undefined;
        this.#enqueue(row);
      }
      if (table.has(row, RowFlag.ownerUnknown)) this.#nobodyFound(row);
    }
  }

  /** Rows are still to be looked at, which `take` left for another turn. */
  get hasMore(): boolean {
    return !this.#queue.isEmpty;
  }

  /**
   * The next changes, at most `limit`; none when nothing is left to do, or all that is left is in flight, or it `hasMore`. Those
   * that are settled may be among them, as others.
   */
  take(limit: number): FibChange<Want>[] {
    const table = this.#table;
    const changes: FibChange<Want>[] = [];
    for (let looks = 0; looks < LOOKS && changes.length < limit; looks++) {
      const row = this.#queue.shift();
      if (row < 0) break;
      table.clear(row, RowFlag.queued);
      const op = this.#writeOf(row);
      const path = op === "delete" ? table.kernel[row] : table.wanted[row];
      if (op !== undefined) changes.push(this.#flight.launch(row, op, path as FibPath));
    }
    // Deletions come last, and only when all else is in.
    if (changes.length > 0 || this.#flight.writes > 0 || this.hasMore) return changes;
    return this.#takeDeletions(limit);
  }

  /** Tells what the kernel made of a change. */
  settle(change: FibChange<Want>, failure: RowFailure | undefined): Outcome {
    const table = this.#table;
    const row = change.number;
    this.#flight.landed(change);
    table.seen[row] = this.#scan;
    const outcome =
      failure === undefined ? this.#settleDone(change) : this.#settleFailed(change, failure);
    const isWanted = table.want[row] !== undefined;
    if (table.has(row, RowFlag.disturbed)) {
      table.clear(row, RowFlag.disturbed);
      table.set(row, RowFlag.again);
      // What is wanted is created if need be, and EEXIST tells that it was not. What nobody wants may be ours and there:
      // it is deleted, which hurts nobody where it is not.
      if (isWanted) table.clear(row, RowFlag.doubtful);
      else table.set(row, RowFlag.doubtful);
      table.hold(row, isWanted ? undefined : change.path);
    }
    if (table.has(row, RowFlag.again)) {
      table.clear(row, RowFlag.again);
      this.#enqueue(row);
    }
    const isOver = !isWanted && table.kernel[row] === undefined;
    if (isOver && !table.has(row, RowFlag.queued)) this.#forget(row);
    return outcome;
  }

  /** The outcome of a batch is not known: a scan must follow. */
  abandon(changes: readonly FibChange<Want>[]): void {
    for (const change of changes) {
      this.#flight.landed(change);
      this.#table.clear(change.number, RowFlag.disturbed | RowFlag.again);
      this.#enqueue(change.number);
    }
  }

  #settleDone(change: FibChange<Want>): Outcome {
    const table = this.#table;
    const { op, path, number: row } = change;
    table.hold(row, op === "delete" ? undefined : path);
    table.clear(row, RowFlag.doubtful | RowFlag.adopted);
    const trouble = table.trouble(row);
    if (trouble === undefined) return op === "delete" ? "removed" : "installed";
    if (op === "delete") {
      trouble.failure = undefined;
      trouble.fruitlessScans = 0;
      return "removed";
    }
    table.forgetTrouble(row);
    change.culprit = trouble.culprit;
    return trouble.damage === undefined ? "installed" : "repaired";
  }

  #settleFailed(change: FibChange<Want>, failure: RowFailure): Outcome {
    const { op, path, number: row } = change;
    if (op === "create" && failure.errno === EEXIST) {
      this.#unknownOwners.ask(row);
      return "occupied";
    }
    if (op === "delete" || this.#table.wanted[row] === path) this.#fail(row, failure);
    return "failed";
  }

  #takeDeletions(limit: number): FibChange<Want>[] {
    const table = this.#table;
    const changes: FibChange<Want>[] = [];
    while (changes.length < limit) {
      const row = this.#deletions.take();
      if (row < 0) break;
      const kernel = table.kernel[row];
      if (kernel === undefined || table.has(row, RowFlag.inFlight)) this.#enqueue(row);
      else changes.push(this.#flight.launch(row, "delete", kernel));
    }
    return changes;
  }

  /** What shall be written for a row, if anything; what shall be deleted is put aside. */
  #writeOf(row: number): FibOp | undefined {
    const table = this.#table;
    if (table.has(row, RowFlag.inFlight)) {
      table.set(row, RowFlag.again);
      return undefined;
    }
    if (table.want[row] === undefined) {
      this.#retire(row);
      return undefined;
    }
    const trouble = table.trouble(row);
    const takes = trouble !== undefined && this.#takes(row);
    const yields = trouble?.foreign !== undefined && !takes;
    const path = table.wanted[row];
    if (path === undefined) this.#leave(row);
    const isBarred = table.has(row, RowFlag.ownerUnknown) || trouble?.failure !== undefined;
    if (path === undefined || yields || isBarred) return undefined;
    const kernel = table.kernel[row];
    if (path === kernel && !takes) {
      if (trouble !== undefined) trouble.damage = undefined;
      return undefined;
    }
    // Behind the other's ours does nothing, and the kernel would refuse it in its place: it makes way for itself.
    if (takes && kernel !== undefined) {
      table.set(row, RowFlag.again);
      return "delete";
    }
    const replaces = kernel !== undefined || takes || table.has(row, RowFlag.reclaim);
    table.clear(row, RowFlag.reclaim);
    return replaces ? "replace" : "create";
  }

  /** Without a way, what is there stays, unless it must not. */
  #leave(row: number): void {
    const { kernel, want } = this.#table;
    const there = kernel[row];
    if (there !== undefined && !this.#policy.mayStay(want[row] as Want, there)) this.#retire(row);
  }

  #retire(row: number): void {
    const table = this.#table;
    if (table.kernel[row] === undefined) this.#forget(row);
    else if (this.#mayDelete && table.trouble(row)?.failure === undefined) this.#deletions.add(row);
  }

  /** Does the policy let us put ours in the place of the other's route? */
  #takes(row: number): boolean {
    const foreign = this.#table.trouble(row)?.foreign;
    return (
      foreign !== undefined && this.#table.want[row] !== undefined && this.#policy.mayTake(foreign)
    );
  }

  #lose(row: number, culprit?: Culprit): void {
    const table = this.#table;
    if (table.kernel[row] !== undefined && table.want[row] !== undefined) {
      const trouble = table.troubleOf(row);
      trouble.damage = "deleted";
      trouble.culprit = culprit;
    }
    table.hold(row, undefined);
    table.clear(row, RowFlag.doubtful);
    this.#enqueue(row);
  }

  #nobodyFound(row: number): void {
    this.#unknownOwners.known(row);
    const trouble = this.#table.troubleOf(row);
    trouble.fruitlessScans++;
    if (trouble.fruitlessScans >= FRUITLESS_SCANS) this.#fail(row, unlisted);
    else this.#enqueue(row);
  }

  /** While our own change is in flight nobody can say whose was last: it is looked at again afterwards. */
  #disturb(row: number): boolean {
    const isInFlight = this.#table.has(row, RowFlag.inFlight);
    if (isInFlight) this.#table.set(row, RowFlag.disturbed);
    return isInFlight;
  }

  #enqueue(row: number): void {
    if (this.#table.has(row, RowFlag.queued)) return;
    this.#table.set(row, RowFlag.queued);
    this.#queue.push(row);
  }

  #forget(row: number): void {
    this.#unknownOwners.known(row);
    this.#deletions.drop(row);
    this.#failed.delete(row);
    this.#contested.delete(row);
    this.#table.delete(row);
  }
}
