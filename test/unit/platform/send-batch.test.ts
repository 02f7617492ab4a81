import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { constants } from "node:os";
import { test, type TestContext } from "node:test";
import { descriptorOf } from "../../../src/platform/node-tcp-connection.ts";
import { sendBatch } from "../../../src/platform/send-batch.ts";

const { EBADF, EAGAIN } = constants.errno;
const batch = sendBatch();
const options = { skip: batch === undefined && "no io_uring here", timeout: 20_000 };

/** Whoever sends, with what it was told. */
class Sender {
  readonly told: number[] = [];

  sent(_octets: Uint8Array, sent: number): void {
    this.told.push(sent);
  }
}

interface Connected {
  readonly fd: number;
  /** What the other end has read once it is this long. */
  readonly read: (length: number) => Promise<string>;
}

async function connected(context: TestContext): Promise<Connected> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const [other] = (await accepted) as [Socket];
  context.after(() => {
    socket.destroy();
    other.destroy();
    server.close();
  });
  const read = async (length: number): Promise<string> => {
    let text = "";
    other.on("data", (octets) => (text += octets.toString())).resume();
    while (text.length < length) await once(other, "data");
    return text;
  };
  return { fd: descriptorOf(socket), read };
}

test("sends go when the turn is over, each with an answer of its own", options, async (context) => {
  const { fd, read } = await connected(context);
  const [good, bad] = [new Sender(), new Sender()];
  batch?.add(fd, Buffer.from("one "), good);
  batch?.add(-1, Buffer.from("nowhere"), bad);
  batch?.add(fd, Buffer.from("two"), good);
  assert.deepEqual([good.told, bad.told], [[], []]);
  await Promise.resolve();
  assert.deepEqual([good.told, bad.told], [[4, 3], [-EBADF]]);
  assert.equal(await read(7), "one two");
});

test("a full batch goes at once", options, async (context) => {
  const { fd, read } = await connected(context);
  const sender = new Sender();
  const octets = Buffer.from("x");
  while (sender.told.length === 0) batch?.add(fd, octets, sender);
  const count = sender.told.length;
  assert.ok(count > 1);
  assert.deepEqual(sender.told, Array(count).fill(1));
  batch?.flush();
  assert.equal(sender.told.length, count);
  assert.equal(await read(count), "x".repeat(count));
});

test("a full socket is told of at once, and what fitted in part", options, async (context) => {
  const { fd } = await connected(context);
  const sender = new Sender();
  const octets = Buffer.alloc(100_000);
  while (sender.told.at(-1) !== -EAGAIN) {
    batch?.add(fd, octets, sender);
    batch?.flush();
  }
  assert.equal(sender.told[0], octets.length);
  assert.ok(sender.told.slice(0, -1).every((sent) => sent > 0));
});
