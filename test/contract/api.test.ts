import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { ApiError } from "../../src/api/api-error.ts";
import type { EventView, RouteView } from "../../src/api/views.ts";
import { EventKind } from "../../src/gen/margay/v1/event_pb.ts";
import { StatusCode } from "../../src/gen/margay/v1/frame_pb.ts";
import { PeerAction, PrefixMatch } from "../../src/gen/margay/v1/management_pb.ts";
import { FakeViews, nodeB } from "../unit/api/fake-views.ts";
import { type Client, waysToConnect } from "./api-transports.ts";

const failsWith = (code: StatusCode, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const peerEvent = (state: string, previousState: string): EventView => ({
  change: {
    case: "peer",
    value: { peer: { address: "192.168.1.3", port: 179, state }, previousState },
  },
});

const routeEvent = (index: number): EventView => ({
  change: {
    case: "route",
    value: { prefix: `10.${index >> 8}.${index & 255}.0/24`, best: { nextHop: "192.0.2.1" } },
  },
});

for (const [name, connectTo] of Object.entries(waysToConnect)) {
  const start = async (t: TestContext): Promise<{ views: FakeViews; client: Client }> => {
    const views = new FakeViews();
    return { views, client: await connectTo(t, views) };
  };

  suite(`management API over ${name}`, () => {
    test("gives the status as the daemon shows it", async (t) => {
      const { client } = await start(t);
      const { status } = await client.getStatus({});
      assert.equal(status?.nodeName, "node-a");
      assert.equal(status?.fib?.conflicts, 1);
      assert.deepEqual(status?.listenAddresses, ["0.0.0.0:179"]);
    });

    test("lists peers, and finds one by address or name", async (t) => {
      const { client } = await start(t);
      const { peers } = await client.listPeers({});
      assert.deepEqual(
        peers.map((peer) => [peer.address, peer.state]),
        [
          ["192.168.1.3", "Established"],
          ["192.168.2.2", "Active"],
        ],
      );
      assert.equal((await client.getPeer({ address: "node-c" })).peer?.address, "192.168.2.2");
      const { peer } = await client.getPeer({ address: "192.168.1.3" });
      assert.equal(peer?.messagesIn?.keepalive, 120n);
    });

    test("says what is wrong with an order", async (t) => {
      const { client, views } = await start(t);
      const order = (action: number, message = ""): ReturnType<typeof client.controlPeer> =>
        client.controlPeer({ address: "node-b", action: action as PeerAction, message });
      const { RESET, SOFT_IN, UNSPECIFIED } = PeerAction;
      const wrong = (pattern: RegExp) => failsWith(StatusCode.INVALID_ARGUMENT, pattern);
      await assert.rejects(order(UNSPECIFIED), wrong(/action 0 is not known/));
      await assert.rejects(order(99), wrong(/action 99 is not known/));
      await assert.rejects(order(RESET, "ü".repeat(128)), wrong(/at most 255 .* not 256/));
      await assert.rejects(order(SOFT_IN, "hello"), wrong(/with disable and reset only/));
      assert.deepEqual(views.orders, []);
    });

    test("says NOT_FOUND and INVALID_ARGUMENT with the reason", async (t) => {
      const { client } = await start(t);
      await assert.rejects(
        client.getPeer({ address: "192.0.2.9" }),
        failsWith(StatusCode.NOT_FOUND, /no peer .*"192\.0\.2\.9"/),
      );
      await assert.rejects(
        client.explain({ address: "10.0.0.0/8" }),
        failsWith(StatusCode.INVALID_ARGUMENT, /is not an address/),
      );
      await assert.rejects(
        collect(client.listRoutes({ prefix: "10.0.0.1/8" })),
        failsWith(StatusCode.INVALID_ARGUMENT, /did you mean 10\.0\.0\.0\/8/),
      );
    });

    test("streams routes in batches, all of them once and in order", async (t) => {
      const { client, views } = await start(t);
      const count = 20_000;
      views.currentRoutes = Array.from(
        { length: count },
        (_, index): RouteView => ({
          prefix: `10.${index >> 8}.${index & 255}.0/24`,
          candidates: [{ best: true }],
        }),
      );
      const batches = await collect(client.listRoutes({}));
      assert.ok(batches.length > 1);
      const prefixes = batches.flatMap(({ routes }) => routes.map((route) => route.prefix));
      assert.deepEqual(
        prefixes,
        views.currentRoutes.map((route) => route.prefix),
      );
    });

    test("filters routes and FIB by prefix", async (t) => {
      const { client } = await start(t);
      const routes = await collect(client.listRoutes({ prefix: "10.233.2.9" }));
      assert.deepEqual(
        routes.flatMap((batch) => batch.routes.map((route) => route.prefix)),
        ["10.233.2.0/24"],
      );
      const request = { prefix: "10.233.0.0/16", match: PrefixMatch.LONGER };
      const entries = await collect(client.getFib(request));
      assert.deepEqual(
        entries.flatMap((batch) => batch.entries.map((entry) => entry.state)),
        ["installed", "conflict"],
      );
      assert.deepEqual(await collect(client.listRoutes({ prefix: "172.16.0.0/12" })), []);
    });

    test("tells watchers of what they asked for, in order", async (t) => {
      const { client, views } = await start(t);
      const changes = client.watch({ kinds: [EventKind.PEER] });
      const first = changes.next();
      await views.subscribed();
      views.tell(routeEvent(1));
      views.tell(peerEvent("Established", "OpenConfirm"));
      const { value } = await first;
      const change = value?.events[0]?.change;
      assert.equal(value?.events.length, 1);
      assert.ok(change?.case === "peer");
      assert.equal(change.value.previousState, "OpenConfirm");
      await changes.return();
    });

    test("a watcher that takes nothing costs bounded memory and is told that it lags", async (t) => {
      const { client, views } = await start(t);
      const changes = client.watch({});
      const first = changes.next();
      await views.subscribed();
      views.tell(routeEvent(0));
      await first;
      // The window is 16 messages and nothing is taken: what is told beyond them must not pile up.
      for (let turn = 0; turn < 40; turn++) {
        for (let index = 0; index < 1000; index++) views.tell(routeEvent(turn * 1000 + index));
        await new Promise((resolve) => setImmediate(resolve));
      }
      views.tell(peerEvent("Idle", "Established"));
      let taken = 0;
      let isLagged = false;
      let isOver = false;
      for await (const { events, lagged } of changes) {
        taken += events.length;
        isLagged ||= lagged;
        isOver = events.some((event) => event.change.case === "peer");
        if (isOver) break;
      }
      assert.ok(isLagged);
      // The window of 16 messages of at most 500, and the 10,000 that the queue holds.
      assert.ok(taken <= 16 * 500 + 10_000 + 1, `took ${taken}`);
    });

    test("a watcher that leaves is forgotten", async (t) => {
      const { client, views } = await start(t);
      const changes = client.watch({});
      const first = changes.next();
      await views.subscribed();
      views.tell(peerEvent("Idle", "Established"));
      await first;
      await changes.return();
      // A call after the cancel is answered after it.
      await client.getStatus({});
      assert.equal(views.listeners.size, 0);
    });

    test("a call that takes too long ends, and the connection lives on", async (t) => {
      const { client, views } = await start(t);
      views.explainAnswers = false;
      await assert.rejects(
        client.explain({ address: "10.233.2.7" }, { timeoutMs: 20 }),
        failsWith(StatusCode.DEADLINE_EXCEEDED, /within 20 ms/),
      );
      assert.ok((await client.getStatus({})).status);
    });

    test("an exception of the daemon is INTERNAL, and the connection lives on", async (t) => {
      const { client, views } = await start(t);
      views.currentPeers = new Proxy([nodeB], {
        get: () => {
          throw new Error("the table is on fire");
        },
      });
      await assert.rejects(client.listPeers({}), failsWith(StatusCode.INTERNAL, /on fire/));
      assert.ok((await client.getStatus({})).status);
    });

    test("calls run side by side", async (t) => {
      const { client } = await start(t);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          index % 2 === 0
            ? client
                .explain({ address: "10.233.2.7" })
                .then((answer) => answer.explanation?.verdict)
            : client.getStatus({}).then((answer) => answer.status?.nodeName),
        ),
      );
      assert.equal(new Set(answers).size, 2);
    });
  });
}
