import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { suite, type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ProbeServer, type ProbeServerOptions } from "../../src/api/probe-server.ts";
import { ListenError } from "../../src/api/unix-socket.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { FakeViews, healthyStatus } from "../unit/api/fake-views.ts";

async function serve(t: TestContext, changes: Partial<ProbeServerOptions> = {}): Promise<string> {
  const server = new ProbeServer({
    listen: { address: "127.0.0.1", port: 0 },
    logger: silentLogger,
    views: new FakeViews(),
    metrics: async function* () {
      yield "a 1\n";
      await nextTurn();
      yield "b 2\n";
    },
    metricsContentType: "text/plain; version=0.0.4; charset=utf-8",
    awaited: () => [],
    ...changes,
  });
  const address = await server.start();
  t.after(() => server.close());
  return address;
}

async function get(url: string, method = "GET"): Promise<readonly [status: number, body: string]> {
  const response = await fetch(url, { method });
  return [response.status, await response.text()];
}

suite("probes over HTTP", () => {
  test("/metrics gives the pieces as one answer, in the format it says", async (t) => {
    const address = await serve(t);
    const response = await fetch(`${address}/metrics?x=y`);
    assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(await response.text(), "a 1\nb 2\n");
    assert.deepEqual(await get(`${address}/metrics`, "HEAD"), [200, ""]);
  });

  test("/healthz has the problems of status, which are nothing to /livez", async (t) => {
    const views = new FakeViews();
    const address = await serve(t, { views });
    const [status, body] = await get(`${address}/healthz`);
    assert.equal(status, 503);
    assert.match(body, /1 peer is not Established \(1 Active\)/);
    assert.deepEqual(await get(`${address}/livez`), [200, "ok\n"]);
    views.currentStatus = healthyStatus;
    assert.deepEqual(await get(`${address}/healthz`), [200, "ok\n"]);
  });

  test("/readyz says what is waited for", async (t) => {
    let awaited = ["waiting for the routes of a2", "waiting for the routes of b1"];
    const address = await serve(t, { awaited: () => awaited });
    const body = "waiting for the routes of a2\nwaiting for the routes of b1\n";
    assert.deepEqual(await get(`${address}/readyz`), [503, body]);
    awaited = [];
    assert.deepEqual(await get(`${address}/readyz`), [200, "ok\n"]);
  });

  test("nothing else is there, and nothing can be changed", async (t) => {
    const address = await serve(t);
    const [status, body] = await get(`${address}/v1`);
    assert.equal(status, 404);
    assert.match(body, /\/metrics, \/livez, \/readyz and \/healthz/);
    assert.equal((await get(`${address}/metrics`, "POST"))[0], 405);
  });

  test("a scrape that is broken off is not gone on with, and harms nobody", async (t) => {
    const broken = Promise.withResolvers<void>();
    const metrics = async function* (): AsyncGenerator<string> {
      try {
        for (;;) {
          yield "x".repeat(65_536);
          await nextTurn();
        }
      } finally {
        broken.resolve();
      }
    };
    const address = new URL(await serve(t, { metrics }));
    const socket = connect(Number(address.port), address.hostname);
    socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    await broken.promise;
    assert.deepEqual(await get(new URL("/livez", address).href), [200, "ok\n"]);
  });

  test("the error says what to do when it cannot listen", async (t) => {
    const { port } = new URL(await serve(t));
    const fails = (listen: { address: string; port: number }, message: RegExp): Promise<void> =>
      assert.rejects(serve(t, { listen }), (error) => {
        assert.ok(error instanceof ListenError);
        assert.match(error.message, message);
        return true;
      });
    await fails(
      { address: "127.0.0.1", port: Number(port) },
      /in use: stop what listens there or give the metrics another port/,
    );
    await fails({ address: "192.0.2.1", port: 0 }, /192\.0\.2\.1:0: no interface of this machine/);
  });
});
