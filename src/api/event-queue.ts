import { create } from "@bufbuild/protobuf";
import { EventKind, EventSchema } from "../gen/margay/v1/event_pb.ts";
import type { EventView } from "./views.ts";

/** What a watcher has not taken yet. */
export interface EventBatch {
  readonly events: EventView[];
  /** Events were dropped since the last batch. */
  readonly lagged: boolean;
  /** Events superseded by newer ones of the same thing since the last batch. */
  readonly coalesced: number;
}

/**
 * The events that one watcher has yet to take. A newer event of the same peer, prefix or file takes the older one's
 * place, so a slow watcher costs at most one event per thing; past `capacity` things the oldest is dropped and the
 * watcher is told that it lags.
 */
export class EventQueue {
  readonly #capacity: number;
  readonly #pending = new Map<string, EventView>();
  #lagged = false;
  #coalesced = 0;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#pending.size;
  }

  push(event: EventView): void {
    const key = keyOf(event);
    const older = this.#pending.get(key);
    if (older !== undefined) {
      this.#pending.delete(key);
      this.#coalesced++;
    }
    this.#pending.set(key, older === undefined ? event : supersede(older, event));
    if (this.#pending.size > this.#capacity) this.#dropOldest();
    this.#wake?.();
  }

  /** Takes at most `limit` events, the oldest first. */
  take(limit: number): EventBatch {
    const events: EventView[] = [];
    for (const [key, event] of this.#pending) {
      if (events.length === limit) break;
      events.push(event);
      this.#pending.delete(key);
    }
    const batch = { events, lagged: this.#lagged, coalesced: this.#coalesced };
    this.#lagged = false;
    this.#coalesced = 0;
    return batch;
  }

  /** Resolves when there is something to take, or when closed. One waiter at a time. */
  async ready(): Promise<void> {
    if (this.#pending.size > 0 || this.#closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
  }

  /** Nobody takes any more: lets the waiter go. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  #dropOldest(): void {
    const oldest = this.#pending.keys().next();
    if (oldest.done !== true) this.#pending.delete(oldest.value);
    this.#lagged = true;
  }
}

/** Which kind of thing changed. */
export function eventKind(event: EventView): EventKind {
  switch (event.change?.case) {
    case "peer":
      return EventKind.PEER;
    case "route":
      return EventKind.ROUTE;
    case "fib":
      return EventKind.FIB;
    case "config":
      return EventKind.CONFIG;
    case undefined:
      return EventKind.UNSPECIFIED;
  }
}

function keyOf(event: EventView): string {
  const change = event.change;
  switch (change?.case) {
    case "peer":
      return `peer ${change.value.peer?.address} ${change.value.peer?.port}`;
    case "route":
      return `route ${change.value.prefix}`;
    case "fib":
      return `fib ${change.value.entry?.prefix}`;
    case "config":
    case undefined:
      return change?.case ?? "";
  }
}

/** The newer event, telling the difference from before the older one. Events are shared by watchers: never altered. */
function supersede(olderEvent: EventView, newerEvent: EventView): EventView {
  const older = create(EventSchema, olderEvent).change;
  const newer = create(EventSchema, newerEvent).change;
  const time = newerEvent.time;
  if (older.case === "peer" && newer.case === "peer") {
    const { peer, removed } = newer.value;
    const value = { peer, removed, previousState: older.value.previousState };
    return create(EventSchema, { time, change: { case: "peer", value } });
  }
  if (older.case === "route" && newer.case === "route") {
    const { prefix, best } = newer.value;
    const value = { prefix, best, previous: older.value.previous };
    return create(EventSchema, { time, change: { case: "route", value } });
  }
  return newerEvent;
}
