/**
 * Peers that are slow, silent, too many, too big or wrong, over real sockets: none may make the speaker crash, stall, grow without
 * bound or hurt another peer. Each is counted, and named in the log with the reason, however often it comes.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ipv4Unicast } from "../../../src/bgp/family/index.ts";
import { headerOctets, MessageType } from "../../../src/bgp/iana.ts";
import { message, toHex } from "../../vectors/hex.ts";
import {
  attributes,
  keepalive,
  openMessage,
  updateMessage,
  WireScene,
  type WireSession,
} from "./scene.ts";

const usual = attributes();

/** As many /32s from 10.0.0.0 + `from` on, as hex. */
function hosts(from: number, count: number): string {
  let text = "";
  for (let host = from; host < from + count; host++) {
    text += `20${(0x0a00_0000 + host).toString(16).padStart(8, "0")}`;
  }
  return text;
}

/** UPDATEs of `count` prefixes, 700 in each. */
function updates(count: number): Uint8Array {
  const messages: Uint8Array[] = [];
  for (let from = 0; from < count; from += 700) {
    messages.push(updateMessage(usual, hosts(from, Math.min(700, count - from))));
  }
  return Buffer.concat(messages);
}

function peers({ driver }: WireScene): number {
  return [...driver.speaker.peers()].length;
}

async function nextUpdate(session: WireSession): Promise<Uint8Array> {
  for (;;) {
    const told = await session.expectAny();
    if (told[headerOctets - 1] === MessageType.update) return told;
  }
}

/** Waits until the speaker has closed the connection, whatever it said before. */
async function closed(session: WireSession): Promise<void> {
  while ((await session.peer.next()) !== undefined);
}

describe("peers that are slow or silent", { timeout: 180_000 }, () => {
  test("one that writes an octet at a time holds nobody up", async () => {
    await using scene = await WireScene.start();
    using slow = await scene.established();
    using other = await scene.established();
    const update = updateMessage(usual, "18 0ae902");
    const half = update.length >> 1;
    await slow.peer.send(update.subarray(0, half), 1);
    await other.peer.send(updateMessage(usual, "18 0ae903"));
    await other.isWell();
    assert.deepEqual(scene.prefixesFrom(other.address), ["10.233.3.0/24"]);
    assert.deepEqual(scene.prefixesFrom(slow.address), []);
    await slow.peer.send(update.subarray(half), 1);
    await slow.isWell();
    assert.deepEqual(scene.prefixesFrom(slow.address), ["10.233.2.0/24"]);
    assert.deepEqual(scene.offences, { dribbling: 1 });
    await slow.peer.send(Buffer.concat([update, update]), 1);
    await slow.isWell();
    assert.deepEqual(scene.offences, { dribbling: 3 });
    const line = /^warn .* odd message: \d+ octets of a message came in \d+ pieces/;
    assert.equal(scene.linesOf(line), 1);
  });

  test("one that reads nothing is left behind, and then left", async () => {
    await using scene = await WireScene.start({ client: true, sendHoldTimeSeconds: 16 });
    using slow = await scene.established();
    using teller = await scene.established();
    using reader = await scene.established();
    slow.peer.setReading(false);
    // 20 MB in attributes of 4000 octets: more than both kernels hold, and than is kept for a peer that lags (16 MiB).
    const template = updateMessage(
      attributes({ more: `d063 0fa0 ${"00".repeat(4000)}` }),
      "18 0a0000",
    );
    for (let round = 0; round < 50; round++) {
      const batch: Uint8Array[] = [];
      for (let each = 0; each < 100; each++) {
        const update = template.slice();
        update.set([round, each], update.length - 4004); // of the attribute, so that no two have the same
        update.set([round, each], update.length - 2); // of the prefix
        batch.push(update);
      }
      await teller.peer.send(Buffer.concat(batch));
      for (const { length } of batch) assert.ok((await nextUpdate(reader)).length >= length);
    }
    const laggard = scene.driver.speaker.peer(slow.address);
    assert.ok(laggard !== undefined);
    const { member } = laggard.families[0] ?? assert.fail("no session");
    assert.equal(member.isBlocked, true);
    const queued = scene.driver.endpoint(laggard.fsm.establishedConnection)?.queuedOctets ?? 0;
    const waiting = laggard.families.reduce(
      (sum, one) => sum + one.group.waitingOctets(one.member),
      0,
    );
    assert.ok(
      queued + waiting < 20_000_000,
      `${queued} + ${waiting} octets for a peer that reads nothing`,
    );
    for (let second = 0; second < 20; second++) {
      scene.clock.advance(1000);
      await teller.isWell();
    }
    assert.equal(scene.driver.speaker.peer(slow.address), undefined);
    assert.deepEqual(scene.offences, { "not-reading": 1 });
    assert.equal(
      scene.linesOf(/^warn .* session lost: the peer has taken nothing of what we sent for 16 s/),
      1,
    );
    await teller.peer.send(updateMessage(usual, "18 0ae902"));
    assert.ok(toHex(await nextUpdate(reader)).endsWith("180ae902"));
  });

  test("connections on which nothing is said end, and are no peers any more", async () => {
    await using scene = await WireScene.start();
    using other = await scene.established();
    const silent = await Promise.all(Array.from({ length: 50 }, () => scene.openSent()));
    // One that has said half an OPEN is no better.
    await silent[0]?.peer.send(openMessage().subarray(0, 20));
    assert.equal(peers(scene), 51);
    for (let minute = 0; minute < 4; minute++) {
      scene.clock.advance(60_000);
      await other.peer.send(keepalive);
      await other.isWell();
    }
    scene.clock.advance(1000);
    for (const session of silent) assert.match(await session.answer(), /^4\/0/);
    assert.equal(peers(scene), 1);
    assert.deepEqual(scene.offences, { silence: 50 });
    assert.equal(
      scene.linesOf(/^warn .* session attempt failed: no OPEN from the peer for 240 s/),
      1,
    );
    assert.ok(scene.lines.length < 4, scene.lines.join());
    await other.isWell();
  });
});

const tenThousand = { limit: 10_000, warningPercent: 75 };

describe("too many", { timeout: 180_000 }, () => {
  test("OPENs of strangers cost nothing but a count", async () => {
    await using scene = await WireScene.start({}, {}, { prefix: "127.0.0.0/24" });
    using known = await scene.established(openMessage(), "127.0.0.7");
    for (let round = 0; round < 500; round++) {
      using stranger = await scene.connect(`127.9.${round >> 8}.${1 + (round & 0x7f)}`);
      await stranger.peer.send(openMessage());
      assert.equal(await stranger.answer(), "closed");
    }
    assert.equal(scene.driver.speaker.dynamicPeers.strangers, 500);
    assert.equal(peers(scene), 1);
    assert.equal(scene.linesOf(/connection refused: no peer is configured with this address/), 1);
    await known.isWell();
  });

  test("End-of-RIBs of families that are not in force are a count, and kept nowhere", async () => {
    await using scene = await WireScene.start();
    using session = await scene.established();
    for (let afi = 2; afi < 302; afi++) {
      await session.peer.send(updateMessage(`800f03 ${afi.toString(16).padStart(4, "0")} 01`));
    }
    await session.isWell();
    const peer = scene.driver.speaker.peer(session.address);
    assert.equal(peer?.endOfRibs.size, 0);
    assert.deepEqual(scene.offences, { "foreign-family": 300 });
    assert.equal(scene.linesOf(/odd UPDATE: ipv6-unicast is not in force on this session/), 1);
    await session.peer.send(updateMessage(""));
    await session.isWell();
    assert.deepEqual([...peer.endOfRibs], [ipv4Unicast.key]);
  });

  test("peers of a range are as many as it may have", async () => {
    await using scene = await WireScene.start({}, {}, { limit: 10 });
    const sessions: WireSession[] = [];
    for (let count = 0; count < 10; count++) sessions.push(await scene.established());
    for (let count = 0; count < 100; count++) {
      using late = await scene.connect();
      await late.peer.send(openMessage());
      assert.equal(await late.answer(), "closed");
    }
    assert.equal(peers(scene), 10);
    const [range] = scene.driver.speaker.dynamicPeers.ranges();
    assert.equal(range?.overLimit, 100);
    assert.equal(
      scene.linesOf(/connection refused: the range 127\.0\.0\.0\/8 has its 10 peers/),
      1,
    );
    for (const session of sessions) await session.isWell();
    for (const session of sessions) session[Symbol.dispose]();
  });

  test("a million prefixes of a peer that may have 10,000 end its session", async () => {
    const maximumPrefixes = { ...tenThousand, action: "stop", restartSeconds: 60 } as const;
    await using scene = await WireScene.start({ maximumPrefixes });
    using other = await scene.established();
    using flooding = await scene.established();
    await flooding.peer.send(updates(1_000_000));
    assert.equal(await flooding.answer(), "6/1 00010100002710");
    await other.isWell();
    assert.equal(scene.selected(ipv4Unicast), 0);
    assert.deepEqual(scene.offences, { "prefix-limit": 1 });
    assert.equal(scene.linesOf(/^error .* exceeds its limit on prefixes: the session ends/), 1);
    // It is not let in again at once.
    using again = await scene.connect(flooding.address);
    await again.peer.send(openMessage());
    await closed(again);
    await other.isWell();
  });

  test("or are refused beyond that", async () => {
    const maximumPrefixes = { ...tenThousand, action: "discard", restartSeconds: 0 } as const;
    await using scene = await WireScene.start({ maximumPrefixes });
    using other = await scene.established();
    using flooding = await scene.established();
    await flooding.peer.send(updates(1_000_000));
    await flooding.isWell();
    await other.isWell();
    assert.equal(scene.selected(ipv4Unicast), 10_000);
    assert.deepEqual(scene.offences, { "prefix-limit": 990_000 });
    assert.equal(scene.linesOf(/exceeds its limit on prefixes: what is new is refused/), 1);
  });

  test("sessions that begin with garbage, one after the other, are a line in the log", async () => {
    await using scene = await WireScene.start();
    using other = await scene.established();
    for (let count = 0; count < 200; count++) {
      using garbler = await scene.openSent("127.8.8.8");
      await garbler.peer.send(Uint8Array.from({ length: 19 }, () => 0x47));
      assert.match(await garbler.answer(), /^1\/1/);
    }
    assert.equal(peers(scene), 1);
    assert.deepEqual(scene.offences, { "message-error": 200 });
    assert.ok(scene.lines.length < 6, scene.lines.join("\n"));
    assert.equal(scene.linesOf(/^warn 127\.8\.8\.8 session attempt failed/), 1);
    await other.isWell();
  });

  test("malformed UPDATEs are a line in the log for each kind in ten seconds", async () => {
    await using scene = await WireScene.start();
    using session = await scene.established();
    const broken = updateMessage("40010109 400200 40030400000000 40050400000064", "18 0ae902");
    for (let count = 0; count < 300; count++) await session.peer.send(broken);
    await session.isWell();
    assert.equal(scene.offences["treat-as-withdraw"], 300);
    assert.equal(scene.linesOf(/malformed UPDATE: ORIGIN/), 1);
    scene.clock.advance(10_000);
    await session.peer.send(broken);
    await session.isWell();
    assert.equal(scene.linesOf(/malformed UPDATE: ORIGIN/), 2);
    assert.equal(
      scene.driver.speaker.peer(session.address)?.offences?.get("treat-as-withdraw"),
      301,
    );
  });
});

describe("too big", { timeout: 180_000 }, () => {
  const extended = openMessage({
    capabilities: "0104 00010001 4104 0000fc00 0200 4600 0600",
  });

  test("64 KiB of attributes reach those with extended messages, and withdraw the route from others", async () => {
    await using scene = await WireScene.start({ client: true });
    using teller = await scene.established(extended);
    using big = await scene.established(extended);
    using small = await scene.established();
    const prefix = "18 0ae902";
    await teller.peer.send(updateMessage(usual, prefix));
    for (const one of [big, small]) await one.expect(MessageType.update);
    const octets = 65_535 - 19 - 4 - 4 - 25 - 4;
    const more = `d063 ${octets.toString(16)} ${"5a".repeat(octets)}`;
    const update = updateMessage(attributes({ more }), prefix);
    assert.ok(update.length > 65_500 && update.length <= 65_535, `${update.length}`);
    await teller.peer.send(update);
    // ORIGINATOR_ID and CLUSTER_LIST do not fit any more, not even in 65,535 octets.
    for (const one of [big, small]) {
      const told = await one.expect(MessageType.update);
      assert.equal(toHex(told.subarray(headerOctets)), "0004180ae9020000", one.address);
    }
    const less = `d063 f000 ${"5a".repeat(0xf000)}`;
    await teller.peer.send(updateMessage(attributes({ more: less }), prefix));
    const whole = await big.expect(MessageType.update);
    assert.ok(whole.length > 0xf000 && toHex(whole).includes(`63f000${"5a".repeat(0xf000)}`));
    await small.isWell();
    assert.deepEqual(scene.offences, { "large-attributes": 2 });
    assert.equal(
      scene.linesOf(/odd UPDATE: 65\d\d\d octets of attributes fit extended messages only/),
      1,
    );
    await teller.isWell();
  });

  test("an AS_PATH that takes twice as many octets with our AS numbers hurts nobody else", async () => {
    const twoOctets = openMessage({ capabilities: "0104 00010001 0200 4600 0600" });
    const path = `02ff${"fde9".repeat(255)}`.repeat(127);
    const update = updateMessage(attributes({ asPath: `5002 fe00 ${path}` }), "18 0ae902");
    for (const changes of [{ client: true }, { client: true, importLocalPref: 200 }]) {
      await using scene = await WireScene.start(changes);
      using teller = await scene.established(twoOctets);
      using reader = await scene.established(extended);
      await teller.peer.send(updateMessage(usual, "18 0ae902"));
      await reader.expect(MessageType.update);
      await teller.peer.send(update);
      const told = await reader.expect(MessageType.update);
      assert.equal(toHex(told.subarray(headerOctets)), "0004180ae9020000");
      await teller.isWell();
      const isRewritten = "importLocalPref" in changes;
      assert.equal(scene.selected(ipv4Unicast), isRewritten ? 0 : 1);
      assert.deepEqual(scene.offences, {
        "long-as-path": 1,
        "large-attributes": 1,
        ...(isRewritten && { "oversized-attributes": 1 }),
      });
      const line = /odd UPDATE: its attributes take more than 65535 octets here/;
      assert.equal(scene.linesOf(line), isRewritten ? 1 : 0);
    }
  });

  test("a message of 64 KiB from a peer that was not offered them ends its session", async () => {
    await using scene = await WireScene.start({ extendedMessages: false });
    using session = await scene.established(extended);
    await session.peer.send(message(MessageType.update, new Uint8Array(60_000)));
    assert.match(await session.answer(), /^1\/2/);
    assert.deepEqual(scene.offences, { "message-error": 1 });
    assert.equal(scene.linesOf(/^warn .* session lost: /), 1);
  });

  test("a message of 64 KiB from a peer that was, and offers none itself, is taken (RFC 8654 §4)", async () => {
    await using scene = await WireScene.start();
    using session = await scene.established();
    const more = `d063 f000 ${"5a".repeat(0xf000)}`;
    await session.peer.send(updateMessage(attributes({ more }), "18 0ae902"));
    await session.isWell();
    assert.deepEqual(scene.prefixesFrom(session.address), ["10.233.2.0/24"]);
  });

  test("AS paths of 300 and of 1,000 are taken and passed on", async () => {
    await using scene = await WireScene.start({ client: true });
    using teller = await scene.established();
    using reader = await scene.established();
    for (const [length, third] of [
      [300, "02"],
      [900, "03"],
    ] as const) {
      const segments: string[] = [];
      for (let left = length; left > 0; left -= 255) {
        const count = Math.min(255, left);
        segments.push(`02${count.toString(16).padStart(2, "0")}${"0000fde9".repeat(count)}`);
      }
      const path = segments.join("");
      const asPath = `5002 ${(path.length / 2).toString(16).padStart(4, "0")} ${path}`;
      await teller.peer.send(updateMessage(attributes({ asPath }), `18 0ae9${third}`));
      const told = await reader.expect(MessageType.update);
      assert.ok(toHex(told).includes(path), `${length}`);
    }
    assert.deepEqual(scene.prefixesFrom(teller.address), ["10.233.2.0/24", "10.233.3.0/24"]);
    assert.deepEqual(scene.offences, { "long-as-path": 2 });
    assert.equal(scene.linesOf(/odd UPDATE: AS_PATH has a length of 300/), 1);
    await teller.isWell();
  });
});
