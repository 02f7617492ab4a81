import { setImmediate } from "node:timers/promises";
import { EventKind } from "../gen/margay/v1/event_pb.ts";
import { StatusCode } from "../gen/margay/v1/frame_pb.ts";
import {
  type ControlPeerRequest,
  type ManagementService,
  PeerAction,
} from "../gen/margay/v1/management_pb.ts";
import { formatIpAddress, parseIpAddress } from "../net/ip-address.ts";
import { ApiError, invalidArgument } from "./api-error.ts";
import { type EventBatch, EventQueue, eventKind } from "./event-queue.ts";
import { parsePrefixFilter } from "./prefix-filter.ts";
import type { ServiceHandlers } from "./router.ts";
import type { RouteView, Views } from "./views.ts";

/** Items per message of a listing; a route weighs as many as it has candidates. */
const BATCH_WEIGHT = 500;
/** Different things whose changes a watcher may leave untaken. */
const WATCH_CAPACITY = 10_000;
const WATCH_BATCH = 500;

const allKinds: ReadonlySet<EventKind> = new Set([
  EventKind.PEER,
  EventKind.ROUTE,
  EventKind.FIB,
  EventKind.CONFIG,
]);

const knownActions: readonly number[] = Object.values(PeerAction);

/** The longest text that a Cease carries, RFC 9003 §2. */
const MESSAGE_OCTETS = 255;

/**
 * The calls of ManagementService, over what the daemon shows of itself.
 * @param mayControl whether clients may change something: those whom the permissions of a socket let in
 */
export function managementHandlers(
  views: Views,
  mayControl: boolean,
): ServiceHandlers<typeof ManagementService> {
  return {
    getStatus: () => ({ status: views.status() }),
    listPeers: () => ({ peers: [...views.peers()] }),
    getPeer: ({ address }) => ({ peer: found(address, (key) => views.peer(key)) }),
    controlPeer: (request) => {
      checkOrder(request);
      if (!mayControl) {
        throw new ApiError(
          StatusCode.PERMISSION_DENIED,
          "orders are taken on the unix socket only",
        );
      }
      return found(request.address, (key) => views.controlPeer(key, request));
    },
    async *listRoutes({ prefix, match }, { signal }) {
      const routes = views.routes(parsePrefixFilter(prefix, match));
      for await (const batch of inBatches(routes, candidateCount, signal)) yield { routes: batch };
    },
    async *getFib({ prefix, match }, { signal }) {
      const entries = views.fib(parsePrefixFilter(prefix, match));
      for await (const batch of inBatches(entries, () => 1, signal)) yield { entries: batch };
    },
    watch: ({ kinds }, { signal }) => watch(views, new Set(kinds), signal),
    async explain({ address }) {
      const octets = parseIpAddress(address);
      if (octets === undefined) {
        throw invalidArgument(
          `"${address}" is not an address; explain takes one, such as 10.233.2.7`,
        );
      }
      return { explanation: await views.explain(formatIpAddress(octets)) };
    },
    confirmRemovals: async () => ({ routes: await views.confirmRemovals() }),
  };
}

function checkOrder({ action, message }: ControlPeerRequest): void {
  if (action === PeerAction.UNSPECIFIED || !knownActions.includes(action)) {
    throw invalidArgument(`peer action ${action} is not known here`);
  }
  const octets = new TextEncoder().encode(message).length;
  if (octets > MESSAGE_OCTETS) {
    throw invalidArgument(
      `a message takes at most ${MESSAGE_OCTETS} octets of UTF-8, not ${octets}`,
    );
  }
  const isTold = action === PeerAction.DISABLE || action === PeerAction.RESET;
  if (octets > 0 && !isTold) throw invalidArgument("a message goes with disable and reset only");
}

/** What `look` has for a peer's address, whichever way it is written, or for its name. */
function found<T>(address: string, look: (key: string) => T | undefined): T {
  const octets = parseIpAddress(address);
  const peer = look(octets === undefined ? address : formatIpAddress(octets));
  if (peer === undefined) {
    throw new ApiError(StatusCode.NOT_FOUND, `no peer has the address or name "${address}"`);
  }
  return peer;
}

function candidateCount(route: RouteView): number {
  return Math.max(1, route.candidates?.length ?? 0);
}

/** Groups items by weight, and lets the rest of the program work between two groups. */
async function* inBatches<T>(
  items: Iterable<T>,
  weightOf: (item: T) => number,
  signal: AbortSignal,
): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let weight = 0;
  for (const item of items) {
    batch.push(item);
    weight += weightOf(item);
    if (weight < BATCH_WEIGHT) continue;
    yield batch;
    if (signal.aborted) return;
    batch = [];
    weight = 0;
    await setImmediate();
  }
  if (batch.length > 0) yield batch;
}

/** Subscribes now rather than at the first pull: what changes after the call arrived is never missed. */
function watch(
  views: Views,
  asked: ReadonlySet<EventKind>,
  signal: AbortSignal,
): AsyncIterable<EventBatch> {
  const kinds = asked.size === 0 ? allKinds : asked;
  for (const kind of kinds) {
    if (!allKinds.has(kind)) throw invalidArgument(`event kind ${kind} is not known here`);
  }
  const queue = new EventQueue(WATCH_CAPACITY);
  const unsubscribe = views.subscribe((event) => {
    if (kinds.has(eventKind(event))) queue.push(event);
  }, kinds);
  signal.addEventListener(
    "abort",
    () => {
      unsubscribe();
      queue.close();
    },
    { once: true },
  );
  return takeUntilAborted(queue, signal);
}

async function* takeUntilAborted(
  queue: EventQueue,
  signal: AbortSignal,
): AsyncGenerator<EventBatch> {
  for (;;) {
    await queue.ready();
    // One message for what one turn of the program changed.
    await setImmediate();
    if (signal.aborted) return;
    if (queue.size > 0) yield queue.take(WATCH_BATCH);
  }
}
