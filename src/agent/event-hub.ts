import type { EventView } from "../api/views.ts";
import type { EventKind } from "../gen/margay/v1/event_pb.ts";

/** Hands events to those who watch. An event is only made when somebody wants its kind. */
export class EventHub {
  readonly #listeners = new Map<(event: EventView) => void, ReadonlySet<EventKind>>();

  subscribe(listener: (event: EventView) => void, kinds: ReadonlySet<EventKind>): () => void {
    this.#listeners.set(listener, kinds);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Does anybody want events of this kind? */
  wants(kind: EventKind): boolean {
    for (const kinds of this.#listeners.values()) {
      if (kinds.has(kind)) return true;
    }
    return false;
  }

  publish(kind: EventKind, event: EventView): void {
    for (const [listener, kinds] of this.#listeners) {
      if (kinds.has(kind)) listener(event);
    }
  }
}
