/** Every event of RFC 4271 §8.1 that is not a message, in every state in which a connection is up, over real sockets. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { headerOctets, MessageType } from "../../../src/bgp/iana.ts";
import { ipv6Unicast } from "../../../src/bgp/family/index.ts";
import { WireListener, type WirePeer } from "../../support/wire-peer.ts";
import { peerSettings } from "../../support/speaker-harness.ts";
import { answerText, keepalive, openMessage, WireScene, type WireSession } from "./scene.ts";

const states = ["OpenSent", "OpenConfirm", "Established"] as const;
type State = (typeof states)[number];

const enter = {
  OpenSent: (scene: WireScene) => scene.openSent(),
  OpenConfirm: (scene: WireScene) => scene.openConfirm(),
  Established: (scene: WireScene) => scene.established(),
} as const;

/** What the next message is that is no KEEPALIVE. */
async function lastWords(peer: WirePeer): Promise<string> {
  for (;;) {
    const octets = await peer.next();
    if (octets?.[headerOctets - 1] !== MessageType.keepalive) return answerText(octets);
  }
}

function stateOf(scene: WireScene, { address }: { address: string }): string | undefined {
  return scene.driver.speaker.peer(address)?.fsm.state;
}

/** Waits until the speaker has worked off that a peer went. */
async function down(scene: WireScene, { address }: WireSession): Promise<string> {
  for (;;) {
    const found = scene.downs.find((one) => one.address === address);
    if (found !== undefined) return found.reason.event;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Row {
  readonly event: string;
  readonly cause: (scene: WireScene, session: WireSession) => void | Promise<void>;
  /** What the peer hears. */
  readonly answer: Readonly<Record<State, string>>;
}

function everywhere(answer: string): Row["answer"] {
  return { OpenSent: answer, OpenConfirm: answer, Established: answer };
}

const rows: readonly Row[] = [
  {
    event: "ManualStop with a reason (RFC 9003)",
    cause: (scene) => scene.driver.speaker.stop({ silently: false, message: "back at noon" }),
    answer: everywhere("6/2 0c6261636b206174206e6f6f6e"),
  },
  {
    event: "the peer leaves the configuration",
    cause: (scene, { address }) => scene.driver.speaker.removePeer(address),
    answer: everywhere("6/3"),
  },
  {
    event: "the peer's settings change",
    cause: (scene, { address }) => {
      scene.driver.speaker.updatePeer(
        peerSettings(address, { families: [ipv6Unicast], passive: true }),
      );
    },
    answer: everywhere("6/6"),
  },
  {
    event: "HoldTimer_Expires",
    cause: (scene) => scene.clock.advance(240_000),
    answer: everywhere("4/0"),
  },
];

describe("events over real sockets", { timeout: 20_000 }, () => {
  for (const { answer, cause, event } of rows) {
    for (const state of states) {
      test(`${event} in ${state}: ${answer[state]}`, async () => {
        await using scene = await WireScene.start();
        using session = await enter[state](scene);
        await cause(scene, session);
        assert.equal(await lastWords(session.peer), answer[state]);
        assert.equal(await session.peer.next(), undefined);
      });
    }
  }

  for (const state of states) {
    test(`KeepaliveTimer_Expires in ${state}`, async () => {
      await using scene = await WireScene.start();
      using session = await enter[state](scene);
      scene.clock.advance(30_000);
      if (state !== "OpenSent") await session.expect(MessageType.keepalive);
      scene.driver.speaker.stop({ silently: false });
      assert.equal(answerText(await session.peer.next()), "6/2");
    });

    for (const [how, leave] of [
      ["says that nothing more comes", (session: WireSession) => session.peer.end()],
      ["resets the connection", (session: WireSession) => session.peer.destroy()],
    ] as const) {
      test(`TcpConnectionFails in ${state}, as the peer ${how}`, async () => {
        await using scene = await WireScene.start();
        using session = await enter[state](scene);
        leave(session);
        assert.equal(await down(scene, session), "TcpConnectionFails");
        if (how.startsWith("says")) assert.equal(answerText(await session.peer.next()), "closed");
      });
    }
  }

  test("a second connection before an OPEN has come takes the place of the first", async () => {
    await using scene = await WireScene.start();
    using first = await scene.openSent();
    using second = await scene.openSent(first.address);
    assert.equal(await first.answer(), "6/7");
    await second.peer.send(openMessage());
    await second.expect(MessageType.keepalive);
  });

  test("a second connection while one is Established gets no OPEN, and 6/7 for its own", async () => {
    await using scene = await WireScene.start();
    using first = await scene.established();
    using second = await scene.connect(first.address);
    await second.peer.send(openMessage());
    assert.equal(await second.answer(), "6/7");
    await first.settled();
  });

  test("whoever is no peer is turned away without a word", async () => {
    await using scene = await WireScene.start();
    scene.driver.speaker.setRanges([]);
    await assert.rejects(scene.openSent(), /closed/);
    assert.equal(scene.refused.length, 1);
  });

  test("a peer that was stopped is told that it is refused", async () => {
    await using scene = await WireScene.start();
    const address = "127.9.9.9";
    scene.driver.speaker.addPeer(peerSettings(address, { passive: true }));
    scene.driver.speaker.stop({ silently: false });
    await assert.rejects(scene.openSent(address), /6\/5/);
  });
});

describe("collisions over real sockets (RFC 4271 §6.8)", { timeout: 20_000 }, () => {
  for (const { identifier, name, survivor } of [
    { name: "ours is lower", identifier: "7f000002", survivor: "theirs" },
    { name: "ours is higher", identifier: "0a000001", survivor: "ours" },
  ]) {
    for (const order of ["ours", "theirs"]) {
      test(`${name} and the OPEN on ${order} comes first: ${survivor} stays`, async () => {
        const address = "127.8.8.8";
        await using scene = await WireScene.start();
        await using listener = await WireListener.listen(address);
        scene.driver.speaker.addPeer(peerSettings(address, { port: listener.port }));
        const ours = await listener.next();
        assert.equal((await ours.next())?.[headerOctets - 1], MessageType.open);
        using theirs = await scene.openSent(address);
        const open = openMessage({ identifier });
        const [first, second] = order === "ours" ? [ours, theirs.peer] : [theirs.peer, ours];
        await first.send(open);
        assert.equal((await first.next())?.[headerOctets - 1], MessageType.keepalive);
        await second.send(open);
        const loser = survivor === "ours" ? theirs.peer : ours;
        const winner = survivor === "ours" ? ours : theirs.peer;
        assert.equal(await lastWords(loser), "6/7");
        if (winner === second)
          assert.equal((await winner.next())?.[headerOctets - 1], MessageType.keepalive);
        await winner.send(keepalive);
        assert.equal((await winner.next())?.[headerOctets - 1], MessageType.update);
        assert.equal(stateOf(scene, { address }), "Established");
        ours.destroy();
      });
    }
  }

  test("a dial that is refused is tried again when ConnectRetryTimer expires, not before", async () => {
    await using scene = await WireScene.start();
    const address = "127.8.8.9";
    const gone = await WireListener.listen(address);
    const { port } = gone;
    await gone[Symbol.asyncDispose]();
    const peer = scene.driver.speaker.addPeer(
      peerSettings(address, { port, connectRetrySeconds: 5 }),
    );
    while (peer.fsm.state !== "Active") await new Promise((resolve) => setImmediate(resolve));
    scene.clock.advance(4999);
    assert.equal(peer.fsm.state, "Active");
    scene.clock.advance(1);
    assert.equal(peer.fsm.state, "Connect");
  });

  test("after an error the next dial waits for IdleHoldTimer", async () => {
    const address = "127.8.8.10";
    await using scene = await WireScene.start();
    await using listener = await WireListener.listen(address);
    const settings = peerSettings(address, { port: listener.port, idleHoldSeconds: 7 });
    const peer = scene.driver.speaker.addPeer(settings);
    const ours = await listener.next();
    assert.equal((await ours.next())?.[headerOctets - 1], MessageType.open);
    await ours.send(openMessage({ version: "03" }));
    assert.equal(await lastWords(ours), "2/1 0004");
    assert.equal(peer.fsm.state, "Idle");
    scene.clock.advance(6999);
    assert.equal(peer.fsm.state, "Idle");
    scene.clock.advance(1);
    const again = await listener.next();
    assert.equal((await again.next())?.[headerOctets - 1], MessageType.open);
    ours.destroy();
    again.destroy();
  });
});
