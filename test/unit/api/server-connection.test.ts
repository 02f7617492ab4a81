import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { createRouter } from "../../../src/api/router.ts";
import { ServerConnection } from "../../../src/api/server-connection.ts";
import { managementHandlers } from "../../../src/api/service.ts";
import type { FrameReceiver, FrameTransport } from "../../../src/api/transport.ts";
import { type Frame, FrameSchema, StatusCode } from "../../../src/gen/margay/v1/frame_pb.ts";
import {
  GetStatusResponseSchema,
  ManagementService,
} from "../../../src/gen/margay/v1/management_pb.ts";
import { silentLogger } from "../../../src/platform/logger.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeViews } from "./fake-views.ts";

type Body = NonNullable<MessageInitShape<typeof FrameSchema>["body"]>;

/** The client's end as a script: what was sent to it, and room for it by hand. */
class ScriptedTransport implements FrameTransport {
  readonly sent: Frame[] = [];
  hasRoom = true;
  closedWith: string | undefined;
  #receiver: FrameReceiver | undefined;
  #waiting: (() => void)[] = [];

  start(receiver: FrameReceiver): void {
    this.#receiver = receiver;
  }

  async send(frame: Frame): Promise<void> {
    this.sent.push(frame);
    if (!this.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  drain(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  close(_code: number, reason: string): void {
    this.closedWith = reason;
    this.#receiver?.closed(reason);
  }

  receive(streamId: number, body: Body): void {
    this.#receiver?.frame(create(FrameSchema, { streamId, body }));
  }

  bodies(streamId: number): (string | undefined)[] {
    return this.sent.filter((frame) => frame.streamId === streamId).map((frame) => frame.body.case);
  }

  endCode(streamId: number): StatusCode | undefined {
    const last = this.sent.findLast((frame) => frame.streamId === streamId)?.body;
    return last?.case === "end" ? last.value.code : undefined;
  }
}

function start(): {
  transport: ScriptedTransport;
  views: FakeViews;
  clock: FakeClock;
  connection: ServerConnection;
} {
  const transport = new ScriptedTransport();
  const views = new FakeViews();
  const clock = new FakeClock();
  const router = createRouter(ManagementService, managementHandlers(views, true));
  const connection = new ServerConnection({ transport, router, clock, logger: silentLogger });
  connection.start();
  return { transport, views, clock, connection };
}

/** Lets everything run that needs no outside event. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const manyRoutes = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    prefix: `10.${index >> 8}.${index & 255}.0/24`,
  }));

test("a unary call is one answer and an end", async () => {
  const { transport, connection } = start();
  transport.receive(1, { case: "call", value: { method: "GetStatus" } });
  await settle();
  assert.deepEqual(transport.bodies(1), ["data", "end"]);
  const { body } = transport.sent[0] as Frame;
  assert.ok(body.case === "data" && body.value.payload !== undefined);
  const answer = anyUnpack(body.value.payload, GetStatusResponseSchema);
  assert.equal(answer?.status?.nodeName, "node-a");
  assert.equal(transport.endCode(1), StatusCode.OK);
  assert.equal(connection.streams, 0);
});

test("a stream sends as many messages as it has credit for, and goes on with more", async () => {
  const { transport, views, connection } = start();
  views.currentRoutes = manyRoutes(5000);
  transport.receive(1, { case: "call", value: { method: "ListRoutes", credits: 3 } });
  await settle();
  assert.equal(transport.sent.length, 3);
  transport.receive(1, { case: "window", value: { credits: 2 } });
  await settle();
  assert.equal(transport.sent.length, 5);
  assert.equal(connection.streams, 1);
  transport.receive(1, { case: "window", value: { credits: 100 } });
  await settle();
  assert.deepEqual(transport.bodies(1), [...Array<string>(10).fill("data"), "end"]);
  assert.equal(connection.streams, 0);
});

test("one message per stream waits for a transport without room, whatever the credit", async () => {
  const { transport, views } = start();
  views.currentRoutes = manyRoutes(5000);
  transport.hasRoom = false;
  transport.receive(1, { case: "call", value: { method: "ListRoutes", credits: 1000 } });
  await settle();
  assert.equal(transport.sent.length, 1);
  transport.drain();
  await settle();
  assert.equal(transport.sent.length, 2);
});

test("a cancelled stream sends nothing more, not even an end, and unsubscribes", async () => {
  const { transport, views, connection } = start();
  transport.receive(1, { case: "call", value: { method: "Watch" } });
  await views.subscribed();
  transport.receive(1, { case: "cancel", value: {} });
  views.tell({ change: { case: "config", value: {} } });
  await settle();
  assert.deepEqual(transport.sent, []);
  assert.equal(views.listeners.size, 0);
  assert.equal(connection.streams, 0);
});

test("events of one turn go in one message", async () => {
  const { transport, views } = start();
  transport.receive(1, { case: "call", value: { method: "Watch" } });
  await views.subscribed();
  for (const prefix of ["10.0.1.0/24", "10.0.2.0/24"]) {
    views.tell({ change: { case: "route", value: { prefix } } });
  }
  await settle();
  assert.deepEqual(transport.bodies(1), ["data"]);
});

test("a passed deadline ends the call, and a late answer is dropped", async () => {
  const { transport, views, clock, connection } = start();
  transport.receive(1, { case: "call", value: { method: "Watch", deadlineMs: 5000 } });
  await views.subscribed();
  clock.advance(4999);
  await settle();
  assert.deepEqual(transport.sent, []);
  clock.advance(1);
  await settle();
  assert.deepEqual(transport.bodies(1), ["end"]);
  assert.equal(transport.endCode(1), StatusCode.DEADLINE_EXCEEDED);
  assert.equal(views.listeners.size, 0);
  assert.equal(connection.streams, 0);
  assert.equal(clock.pending, 0);
});

test("a finished call leaves no timer", async () => {
  const { transport, clock } = start();
  transport.receive(1, { case: "call", value: { method: "GetStatus", deadlineMs: 5000 } });
  await settle();
  assert.equal(transport.endCode(1), StatusCode.OK);
  assert.equal(clock.pending, 0);
});

test("calls beyond the limit are refused, those under way go on", async () => {
  const { transport, views, connection } = start();
  for (let streamId = 1; streamId <= 65; streamId++) {
    transport.receive(streamId, { case: "call", value: { method: "Watch" } });
  }
  await settle();
  assert.equal(connection.streams, 64);
  assert.equal(views.listeners.size, 64);
  assert.equal(transport.endCode(65), StatusCode.RESOURCE_EXHAUSTED);
});

test("a stream number used twice ends the connection and everything on it", async () => {
  const { transport, views, connection } = start();
  transport.receive(5, { case: "call", value: { method: "Watch" } });
  await views.subscribed();
  transport.receive(5, { case: "call", value: { method: "GetStatus" } });
  assert.match(transport.closedWith ?? "", /stream 5 is not above 5/);
  assert.equal(views.listeners.size, 0);
  assert.equal(connection.streams, 0);
});
