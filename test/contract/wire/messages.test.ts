/**
 * What a speaker answers to each message that is wrong, or has no place in the state that the session is in: RFC 4271 §6 and
 * §8, over real sockets, in every chunking down to an octet at a time.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hex, message, toHex } from "../../vectors/hex.ts";
import { chunkings, keepalive, openMessage, refresh, updateMessage, WireScene } from "./scene.ts";

type State = "OpenSent" | "OpenConfirm" | "Established";
const states: readonly State[] = ["OpenSent", "OpenConfirm", "Established"];

interface Row {
  readonly name: string;
  readonly send: Uint8Array;
  /** Code, subcode and data, by state where it differs; `closed` for an end without a word. */
  readonly answer: string | Readonly<Partial<Record<State, string>>>;
}

/** A message of which only the header is there: no more is needed to refuse it. */
function header(length: number, type: number): Uint8Array {
  return hex(
    `${"ff".repeat(16)} ${length.toString(16).padStart(4, "0")} ${type.toString(16).padStart(2, "0")}`,
  );
}

function withMarkerOctet(at: number): Uint8Array {
  const octets = Uint8Array.from(keepalive);
  octets[at] = 0xfe;
  return octets;
}

const attributes = "400101 00 400200 400304 0a000009 400504 00000064";
const update = updateMessage(attributes, "18 0ae902");
const shortRefresh = message(5, "0001 00");

/** RFC 4271 §6.1: any state. */
const headers: readonly Row[] = [
  { name: "a marker whose first octet is wrong", send: withMarkerOctet(0), answer: "1/1" },
  { name: "a marker whose last octet is wrong", send: withMarkerOctet(15), answer: "1/1" },
  { name: "a length of 0", send: header(0, 4), answer: "1/2 0000" },
  { name: "a length of 18", send: header(18, 4), answer: "1/2 0012" },
  { name: "an OPEN of 4097 octets", send: header(4097, 1), answer: "1/2 1001" },
  { name: "a KEEPALIVE of 4097 octets", send: header(4097, 4), answer: "1/2 1001" },
  { name: "an OPEN of 28 octets", send: header(28, 1), answer: "1/2 001c" },
  { name: "an UPDATE of 22 octets", send: header(22, 2), answer: "1/2 0016" },
  { name: "a NOTIFICATION of 20 octets", send: header(20, 3), answer: "1/2 0014" },
  { name: "a KEEPALIVE of 20 octets", send: header(20, 4), answer: "1/2 0014" },
  { name: "type 0", send: header(19, 0), answer: "1/3 00" },
  { name: "type 6", send: header(19, 6), answer: "1/3 06" },
  { name: "type 255", send: header(4096, 255), answer: "1/3 ff" },
];

/** RFC 8654 §4: from whoever was not offered extended messages. */
const extended: readonly Row[] = [
  { name: "an UPDATE of 4097 octets", send: header(4097, 2), answer: "1/2 1001" },
  { name: "an UPDATE of 65535 octets", send: header(65_535, 2), answer: "1/2 ffff" },
  { name: "a NOTIFICATION of 4097 octets", send: header(4097, 3), answer: "1/2 1001" },
  { name: "a ROUTE-REFRESH of 4097 octets", send: header(4097, 5), answer: "1/2 1001" },
];

/** RFC 4271 §6.2, where an OPEN has its place. */
const opens: readonly Row[] = [
  { name: "version 3", send: openMessage({ version: "03" }), answer: "2/1 0004" },
  { name: "version 5", send: openMessage({ version: "05" }), answer: "2/1 0004" },
  {
    name: "another AS",
    send: openMessage({ asn: "fc01", capabilities: "010400010001" }),
    answer: "2/2",
  },
  {
    name: "another AS by the capability",
    send: openMessage({ capabilities: "4104 0000fc01" }),
    answer: "2/2",
  },
  { name: "AS 0", send: openMessage({ asn: "0000", capabilities: "" }), answer: "2/2" },
  {
    name: "AS 0 by the capability",
    send: openMessage({ capabilities: "4104 00000000" }),
    answer: "2/2",
  },
  { name: "identifier 0.0.0.0", send: openMessage({ identifier: "00000000" }), answer: "2/3" },
  { name: "our own identifier", send: openMessage({ identifier: "7f000001" }), answer: "2/3" },
  { name: "hold time 1", send: openMessage({ holdTime: "0001" }), answer: "2/6 0001" },
  { name: "hold time 2", send: openMessage({ holdTime: "0002" }), answer: "2/6 0002" },
  {
    name: "an authentication parameter",
    send: openMessage({ parameters: "04 0102 abcd" }),
    answer: "2/4",
  },
  {
    name: "parameters longer than they say",
    send: openMessage({ parameters: "02 0202 0200" }),
    answer: "2/0",
  },
  {
    name: "parameters shorter than they say",
    send: openMessage({ parameters: "09 0202 0200" }),
    answer: "2/0",
  },
  {
    name: "a parameter that overruns",
    send: openMessage({ parameters: "04 0209 0200" }),
    answer: "2/0",
  },
  {
    name: "a capability that overruns",
    send: openMessage({ parameters: "04 0202 0209" }),
    answer: "2/0",
  },
  {
    name: "a capability of the wrong length",
    send: openMessage({ capabilities: "0103 000100" }),
    answer: "2/0 0103000100",
  },
  {
    name: "no family in common",
    send: openMessage({ capabilities: "0104 00020001" }),
    answer: "2/7 010400010001",
  },
];

/** Messages in the wrong state: RFC 4271 §8.2.2, RFC 6608; the data are the type. */
const unexpected: readonly Row[] = [
  {
    name: "an OPEN",
    send: openMessage(),
    answer: { OpenConfirm: "5/2 01", Established: "5/3 01" },
  },
  { name: "an UPDATE", send: update, answer: { OpenSent: "5/1 02", OpenConfirm: "5/2 02" } },
  { name: "a KEEPALIVE", send: keepalive, answer: { OpenSent: "5/1 04" } },
  {
    name: "a ROUTE-REFRESH",
    send: refresh,
    answer: { OpenSent: "5/1 05", OpenConfirm: "5/2 05" },
  },
  {
    name: "a malformed OPEN",
    send: openMessage({ version: "03" }),
    answer: { OpenConfirm: "2/1 0004", Established: "5/3 01" },
  },
  {
    name: "a malformed UPDATE",
    send: message(2, "ffff 0000"),
    answer: { OpenSent: "5/1 02", OpenConfirm: "5/2 02", Established: "3/1" },
  },
  {
    name: "a malformed ROUTE-REFRESH",
    send: shortRefresh,
    answer: {
      OpenSent: "5/1 05",
      OpenConfirm: "5/2 05",
      Established: `7/1 ${toHex(shortRefresh)}`,
    },
  },
  {
    name: "a NOTIFICATION, whatever it says",
    send: message(3, "63 63 abcdef"),
    answer: { OpenSent: "closed", OpenConfirm: "closed", Established: "closed" },
  },
  {
    name: "a NOTIFICATION that the version is not supported",
    send: message(3, "02 01 0003"),
    answer: { OpenSent: "closed", OpenConfirm: "closed" },
  },
];

describe("messages over real sockets", { concurrency: true, timeout: 180_000 }, () => {
  let scene: WireScene;
  let plainScene: WireScene;
  before(async () => {
    scene = await WireScene.start();
    plainScene = await WireScene.start({ extendedMessages: false });
  });
  after(async () => {
    await scene[Symbol.asyncDispose]();
    await plainScene[Symbol.asyncDispose]();
  });

  const inState = {
    OpenSent: (at: WireScene) => at.openSent(),
    OpenConfirm: (at: WireScene) => at.openConfirm(),
    Established: (at: WireScene) => at.established(),
  } as const;

  function define(rows: readonly Row[], where: readonly State[], extendedMessages = true): void {
    for (const { answer, name, send } of rows) {
      for (const state of where) {
        const expected = typeof answer === "string" ? answer : answer[state];
        if (expected === undefined) continue;
        test(`${name} in ${state}: ${expected}`, async () => {
          for (const chunkOctets of chunkings) {
            using session = await inState[state](extendedMessages ? scene : plainScene);
            await session.peer.send(send, chunkOctets);
            assert.equal(await session.answer(), expected, `in chunks of ${chunkOctets}`);
          }
          using dialled = await scene.dialled(state, { extendedMessages });
          await dialled.peer.send(send, 1);
          assert.equal(await dialled.answer(), expected, "over a connection that we dialled");
        });
      }
    }
  }

  describe("a header (RFC 4271 §6.1)", { concurrency: true }, () => define(headers, states));
  describe("a header of an extended message (RFC 8654 §4)", { concurrency: true }, () =>
    define(extended, states, false),
  );
  describe("an OPEN (RFC 4271 §6.2)", { concurrency: true }, () => define(opens, ["OpenSent"]));
  describe("in the wrong state (RFC 4271 §6.6)", { concurrency: true }, () =>
    define(unexpected, states),
  );

  test("a session comes up with everything an octet at a time, in both directions", async () => {
    using session = await scene.openSent();
    await session.peer.send(
      Uint8Array.from([...openMessage(), ...keepalive, ...update, ...keepalive]),
      1,
    );
    await session.expect(4);
    await session.expect(2);
    await session.settled();
    assert.deepEqual(scene.prefixesFrom(session.address), ["10.233.2.0/24"]);
  });

  test("all of it in one segment does as well", async () => {
    using session = await scene.openSent();
    await session.peer.send(
      Uint8Array.from([...openMessage(), ...keepalive, ...update, ...keepalive]),
    );
    await session.expect(4);
    await session.expect(2);
    await session.settled();
    assert.deepEqual(scene.prefixesFrom(session.address), ["10.233.2.0/24"]);
  });

  test("nothing that follows an error counts", async () => {
    using session = await scene.established();
    await session.peer.send(Uint8Array.from([...withMarkerOctet(3), ...update]));
    assert.equal(await session.answer(), "1/1");
    assert.deepEqual(scene.prefixesFrom(session.address), []);
  });

  test("a connection that ends in the middle of a message is lost, with what came before", async () => {
    using session = await scene.established();
    await session.peer.send(update.subarray(0, 30));
    session.peer.end();
    assert.equal(await session.answer(), "closed");
  });
});
