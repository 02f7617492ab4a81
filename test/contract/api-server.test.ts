import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type ClientOptions, WebSocket } from "ws";
import { connect } from "../../src/api/connect.ts";
import { ApiError } from "../../src/api/api-error.ts";
import { startApiServer } from "../../src/api/server.ts";
import { ListenError } from "../../src/api/unix-socket.ts";
import { StatusCode } from "../../src/gen/margay/v1/frame_pb.ts";
import { PeerAction } from "../../src/gen/margay/v1/management_pb.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { nodeClock } from "../../src/platform/node-clock.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeViews, healthyStatus } from "../unit/api/fake-views.ts";
import { serve, temporaryDirectory } from "./api-transports.ts";

const tcp = { host: "127.0.0.1", port: 0 };

/** Status and body of what the server answers to an upgrade that it refuses. */
async function refusal(
  url: string,
  protocols: string[],
  options: ClientOptions = {},
): Promise<{ status: number | undefined; body: string }> {
  const socket = new WebSocket(url, protocols, options);
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, body: Buffer.concat(chunks).toString() };
}

async function get(url: string): Promise<{ status: number | undefined; body: string }> {
  const sent = request(url).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, body: Buffer.concat(chunks).toString() };
}

suite("who may connect", () => {
  test("an unknown subprotocol, none, or a wrong path is refused with the reason", async (t) => {
    const { addresses } = await serve(t, { views: new FakeViews(), tcp });
    const url = `${addresses[0]}/v1`;
    const expected = { status: 400, body: /margay\.v1\.proto or margay\.v1\.json/ };
    for (const protocols of [[], ["margay.v2.proto"], ["graphql-ws"]]) {
      const { status, body } = await refusal(url, protocols);
      assert.equal(status, expected.status);
      assert.match(body, expected.body);
    }
    assert.equal((await refusal(`${addresses[0]}/v2`, ["margay.v1.proto"])).status, 404);
  });

  test("pages of other sites are refused, the daemon's own are not", async (t) => {
    const { addresses } = await serve(t, { views: new FakeViews(), tcp });
    const url = `${addresses[0]}/v1`;
    const { host } = new URL(url);
    const foreign = [
      { origin: "https://example.com" },
      { origin: "http://127.0.0.1:1" },
      { origin: "null" },
      // A name of theirs that their DNS points at us.
      { origin: "http://evil.example:80", headers: { host: "evil.example:80" } },
    ];
    for (const options of foreign) {
      assert.equal((await refusal(url, ["margay.v1.proto"], options)).status, 403);
    }
    const own = new WebSocket(url, ["margay.v1.proto"], { origin: `http://${host}` });
    await once(own, "open");
    own.terminate();
  });

  test("the first known subprotocol that the client offers is taken", async (t) => {
    const { addresses } = await serve(t, { views: new FakeViews(), tcp });
    const offered = ["margay.v9.proto", "margay.v1.json", "margay.v1.proto"];
    const socket = new WebSocket(`${addresses[0]}/v1`, offered);
    await once(socket, "open");
    assert.equal(socket.protocol, "margay.v1.json");
    socket.terminate();
  });
});

test("orders are taken on the unix socket only", async (t) => {
  const views = new FakeViews();
  const socketPath = join(temporaryDirectory(t), "margay.sock");
  const { addresses } = await serve(t, { views, tcp, socketPath });
  const order = { address: "node-b", action: PeerAction.DISABLE, message: "back at noon" };
  views.undone = "half of it";
  for (const address of addresses) {
    await using connection = await connect(address, { clock: nodeClock, timeoutMs: 5000 });
    const answer = connection.client.controlPeer(order);
    if (!address.startsWith("unix:")) {
      await assert.rejects(answer, { code: StatusCode.PERMISSION_DENIED });
      continue;
    }
    assert.equal((await answer).peer?.address, "192.168.1.3");
    assert.equal((await answer).undone, "half of it");
    const toNobody = connection.client.controlPeer({ ...order, address: "nobody" });
    await assert.rejects(toNobody, { code: StatusCode.NOT_FOUND });
  }
  assert.deepEqual(
    views.orders.map(({ addressOrName, message }) => [addressOrName, message]),
    [
      ["node-b", "back at noon"],
      ["nobody", "back at noon"],
    ],
  );
});

suite("what a client may send", () => {
  async function closeAfter(
    t: Parameters<typeof serve>[0],
    protocol: string,
    message: string | Uint8Array,
  ): Promise<{ code: number; reason: string }> {
    const { addresses } = await serve(t, { views: new FakeViews(), tcp });
    const socket = new WebSocket(`${addresses[0]}/v1`, protocol);
    socket.on("error", () => {});
    await once(socket, "open");
    socket.send(message);
    const [code, reason] = (await once(socket, "close")) as [number, Buffer];
    return { code, reason: reason.toString() };
  }

  const mistakes = [
    ["rubbish", "margay.v1.proto", Uint8Array.of(255, 255, 255), 1007, /not a frame/],
    ["text where binary is due", "margay.v1.proto", "{}", 1007, /takes binary/],
    ["binary where text is due", "margay.v1.json", Uint8Array.of(8, 1), 1007, /takes text/],
    ["JSON of another schema", "margay.v1.json", '{"jsonrpc":"2.0"}', 1007, /not a frame/],
    ["a frame without a body", "margay.v1.json", '{"streamId":1}', 1002, /not nothing/],
    ["an answer", "margay.v1.json", '{"streamId":1,"end":{}}', 1002, /not end/],
    [
      "stream 0",
      "margay.v1.json",
      '{"call":{"method":"GetStatus"}}',
      1002,
      /stream 0 is not above/,
    ],
    ["more than a megabyte", "margay.v1.proto", new Uint8Array((1 << 20) + 1), 1009, /.*/],
  ] as const;
  for (const [name, protocol, message, code, reason] of mistakes) {
    test(`${name} ends the connection with ${code}`, async (t) => {
      const closed = await closeAfter(t, protocol, message);
      assert.equal(closed.code, code);
      assert.match(closed.reason, reason);
    });
  }

  test("JSON by hand: a call with and without payload, an unknown method, a wrong payload", async (t) => {
    const { addresses } = await serve(t, { views: new FakeViews(), tcp });
    const socket = new WebSocket(`${addresses[0]}/v1`, "margay.v1.json");
    await once(socket, "open");
    const answers: unknown[] = [];
    const ended = Promise.withResolvers<void>();
    socket.on("message", (data) => {
      answers.push(JSON.parse((data as Buffer).toString()));
      if (answers.filter((answer) => "end" in (answer as object)).length === 4) ended.resolve();
    });
    const type = (name: string): string => `type.googleapis.com/margay.v1.${name}`;
    const calls = [
      { method: "GetStatus" },
      {
        method: "margay.v1.ManagementService/GetPeer",
        payload: { "@type": type("GetPeerRequest"), address: "node-b" },
      },
      { method: "GetStats" },
      { method: "GetPeer", payload: { "@type": type("GetStatusRequest") } },
    ];
    calls.forEach((call, index) => socket.send(JSON.stringify({ streamId: index + 1, call })));
    await ended.promise;
    socket.terminate();
    const of = (streamId: number): Record<string, Record<string, unknown>>[] =>
      (answers as Record<string, Record<string, unknown>>[]).filter(
        (answer) => answer["streamId"] === (streamId as unknown),
      );
    const status = of(1)[0]?.["data"]?.["payload"] as {
      status: { nodeName: string; started: string };
    };
    assert.equal(status.status.nodeName, "node-a");
    assert.equal(status.status.started, "2026-11-20T12:00:00Z");
    const peer = of(2)[0]?.["data"]?.["payload"] as { "@type": string; peer: { name: string } };
    assert.equal(peer["@type"], type("GetPeerResponse"));
    assert.equal(peer.peer.name, "node-b");
    assert.equal(of(2)[1]?.["end"]?.["code"], "STATUS_CODE_OK");
    assert.equal(of(3)[0]?.["end"]?.["code"], "STATUS_CODE_UNIMPLEMENTED");
    assert.match(String(of(3)[0]?.["end"]?.["message"]), /no method "GetStats"; it has GetStatus/);
    assert.equal(of(4)[0]?.["end"]?.["code"], "STATUS_CODE_INVALID_ARGUMENT");
  });
});

suite("where it listens", () => {
  test("the unix socket is for owner and group, its directory is made, and it goes with the server", async (t) => {
    const socketPath = join(temporaryDirectory(t), "run", "margay", "margay.sock");
    const server = await serve(t, { views: new FakeViews(), socketPath });
    assert.deepEqual(server.addresses, [`unix:${socketPath}`]);
    assert.equal(statSync(socketPath).mode & 0o777, 0o660);
    await server.close();
    assert.equal(existsSync(socketPath), false);
  });

  test("a path with spaces and colons can be served and reached", async (t) => {
    const socketPath = join(temporaryDirectory(t), "a b:c.sock");
    await serve(t, { views: new FakeViews(), socketPath });
    await using connection = await connect(socketPath, { clock: nodeClock });
    assert.ok((await connection.client.getStatus({})).status);
  });

  test("a socket left by a dead process is replaced", async (t) => {
    const socketPath = join(temporaryDirectory(t), "margay.sock");
    // A process that dies does not unlink its socket; a closed handle of ours would.
    const { spawnSync } = await import("node:child_process");
    const script = `require("net").createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    assert.ok(statSync(socketPath).isSocket());
    const server = await serve(t, { views: new FakeViews(), socketPath });
    await using connection = await connect(server.addresses[0] as string, { clock: nodeClock });
    assert.ok((await connection.client.getStatus({})).status);
  });

  test("a socket in use, a file, or a taken port is left alone and named", async (t) => {
    const socketPath = join(temporaryDirectory(t), "margay.sock");
    const first = await serve(t, { views: new FakeViews(), socketPath, tcp });
    const inUse = (options: Parameters<typeof serve>[1], expected: RegExp): Promise<void> =>
      assert.rejects(serve(t, options), (error) => {
        assert.ok(error instanceof ListenError, String(error));
        assert.match(error.message, expected);
        return true;
      });
    const views = new FakeViews();
    await inUse(
      { views, socketPath },
      /Another daemon already listens on .*margay\.sock: stop it or/,
    );
    const port = Number(new URL(first.addresses[1] as string).port);
    await inUse({ views, tcp: { host: "127.0.0.1", port } }, /is in use: stop what listens there/);
    const file = join(temporaryDirectory(t), "precious");
    writeFileSync(file, "data");
    await inUse({ views, socketPath: file }, /is no socket/);
    assert.equal(statSync(file).size, 4);
    await inUse({ views, tcp: { host: "0.0.0.0", port: 0 } }, /loopback only/);
    await using connection = await connect(first.addresses[0] as string, { clock: nodeClock });
    assert.ok((await connection.client.getStatus({})).status);
  });

  test("when the second listener fails, the first is gone too", async (t) => {
    const socketPath = join(temporaryDirectory(t), "margay.sock");
    const tcpElsewhere = { host: "192.0.2.1", port: 0 };
    await assert.rejects(serve(t, { views: new FakeViews(), socketPath, tcp: tcpElsewhere }));
    assert.equal(existsSync(socketPath), false);
  });

  test("close says goodbye to clients, and calls under way fail as UNAVAILABLE", async (t) => {
    const views = new FakeViews();
    const server = await serve(t, { views, tcp });
    await using connection = await connect(server.addresses[0] as string, { clock: nodeClock });
    const change = connection.client.watch({}).next();
    await views.subscribed();
    assert.equal(server.connections, 1);
    await Promise.all([
      server.close(),
      assert.rejects(
        change,
        (error) =>
          error instanceof ApiError &&
          error.code === StatusCode.UNAVAILABLE &&
          /the daemon stops/.test(error.message),
      ),
    ]);
    assert.equal(server.connections, 0);
    assert.equal(views.listeners.size, 0);
  });
});

suite("liveness", () => {
  const pingIntervalMs = 15_000;

  async function start(t: Parameters<typeof serve>[0], autoPong: boolean) {
    const clock = new FakeClock();
    const options = { views: new FakeViews(), tcp, clock, logger: silentLogger };
    const server = await startApiServer(options);
    t.after(() => server.close());
    const socket = new WebSocket(`${server.addresses[0]}/v1`, "margay.v1.json", { autoPong });
    await once(socket, "open");
    t.after(() => socket.terminate());
    return { clock, server, socket };
  }

  test("a client that answers no ping is cut off after the second", async (t) => {
    const { clock, socket } = await start(t, false);
    for (let round = 0; round < 2; round++) {
      clock.advance(pingIntervalMs);
      await once(socket, "ping");
    }
    assert.equal(socket.readyState, socket.OPEN);
    clock.advance(pingIntervalMs);
    assert.equal((await once(socket, "close"))[0], 1006);
  });

  test("a client that answers stays", async (t) => {
    const { clock, server, socket } = await start(t, true);
    for (let round = 1; round <= 5; round++) {
      clock.advance(pingIntervalMs);
      await once(socket, "ping");
      // Its answer comes after the pong on the wire, so the server has seen both.
      socket.send(JSON.stringify({ streamId: round, call: { method: "GetStatus" } }));
      await once(socket, "message");
    }
    assert.equal(server.connections, 1);
  });
});

suite("plain HTTP", () => {
  test("/healthz is 503 with the problems, then 200", async (t) => {
    const views = new FakeViews();
    const { addresses } = await serve(t, { views, tcp });
    const url = (addresses[0] as string).replace("ws:", "http:");
    const sick = await get(`${url}/healthz`);
    assert.equal(sick.status, 503);
    assert.match(sick.body, /1 peer is not Established \(1 Active\)/);
    views.currentStatus = healthyStatus;
    assert.deepEqual(await get(`${url}/healthz`), { status: 200, body: "ok\n" });
  });

  test("other paths are 404, the API's own 426", async (t) => {
    const { addresses } = await serve(t, { views: new FakeViews(), tcp });
    const url = (addresses[0] as string).replace("ws:", "http:");
    assert.equal((await get(`${url}/`)).status, 404);
    assert.equal((await get(`${url}/v1`)).status, 426);
  });
});

suite("what connect says", () => {
  const connectFails = (host: string, code: StatusCode, message: RegExp, timeoutMs?: number) =>
    assert.rejects(connect(host, { clock: nodeClock, timeoutMs }), (error) => {
      assert.ok(error instanceof ApiError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });

  test("nobody there, not a margay, no such form, no answer", async (t) => {
    const path = join(temporaryDirectory(t), "none.sock");
    await connectFails(`unix:${path}`, StatusCode.UNAVAILABLE, /no daemon answers at unix:/);
    await connectFails("localhost:80", StatusCode.INVALID_ARGUMENT, /is no place of a daemon/);
    const mute = createServer().listen(0, "127.0.0.1");
    await once(mute, "listening");
    const { port } = mute.address() as { port: number };
    await connectFails(
      `ws://127.0.0.1:${port}`,
      StatusCode.DEADLINE_EXCEEDED,
      /did not answer within 50 ms/,
      50,
    );
    mute.close();
  });
});
