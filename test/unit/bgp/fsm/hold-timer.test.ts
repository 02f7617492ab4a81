import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TestPeer } from "./test-peer.ts";

describe("HoldTimer (RFC 4271 §4.4, §6.5, §8.2.2)", () => {
  it("gives the peer four minutes for its OPEN, whatever hold time we offer", () => {
    const peer = new TestPeer({ holdTimeSeconds: 3 }).start();
    const connection = peer.ack();
    assert.equal(peer.ledger.timers.get(`holdTimer ${connection}`), 240_000);
    const unlimited = new TestPeer({ holdTimeSeconds: 0 }).start();
    assert.equal(unlimited.ledger.timers.get(`holdTimer ${unlimited.ack()}`), 240_000);
  });

  it("runs with the negotiated time from OpenConfirm on, the lesser of the two", () => {
    for (const [ours, theirs, delayMs] of [
      [90, 30, 30_000],
      [30, 90, 30_000],
      [90, 3, 3000],
    ] as const) {
      const peer = new TestPeer({ holdTimeSeconds: ours }).start();
      const connection = peer.ack();
      peer.open(connection, { holdTimeSeconds: theirs });
      assert.equal(peer.ledger.timers.get(`holdTimer ${connection}`), delayMs);
    }
  });

  it("runs neither timer where one side says 0, in OpenConfirm and Established", () => {
    for (const [ours, theirs] of [
      [0, 90],
      [90, 0],
    ] as const) {
      const peer = new TestPeer({ holdTimeSeconds: ours }).start();
      const connection = peer.ack();
      peer.open(connection, { holdTimeSeconds: theirs });
      assert.deepEqual(peer.doneTo(connection), ["sendKeepalive", "stopTimer holdTimer"]);
      peer.keepalive(connection);
      assert.equal(peer.fsm.state, "Established");
      assert.deepEqual(peer.update(connection), []);
      assert.ok(![...peer.ledger.timers.keys()].some((name) => name.endsWith(` ${connection}`)));
    }
  });

  it("refuses 1 and 2 seconds with 2/6 and the value", () => {
    for (const holdTimeSeconds of [1, 2]) {
      const peer = new TestPeer().start();
      const connection = peer.ack();
      peer.open(connection, { holdTimeSeconds });
      assert.equal(peer.sentNotification(connection), "2/6");
      const { data } = peer.sentNotificationMessage(connection) ?? {};
      assert.deepEqual(data, Uint8Array.of(0, holdTimeSeconds));
    }
  });

  it("sends 4/0 when it expires in OpenSent, OpenConfirm and Established", () => {
    for (const [steps, text] of [
      [0, "no OPEN from the peer for 240 s"],
      [1, "nothing heard from the peer for 90 s"],
      [2, "nothing heard from the peer for 90 s"],
    ] as const) {
      const peer = new TestPeer().start();
      const connection = peer.ack();
      if (steps > 0) peer.open(connection);
      if (steps > 1) peer.keepalive(connection);
      peer.expire(`holdTimer ${connection}`);
      assert.equal(peer.sentNotification(connection), "4/0");
      assert.equal(peer.fsm.state, "Idle");
      assert.equal(peer.down()?.event, "HoldTimer_Expires");
      assert.equal(peer.down()?.text, text);
      assert.equal(peer.down()?.wasEstablished, steps === 2);
    }
  });

  it("may expire late for a connection that is gone", () => {
    const peer = new TestPeer();
    const connection = peer.establish();
    peer.fails(connection);
    assert.deepEqual(peer.handle({ type: "HoldTimer_Expires", connection }), []);
  });
});

describe("KeepaliveTimer (RFC 4271 §4.4, §10)", () => {
  it("is a third of the hold time, jittered by 0.75 to 1.0 anew each time", () => {
    const peer = new TestPeer();
    const connection = peer.establish();
    const timer = `keepaliveTimer ${connection}`;
    assert.equal(peer.ledger.timers.get(timer), 30_000);
    peer.random = 0;
    peer.expire(timer);
    assert.equal(peer.ledger.timers.get(timer), 22_500);
    peer.random = 0.5;
    peer.expire(timer);
    assert.equal(peer.ledger.timers.get(timer), 26_250);
  });

  it("never asks for more than one KEEPALIVE a second", () => {
    const peer = new TestPeer({ holdTimeSeconds: 3 });
    peer.random = 0;
    const connection = peer.establish();
    assert.equal(peer.ledger.timers.get(`keepaliveTimer ${connection}`), 1000);
  });

  it("sends KEEPALIVE and starts again when it expires", () => {
    const peer = new TestPeer();
    const connection = peer.establish();
    peer.expire(`keepaliveTimer ${connection}`);
    assert.deepEqual(peer.doneTo(connection), ["sendKeepalive", "startTimer keepaliveTimer 30000"]);
  });
});
