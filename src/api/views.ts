/**
 * What the API needs of the daemon. The composition root implements it over the speaker, the programmer and the
 * configuration; the API imports none of them. Values are plain objects in the shape of proto/margay/v1; a field left
 * out has the schema's zero value.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EventKind, EventSchema } from "../gen/margay/v1/event_pb.ts";
import type { PeerAction } from "../gen/margay/v1/management_pb.ts";
import type { ExplanationSchema } from "../gen/margay/v1/explanation_pb.ts";
import type { FibEntrySchema } from "../gen/margay/v1/fib_pb.ts";
import type { PeerSchema } from "../gen/margay/v1/peer_pb.ts";
import type { RouteSchema } from "../gen/margay/v1/route_pb.ts";
import type { StatusSchema } from "../gen/margay/v1/status_pb.ts";
import type { PrefixFilter } from "./prefix-filter.ts";

export type StatusView = MessageInitShape<typeof StatusSchema>;
export type PeerView = MessageInitShape<typeof PeerSchema>;
export type RouteView = MessageInitShape<typeof RouteSchema>;
export type FibEntryView = MessageInitShape<typeof FibEntrySchema>;
export type ExplanationView = MessageInitShape<typeof ExplanationSchema>;
export type EventView = MessageInitShape<typeof EventSchema>;

/** What an operator wants done to a peer's session. */
export interface PeerOrder {
  readonly action: PeerAction;
  /** Goes to the peer where the action ends the session; may be empty. */
  readonly message: string;
}

/** What came of it. */
export interface ObeyedOrder {
  /** Right after. */
  readonly peer: PeerView;
  /** What of it was not done, and why; empty where all was. */
  readonly undone: string;
}

export interface Views {
  status(): StatusView;
  /** In order of address. */
  peers(): Iterable<PeerView>;
  /** By address in canonical text, or by name. */
  peer(addressOrName: string): PeerView | undefined;
  /** Does what is ordered. @returns `undefined` when there is no peer of that address or name */
  controlPeer(addressOrName: string, order: PeerOrder): ObeyedOrder | undefined;
  /**
   * The Loc-RIB. Iterated a few hundred at a time with other work in between, so it must bear changes of the table
   * meanwhile. "exact" and "longest" should be look-ups; `selectByPrefix` filters for tables without an index.
   */
  routes(filter: PrefixFilter): Iterable<RouteView>;
  /** The FIB, under the same conditions. */
  fib(filter: PrefixFilter): Iterable<FibEntryView>;
  /** @param address canonical text */
  explain(address: string): Promise<ExplanationView>;
  /** Lets the removals go on that too many at once had frozen; resolves to how many routes went. */
  confirmRemovals(): Promise<number>;
  /**
   * Calls `listener` at each change from now on, until the function it returns is called. Events of other kinds than
   * asked for may come too: they are ignored.
   */
  subscribe(listener: (event: EventView) => void, kinds: ReadonlySet<EventKind>): () => void;
}
