import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { EventQueue } from "../../../src/api/event-queue.ts";
import type { EventView } from "../../../src/api/views.ts";
import { EventSchema } from "../../../src/gen/margay/v1/event_pb.ts";

const route = (prefix: string, nextHop?: string, previous?: string): EventView => ({
  change: {
    case: "route",
    value: {
      prefix,
      ...(nextHop === undefined ? {} : { best: { nextHop } }),
      ...(previous === undefined ? {} : { previous: { nextHop: previous } }),
    },
  },
});

const prefixes = (events: readonly EventView[]): unknown[] =>
  events.map((event) => {
    const { change } = create(EventSchema, event);
    return change.case === "route" ? change.value.prefix : change.case;
  });

test("events leave in the order they came", () => {
  const queue = new EventQueue(10);
  for (const prefix of ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"])
    queue.push(route(prefix, "n"));
  assert.deepEqual(prefixes(queue.take(2).events), ["10.0.1.0/24", "10.0.2.0/24"]);
  assert.deepEqual(prefixes(queue.take(2).events), ["10.0.3.0/24"]);
  assert.equal(queue.size, 0);
});

test("a newer change of the same prefix replaces the older and keeps what was before both", () => {
  const queue = new EventQueue(10);
  queue.push(route("10.0.1.0/24", "b", "a"));
  queue.push(route("10.0.2.0/24", "x"));
  queue.push(route("10.0.1.0/24", "c", "b"));
  const { events, coalesced, lagged } = queue.take(10);
  assert.deepEqual(prefixes(events), ["10.0.2.0/24", "10.0.1.0/24"]);
  assert.deepEqual({ coalesced, lagged }, { coalesced: 1, lagged: false });
  const { change } = create(EventSchema, events[1] as EventView);
  assert.equal(change.case === "route" && change.value.best?.nextHop, "c");
  assert.equal(change.case === "route" && change.value.previous?.nextHop, "a");
});

test("a peer that went down and came up again tells the state before both", () => {
  const queue = new EventQueue(10);
  const peer = { address: "192.0.2.1", port: 179 };
  const change = (state: string, previousState: string): EventView => ({
    change: { case: "peer", value: { peer: { ...peer, state }, previousState } },
  });
  queue.push(change("Idle", "Established"));
  queue.push(change("Connect", "Idle"));
  const { events } = queue.take(10);
  assert.equal(events.length, 1);
  const merged = create(EventSchema, events[0] as EventView).change;
  assert.ok(merged.case === "peer");
  assert.equal(merged.value.previousState, "Established");
  assert.equal(merged.value.peer?.state, "Connect");
});

test("past the capacity the oldest go and the watcher is told once", () => {
  const queue = new EventQueue(3);
  for (let index = 0; index < 100; index++) queue.push(route(`10.0.${index}.0/24`, "n"));
  assert.equal(queue.size, 3);
  const batch = queue.take(10);
  assert.deepEqual(prefixes(batch.events), ["10.0.97.0/24", "10.0.98.0/24", "10.0.99.0/24"]);
  assert.equal(batch.lagged, true);
  queue.push(route("10.1.0.0/24", "n"));
  assert.equal(queue.take(10).lagged, false);
});

test("ready resolves at the first event, and at once when there is one", async () => {
  const queue = new EventQueue(3);
  let isReady = false;
  const ready = queue.ready().then(() => {
    isReady = true;
  });
  await Promise.resolve();
  assert.equal(isReady, false);
  queue.push(route("10.0.1.0/24"));
  await ready;
  await queue.ready();
});

test("ready resolves when closed, before and after", async () => {
  const queue = new EventQueue(3);
  const ready = queue.ready();
  queue.close();
  await ready;
  await queue.ready();
});
