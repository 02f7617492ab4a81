import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, test as plainTest } from "node:test";
import { nodeTcp } from "../../src/platform/node-tcp.ts";
import {
  type Tcp,
  type TcpConnection,
  TcpListenError,
  type TcpListener,
} from "../../src/platform/tcp.ts";
import { MemoryNetwork } from "../support/memory-tcp.ts";

/** A test that gives up rather than wait for an event that does not come. */
function test(title: string, body: () => Promise<void>): void {
  plainTest(title, { timeout: 10_000 }, body);
}

/** A connection whose events can be awaited. */
class Watched {
  readonly connection: TcpConnection;
  readonly chunks: Uint8Array[] = [];
  failure: string | undefined;
  drains = 0;
  #wake: () => void = () => {};

  constructor(connection: TcpConnection, isReading = true) {
    this.connection = connection;
    if (!isReading) connection.setReading(false);
    const woken = (): void => this.#wake();
    connection.listen({
      received: (octets) => {
        this.chunks.push(octets);
        woken();
      },
      drained: () => {
        this.drains++;
        woken();
      },
      failed: (reason) => {
        assert.equal(this.failure, undefined, "fails once");
        this.failure = reason;
        woken();
      },
    });
  }

  get octets(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

interface Pair {
  readonly listener: TcpListener;
  readonly dialled: TcpConnection;
  readonly accepted: TcpConnection;
}

const address = "127.0.0.1";

function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}

async function pair(tcp: Tcp, localAddress?: string): Promise<Pair> {
  const accepted = Promise.withResolvers<TcpConnection>();
  const listener = await tcp.listen({ address, port: 0, accepted: accepted.resolve });
  const dialled = await dial(tcp, listener.port, localAddress);
  return { listener, dialled, accepted: await accepted.promise };
}

function dial(tcp: Tcp, port: number, localAddress?: string): Promise<TcpConnection> {
  return new Promise((connected, reject) => {
    tcp.dial({
      address,
      port,
      ...(localAddress !== undefined && { localAddress }),
      connected,
      failed: (reason) => reject(new Error(reason)),
    });
  });
}

async function finish({ listener, dialled, accepted }: Pair): Promise<void> {
  dialled.close();
  accepted.close();
  await listener.close();
}

/** Writes until the buffer is full. @returns octets written */
function fill(connection: TcpConnection): number {
  const chunk = new Uint8Array(64 * 1024).fill(0x2e);
  let written = chunk.length;
  while (connection.write([chunk])) written += chunk.length;
  return written;
}

const implementations: readonly (readonly [string, () => Tcp])[] = [
  ["node:net", () => nodeTcp],
  ["in memory", () => new MemoryNetwork().host(address, "127.0.0.2")],
];

for (const [name, make] of implementations) {
  describe(`TCP, ${name}`, () => {
    test("connects two ends that know each other's addresses", async () => {
      const both = await pair(make());
      const { dialled, accepted, listener } = both;
      assert.equal(dialled.remotePort, listener.port);
      assert.equal(accepted.localPort, listener.port);
      assert.equal(accepted.remotePort, dialled.localPort);
      for (const end of [dialled, accepted]) {
        assert.deepEqual([end.localAddress, end.remoteAddress], [address, address]);
      }
      await finish(both);
    });

    test("dials from the address it is told", async () => {
      const both = await pair(make(), "127.0.0.2");
      assert.equal(both.accepted.remoteAddress, "127.0.0.2");
      await finish(both);
    });

    test("says why a dial fails", async () => {
      const tcp = make();
      const listener = await tcp.listen({ address, port: 0, accepted: () => {} });
      await listener.close();
      await assert.rejects(dial(tcp, listener.port), /connection refused: nobody listens/);
      await assert.rejects(dial(tcp, listener.port, "192.0.2.1"), /not on this machine/);
    });

    test("carries octets both ways, in order, whole parts or many", async () => {
      const both = await pair(make());
      const left = new Watched(both.dialled);
      const right = new Watched(both.accepted);
      for (let round = 0; round < 50; round++) {
        both.dialled.write([octetsOf(`a${round}`), octetsOf("b"), octetsOf("c;")]);
        both.accepted.write([octetsOf(`${round},`)]);
      }
      both.dialled.write([]);
      const there = Array.from({ length: 50 }, (_, round) => `a${round}bc;`).join("");
      const back = Array.from({ length: 50 }, (_, round) => `${round},`).join("");
      await right.until(() => right.text.length === there.length);
      await left.until(() => left.text.length === back.length);
      // Chunks handed out are nobody else's: none has changed since.
      assert.equal(right.text, there);
      assert.equal(left.text, back);
      await finish(both);
    });

    test("keeps what arrives before anybody listens", async () => {
      const both = await pair(make());
      const right = new Watched(both.accepted);
      both.accepted.write([octetsOf("early")]);
      both.dialled.write([octetsOf("sync")]);
      await right.until(() => right.text === "sync");
      const left = new Watched(both.dialled);
      await left.until(() => left.text === "early");
      await finish(both);
    });

    test("says when the buffer is full, and when it has drained", async () => {
      const both = await pair(make());
      const left = new Watched(both.dialled);
      const right = new Watched(both.accepted, false);
      const written = fill(both.dialled);
      assert.ok(written >= 256 * 1024);
      assert.equal(left.drains, 0);
      both.accepted.setReading(true);
      await left.until(() => left.drains > 0);
      await right.until(() => right.octets === written);
      assert.equal(left.drains, 1);
      assert.ok(both.dialled.write([octetsOf("x")]));
      await finish(both);
    });

    test("reads nothing while it is told not to", async () => {
      const both = await pair(make());
      const left = new Watched(both.dialled);
      const right = new Watched(both.accepted);
      both.accepted.setReading(false);
      both.dialled.write([octetsOf("waits")]);
      both.accepted.write([octetsOf("meanwhile")]);
      await left.until(() => left.text === "meanwhile");
      assert.equal(right.text, "");
      both.accepted.setReading(true);
      await right.until(() => right.text === "waits");
      await finish(both);
    });

    test("closes once everything is sent, and then is silent", async () => {
      const both = await pair(make());
      const left = new Watched(both.dialled);
      const right = new Watched(both.accepted);
      both.dialled.write([new Uint8Array(100_000), octetsOf("the end")]);
      both.dialled.close();
      both.dialled.close();
      await right.until(() => right.failure !== undefined);
      assert.equal(right.failure, "connection closed by the peer");
      assert.equal(right.octets, 100_007);
      assert.equal(left.failure, undefined);
      await finish(both);
    });

    test("gets its last words through to a peer whose own words nobody read", async () => {
      const both = await pair(make());
      const left = new Watched(both.dialled);
      const right = new Watched(both.accepted, false);
      fill(both.dialled);
      both.accepted.write([octetsOf("NOTIFICATION")]);
      both.accepted.close();
      await left.until(() => left.failure !== undefined);
      assert.equal(left.text, "NOTIFICATION");
      assert.equal(right.octets, 0);
      assert.equal(left.failure, "connection closed by the peer");
      await finish(both);
    });

    test("tells nobody of a dial that was given up", async () => {
      const tcp = make();
      const listener = await tcp.listen({
        address,
        port: 0,
        accepted: (connection) => connection.close(),
      });
      const told: string[] = [];
      const options = {
        address,
        connected: () => told.push("connected"),
        failed: () => told.push("failed"),
      };
      for (const port of [listener.port, 1]) tcp.dial({ ...options, port }).cancel();
      const later = tcp.dial({ ...options, port: listener.port });
      // What was dialled afterwards has come and gone: so would the others have.
      const last = new Watched(await dial(tcp, listener.port));
      later.cancel();
      await last.until(() => last.failure !== undefined);
      assert.deepEqual(
        told.filter((what) => what === "failed"),
        [],
      );
      assert.ok(told.length <= 1, "at most the one that was up before it was given up");
      last.connection.close();
      await listener.close();
    });

    test("says in a sentence why it cannot listen", async () => {
      const tcp = make();
      const { port, close } = await tcp.listen({ address, port: 0, accepted: () => {} });
      const again = (where: string): Promise<TcpListener> =>
        tcp.listen({ address: where, port, accepted: () => {} });
      const isListenError = (pattern: RegExp) => (error: unknown) => {
        assert.ok(error instanceof TcpListenError);
        assert.match(error.message, pattern);
        return true;
      };
      const inUse = new RegExp(`^127\\.0\\.0\\.1:${port} is in use: stop the other BGP daemon`);
      await assert.rejects(again(address), isListenError(inUse));
      const absent = /^cannot listen on 192\.0\.2\.1:\d+: no interface of this machine has/;
      await assert.rejects(again("192.0.2.1"), isListenError(absent));
      await close();
      const reopened = await again(address);
      await reopened.close();
    });
  });
}

describe("TCP by node:net against peers with manners of their own", () => {
  async function strange(behave: (socket: Socket) => void): Promise<string | undefined> {
    const server = createServer({ allowHalfOpen: true }, behave);
    server.listen(0, address);
    await once(server, "listening");
    const end = new Watched(await dial(nodeTcp, (server.address() as AddressInfo).port));
    end.connection.write([octetsOf("hello")]);
    await end.until(() => end.failure !== undefined);
    end.connection.close();
    server.close();
    return end.failure;
  }

  test("a reset is one", async () => {
    assert.equal(
      await strange((socket) => {
        socket.once("data", () => socket.resetAndDestroy());
      }),
      "connection reset by the peer",
    );
  });

  test("who sends no more has closed, also when it leaves ours unread", async () => {
    const accepted = Promise.withResolvers<TcpConnection>();
    const listener = await nodeTcp.listen({ address, port: 0, accepted: accepted.resolve });
    const socket = connect({ port: listener.port, host: address, allowHalfOpen: true });
    socket.on("error", () => {});
    const end = new Watched(await accepted.promise);
    fill(end.connection);
    socket.end("bye");
    await end.until(() => end.failure !== undefined);
    assert.equal(end.text, "bye");
    assert.equal(end.failure, "connection closed by the peer");
    end.connection.close();
    socket.destroy();
    await listener.close();
  });

  test("IPv6 has brackets where a port follows", async () => {
    const first = await nodeTcp.listen({ address: "::1", port: 0, accepted: () => {} });
    const again = nodeTcp.listen({ address: "::1", port: first.port, accepted: () => {} });
    await assert.rejects(again, new RegExp(`^TcpListenError: \\[::1\\]:${first.port} is in use`));
    await first.close();
  });
});
