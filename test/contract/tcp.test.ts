import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, test as plainTest } from "node:test";
import { nodeTcp } from "../../src/platform/node-tcp.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type Tcp,
  type TcpConnection,
  type TcpKey,
  TcpListenError,
  type TcpListener,
  type TcpOptions,
} from "../../src/platform/tcp.ts";
import { MemoryNetwork } from "../support/memory-tcp.ts";
import { prefix } from "../support/speaker-harness.ts";

/** A test that gives up rather than wait for an event that does not come. */
function test(title: string, body: () => Promise<void>): void {
  plainTest(title, { timeout: 120_000 }, body);
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

interface PairOptions {
  readonly localAddress?: string;
  readonly keys?: readonly TcpKey[];
  readonly options?: TcpOptions;
}

async function pair(tcp: Tcp, { keys = [], ...dialling }: PairOptions = {}): Promise<Pair> {
  const accepted = Promise.withResolvers<TcpConnection>();
  let count = 0;
  const listener = await tcp.listen({
    address,
    port: 0,
    keys,
    // Of those that a test dials besides it needs no other end.
    accepted: (connection) => (count++ === 0 ? accepted.resolve(connection) : connection.close()),
  });
  const dialled = await dial(tcp, listener.port, dialling);
  return { listener, dialled, accepted: await accepted.promise };
}

function dial(
  tcp: Tcp,
  port: number,
  options: Omit<PairOptions, "keys"> & { readonly address?: string } = {},
): Promise<TcpConnection> {
  return new Promise((connected, reject) => {
    const failed = (reason: string): void => reject(new Error(reason));
    tcp.dial({ address, port, ...options, connected, failed });
  });
}

function key(text: string, password: string): TcpKey {
  return { prefix: prefix(text), password };
}

/** Resolves once this many more segments were dropped for their signature. */
async function dropped(tcp: Tcp, before: number, count = 1): Promise<void> {
  while (tcp.badSignatures() < before + count) await nextTurn();
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
      const both = await pair(make(), { localAddress: "127.0.0.2" });
      assert.equal(both.accepted.remoteAddress, "127.0.0.2");
      await finish(both);
    });

    test("says why a dial fails", async () => {
      const tcp = make();
      const listener = await tcp.listen({ address, port: 0, accepted: () => {} });
      await listener.close();
      await assert.rejects(dial(tcp, listener.port), /connection refused: nobody listens/);
      await assert.rejects(
        dial(tcp, listener.port, { localAddress: "192.0.2.1" }),
        /not on this machine/,
      );
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

    test("keeps the order where what is written fits in part only, and then not at all", async () => {
      const both = await pair(make());
      const left = new Watched(both.dialled);
      const right = new Watched(both.accepted, false);
      let wanted = "";
      for (let part = 0, isFull = false; part < 4 || !isFull; part++) {
        const text = `${String(part).padStart(7, "0")};`.repeat(5000 + part);
        const cut = 1 + part * 9;
        const parts = part % 3 === 2 ? [text.slice(0, cut), text.slice(cut)] : [text];
        isFull = !both.dialled.write(parts.map(octetsOf)) || isFull;
        wanted += text;
      }
      both.accepted.setReading(true);
      await left.until(() => left.drains > 0);
      both.dialled.write([octetsOf("last")]);
      await right.until(() => right.octets === wanted.length + 4);
      assert.ok(
        right.text === `${wanted}last`,
        "the octets come in the order in which they were written",
      );
      await finish(both);
    });

    test("keeps the order of many small writes to many peers in one turn, one of whom does not read", async () => {
      const tcp = make();
      const pairs = await Promise.all(Array.from({ length: 12 }, () => pair(tcp)));
      const ends = pairs.map(({ accepted }, index) => new Watched(accepted, index > 0));
      const slow = new Watched((pairs[0] as Pair).dialled);
      let wanted = "";
      for (let round = 0, isFull = false; round < 300 || !isFull; round++) {
        const text = `${round};`.repeat(1 + ((round * 37) % 700));
        const octets = octetsOf(text);
        for (const [index, { dialled }] of pairs.entries()) {
          const mayGoOn = dialled.write([octets]);
          if (index === 0 && !mayGoOn) isFull = true;
        }
        wanted += text;
        if (round % 7 === 0) await nextTurn();
      }
      ends[0]?.connection.setReading(true);
      await slow.until(() => slow.drains > 0);
      for (const [index, end] of ends.entries()) {
        pairs[index]?.dialled.write([octetsOf("last")]);
        await end.until(() => end.octets === wanted.length + 4);
        assert.ok(end.text === `${wanted}last`, `the octets of peer ${index} come in order`);
      }
      await Promise.all(pairs.map(finish));
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

    test("keeps the order in which octets come, however often reading stops and goes on", async () => {
      const both = await pair(make());
      const texts = Array.from({ length: 64 }, (_, part) => {
        return `${part};`.repeat(part % 4 === 0 ? 40_000 : 1);
      });
      const said = texts.join("");
      let heard = "";
      const all = Promise.withResolvers<void>();
      both.dialled.listen({ received: () => {}, drained: () => {}, failed: () => {} });
      both.accepted.listen({
        received: (octets) => {
          heard += Buffer.from(octets).toString("latin1");
          if (heard.length === said.length) all.resolve();
          if (heard.length % 3 === 0) return;
          both.accepted.setReading(false);
          setImmediate(() => both.accepted.setReading(true));
        },
        drained: () => {},
        failed: () => {},
      });
      for (const [part, text] of texts.entries()) {
        both.dialled.write([octetsOf(text)]);
        if (part % 8 === 7) await nextTurn();
      }
      await all.promise;
      assert.ok(heard === said);
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

    test("lets who signs with the same password in, and carries octets both ways", async () => {
      const keys = [key("127.0.0.1/32", "secret"), key("127.0.0.2/32", "other")];
      const both = await pair(make(), { keys, options: { password: "secret" } });
      const left = new Watched(both.dialled);
      const right = new Watched(both.accepted);
      both.dialled.write([octetsOf("there")]);
      both.accepted.write([octetsOf("back")]);
      await right.until(() => right.text === "there");
      await left.until(() => left.text === "back");
      assert.equal(both.dialled.options.password, "secret");
      await finish(both);
    });

    test("has no answer, not even a refusal, for a password that is wrong, missing or not expected", async () => {
      const tcp = make();
      const told: string[] = [];
      const listener = await tcp.listen({
        address,
        port: 0,
        keys: [key("127.0.0.1/32", "secret")],
        accepted: () => told.push("accepted"),
      });
      const attempts: readonly { readonly localAddress: string; readonly options: TcpOptions }[] = [
        { localAddress: address, options: { password: "Secret" } },
        { localAddress: address, options: {} },
        { localAddress: "127.0.0.2", options: { password: "secret" } },
      ];
      for (const attempt of attempts) {
        const before = tcp.badSignatures();
        const under = tcp.dial({
          address,
          port: listener.port,
          ...attempt,
          connected: () => told.push("connected"),
          failed: (reason) => told.push(reason),
        });
        await dropped(tcp, before);
        under.cancel();
      }
      assert.deepEqual(told, []);
      await listener.close();
    });

    test("has a password for a whole range; that of the longest prefix counts", async () => {
      const keys = [key("127.0.0.0/24", "range"), key("127.0.0.2/32", "own")];
      const tcp = make();
      const first = await pair(tcp, { keys, options: { password: "range" } });
      const options = { password: "own" };
      const second = await pair(tcp, { keys, localAddress: "127.0.0.2", options });
      for (const both of [first, second]) {
        const right = new Watched(both.accepted);
        both.dialled.write([octetsOf("x")]);
        await right.until(() => right.text === "x");
        await finish(both);
      }
    });

    test("changes passwords without losing a connection or an octet", async () => {
      const tcp = make();
      const keys = [key("127.0.0.0/8", "old")];
      const both = await pair(tcp, { keys, options: { password: "old" } });
      const left = new Watched(both.dialled);
      const right = new Watched(both.accepted);
      both.listener.setKeys([key("127.0.0.0/8", "new")]);
      both.accepted.setOptions({ password: "new" });
      both.dialled.write([octetsOf("signed as before;")]);
      both.accepted.write([octetsOf("signed anew;")]);
      await nextTurn();
      assert.deepEqual([left.octets, right.octets], [0, 0]);
      both.dialled.setOptions({ password: "new" });
      await right.until(() => right.text === "signed as before;");
      await left.until(() => left.text === "signed anew;");
      const again = await dial(tcp, both.listener.port, { options: { password: "new" } });
      again.close();
      // From a password to none, and the listener with it.
      both.listener.setKeys([]);
      for (const end of [both.dialled, both.accepted]) end.setOptions({ password: undefined });
      both.dialled.write([octetsOf("unsigned")]);
      await right.until(() => right.text.endsWith("unsigned"));
      const plain = await dial(tcp, both.listener.port);
      plain.close();
      assert.deepEqual([left.failure, right.failure], [undefined, undefined]);
      await finish(both);
    });

    test("knows from how far a connection comes, and hears no segment from further than it is told", async () => {
      const both = await pair(make(), { options: { ttl: 254 } });
      assert.equal(both.accepted.synTtl, 254);
      const right = new Watched(both.accepted);
      both.accepted.setOptions({ minimumTtl: 255 });
      both.dialled.write([octetsOf("from afar")]);
      await nextTurn();
      assert.equal(right.octets, 0);
      both.dialled.setOptions({ ttl: 255 });
      await right.until(() => right.text === "from afar");
      await finish(both);
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

  test("a reset is one, also where a write is told of it first", async () => {
    const accepted = Promise.withResolvers<TcpConnection>();
    const listener = await nodeTcp.listen({ address, port: 0, accepted: accepted.resolve });
    const socket = connect({ port: listener.port, host: address });
    await once(socket, "connect");
    const end = new Watched(await accepted.promise);
    socket.resetAndDestroy();
    end.connection.write([octetsOf("too late")]);
    await end.until(() => end.failure !== undefined);
    assert.equal(end.failure, "connection reset by the peer");
    await listener.close();
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

describe("TCP by node:net on Linux", () => {
  test("has passwords for IPv6 peers and IPv6 ranges", async () => {
    for (const keys of [[key("::1/128", "secret")], [key("::/64", "secret")]]) {
      const accepted = Promise.withResolvers<TcpConnection>();
      const listener = await nodeTcp.listen({
        address: "::",
        port: 0,
        keys,
        accepted: accepted.resolve,
      });
      const options = { password: "secret", ttl: 255, dscp: 48, userTimeoutMs: 30_000 };
      const dialled = await dial(nodeTcp, listener.port, { address: "::1", options });
      const right = new Watched(await accepted.promise);
      assert.equal(right.connection.synTtl, 255);
      dialled.write([octetsOf("signed")]);
      await right.until(() => right.text === "signed");
      for (const end of [dialled, right.connection]) end.close();
      await listener.close();
    }
  });

  test("gives up a connection whose octets nobody acknowledges", async () => {
    const both = await pair(nodeTcp, { options: { ttl: 64, userTimeoutMs: 300 } });
    both.accepted.setOptions({ minimumTtl: 255 });
    const left = new Watched(both.dialled);
    both.dialled.write([octetsOf("nobody hears this")]);
    await left.until(() => left.failure !== undefined);
    assert.equal(left.failure, "connection timed out");
    await finish(both);
  });

  test("binds to a device, and says which one there is not", async () => {
    const both = await pair(nodeTcp, { options: { device: "lo" } });
    await finish(both);
    await assert.rejects(
      dial(nodeTcp, 179, { options: { device: "absent0" } }),
      /there is no network device absent0: give one that `ip link` lists/,
    );
  });

  test("says what to do when the kernel has no room for more passwords", async () => {
    const keys = Array.from({ length: 5000 }, (_, index) =>
      key(`10.0.${index >> 8}.${index & 255}/32`, "secret"),
    );
    const listening = nodeTcp.listen({ address, port: 0, keys, accepted: () => {} });
    await assert.rejects(
      listening,
      /TcpOptionError: .*give a range one password, or raise net.core.optmem_max/,
    );
  });
});
