import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { MessageType } from "../../../src/netlink/constants.ts";
import { Conversation } from "../../../src/netlink/conversation.ts";
import { Errno } from "../../../src/netlink/errno.ts";
import { encodeMessage } from "../../../src/netlink/message.ts";
import type { NetlinkSocket } from "../../../src/netlink/socket.ts";

const ENOBUFS = 105;
/** NLM_F_MULTI and NLM_F_DUMP_INTR. */
const MULTI = 2;
const INTERRUPTED = 0x10;
const { getLink, newLink, done } = MessageType;

/** A socket whose kernel answers what the test says, a datagram a time in threads, which are quicker than anybody else. */
class ScriptedSocket implements NetlinkSocket {
  readonly portId = 1;
  /** Datagrams to be received; or what goes wrong, as a negative errno. */
  answers: (Uint8Array | number)[] = [];
  /** Sequence numbers of the requests. */
  readonly sent: number[] = [];
  /** Threads that are receiving. */
  threads = 0;
  refusal: Error | undefined;

  send(octets: Uint8Array): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.sent.push(new DataView(octets.buffer).getUint32(8, true));
  }

  sendInThread(octets: Uint8Array): Promise<void> {
    this.send(octets);
    return Promise.resolve();
  }

  receive(into: Uint8Array): number {
    const answer = this.answers.shift() ?? 0;
    if (typeof answer === "number") return answer;
    into.set(answer);
    return answer.length;
  }

  async receiveInThread([first]: readonly Uint8Array[]): Promise<number[]> {
    this.threads++;
    const length = this.receive(first as Uint8Array);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    this.threads--;
    return length > 0 ? [length] : [];
  }

  onReadable(): void {}
  attachFilter(): void {}
  close(): void {}
}

describe("a conversation with the kernel", () => {
  let socket: ScriptedSocket;
  let conversation: Conversation;

  beforeEach(() => {
    socket = new ScriptedSocket();
    conversation = new Conversation(socket);
  });

  const part = (sequence: number, word: number): Uint8Array =>
    encodeMessage(newLink, MULTI, sequence, Uint8Array.of(word, 0, 0, 0));
  const end = (sequence: number): Uint8Array =>
    encodeMessage(done, MULTI, sequence, new Uint8Array(4));
  const list = (heard: number[]): Promise<void> =>
    conversation.dump("list links", getLink, new Uint8Array(0), ({ payload }) => {
      heard.push(payload[0] as number);
    });

  test("lists what comes, in a thread once that is long", async () => {
    const heard: number[] = [];
    socket.answers = [1, 2, 3, 4, 5, 6].map((word) => part(1, word));
    socket.answers.push(end(1));
    await list(heard);
    assert.deepEqual(heard, [1, 2, 3, 4, 5, 6]);
  });

  test("misses nothing of a list behind what goes wrong in a thread", async () => {
    for (const words of [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5, 6, 7],
    ]) {
      const sequence = socket.sent.length + 1;
      const heard: number[] = [];
      const parts = words.map((word) => part(sequence, word));
      socket.answers = [...parts.slice(0, 4), -ENOBUFS, ...parts.slice(4), end(sequence)];
      await list(heard);
      assert.deepEqual(heard, words);
      assert.equal(socket.threads, 0);
    }
  });

  test("tells what goes wrong in a thread, and leaves none behind", async () => {
    socket.answers = [1, 2, 3, 4].map((word) => part(1, word));
    socket.answers.push(-ENOBUFS, -ENOBUFS, part(1, 5), end(1));
    await assert.rejects(list([]), /ENOBUFS: the answer was lost/);
    assert.equal(socket.threads, 0);
  });

  /** A list during which what it is about changed, as the kernel tells from then on. */
  const interrupted = (sequence: number): Uint8Array[] => [
    part(sequence, 1),
    encodeMessage(newLink, MULTI | INTERRUPTED, sequence, Uint8Array.of(2, 0, 0, 0)),
    encodeMessage(done, MULTI | INTERRUPTED, sequence, new Uint8Array(4)),
  ];

  test("asks anew for a list that changed while it was told", async () => {
    const heard: number[] = [];
    socket.answers = [...interrupted(1), part(2, 1), part(2, 2), part(2, 3), end(2)];
    await list(heard);
    assert.deepEqual(heard, [1, 2, 1, 2, 3]);
  });

  test("takes no list for whole that keeps changing while it is told", async () => {
    socket.answers = [1, 2, 3, 4].flatMap(interrupted);
    await assert.rejects(list([]), {
      errno: Errno.interrupted,
      message: "list links: EINTR: changed each of 4 times while it was told",
    });
    assert.deepEqual(socket.answers, []);
    const heard: number[] = [];
    socket.answers = [part(5, 1), end(5)];
    await list(heard);
    assert.deepEqual(heard, [1]);
  });

  test("takes what comes of a list that was given up for nobody's", async () => {
    const [first, second]: [number[], number[]] = [[], []];
    socket.answers = [part(1, 1), -ENOBUFS];
    await assert.rejects(list(first), /ENOBUFS/);
    socket.answers = [part(1, 2), part(2, 3), end(2)];
    await list(second);
    assert.deepEqual([first, second], [[1], [3]]);
  });

  test("takes what answers a request that could not be sent for nobody's", async () => {
    const [first, second]: [number[], number[]] = [[], []];
    socket.refusal = new Error("not sent");
    await assert.rejects(list(first), /not sent/);
    socket.refusal = undefined;
    socket.answers = [part(1, 1), part(2, 2), end(2)];
    await list(second);
    assert.deepEqual([first, second], [[], [2]]);
  });

  test("reads a list to its end though who asked for it fails, and leaves no thread behind", async () => {
    for (const words of [
      [1, 2],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ]) {
      const sequence = socket.sent.length + 1;
      socket.answers = words.map((word) => part(sequence, word));
      socket.answers.push(end(sequence));
      let calls = 0;
      const failing = conversation.dump("list links", getLink, new Uint8Array(0), () => {
        calls++;
        throw new TypeError("a mistake");
      });
      await assert.rejects(failing, new TypeError("a mistake"));
      assert.equal(calls, 1);
      assert.equal(socket.threads, 0);
      assert.deepEqual(socket.answers, []);
    }
    const last = socket.sent.length + 1;
    const heard: number[] = [];
    socket.answers = [part(last, 9), end(last)];
    await list(heard);
    assert.deepEqual(heard, [9]);
  });
});
