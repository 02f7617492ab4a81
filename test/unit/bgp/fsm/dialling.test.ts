import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TestPeer } from "./test-peer.ts";

describe("Idle, Connect and Active (RFC 4271 §8.2.2)", () => {
  it("does nothing before ManualStart", () => {
    const peer = new TestPeer();
    assert.equal(peer.fsm.state, "Idle");
    assert.deepEqual(peer.handle({ type: "ManualStop" }), []);
  });

  it("dials at ManualStart and starts ConnectRetryTimer", () => {
    const peer = new TestPeer().start();
    assert.equal(peer.fsm.state, "Connect");
    assert.deepEqual(peer.actions, [
      { type: "startPeerTimer", timer: "connectRetryTimer", delayMs: 10_000 },
      { type: "connect", connection: 1 },
      { type: "stateChange", from: "Idle", to: "Connect" },
    ]);
  });

  it("ignores ManualStart in every state but Idle", () => {
    const peer = new TestPeer().start();
    assert.deepEqual(peer.handle({ type: "ManualStart" }), []);
    peer.ack();
    assert.deepEqual(peer.handle({ type: "ManualStart" }), []);
  });

  it("waits for a passive peer in Active without a timer", () => {
    const peer = new TestPeer({ passive: true }).start();
    assert.equal(peer.fsm.state, "Active");
    assert.deepEqual([...peer.ledger.timers], []);
    assert.deepEqual(peer.handle({ type: "ConnectRetryTimer_Expires" }), []);
  });

  it("sends OPEN at once when the dial comes through, and when the peer's does (DelayOpen 0)", () => {
    for (const passive of [false, true]) {
      const peer = new TestPeer({ passive, holdTimeSeconds: 30 }).start();
      const connection = passive ? peer.accept() : peer.ack();
      assert.equal(peer.fsm.state, "OpenSent");
      assert.deepEqual(peer.doneTo(connection), ["sendOpen", "startTimer holdTimer 240000"]);
      assert.deepEqual(
        peer.actions.find((action) => action.type === "sendOpen"),
        {
          type: "sendOpen",
          connection,
          open: {
            asn: 64512,
            holdTimeSeconds: 30,
            bgpIdentifier: peer.config.localIdentifier,
            capabilities: peer.config.capabilities(),
          },
        },
      );
    }
  });

  it("stops ConnectRetryTimer when its dial comes through", () => {
    const peer = new TestPeer().start();
    peer.ack();
    assert.equal(peer.ledger.timers.has("connectRetryTimer"), false);
  });

  it("waits in Active after a failed dial until ConnectRetryTimer expires, then dials anew", () => {
    const peer = new TestPeer().start();
    peer.fails(1);
    assert.equal(peer.fsm.state, "Active");
    assert.deepEqual(peer.down(), {
      event: "TcpConnectionFails",
      text: "connection reset",
      wasEstablished: false,
    });
    assert.equal(peer.fsm.connectRetryCounter, 1);
    peer.expire("connectRetryTimer");
    assert.equal(peer.fsm.state, "Connect");
    assert.deepEqual([...peer.ledger.dialling], [2]);
  });

  it("does not dial faster for being refused quickly: ConnectRetryTimer goes on from the dial", () => {
    const peer = new TestPeer().start();
    peer.fails(1);
    assert.ok(!peer.actions.some((action) => action.type === "startPeerTimer"));
    assert.ok(!peer.actions.some((action) => action.type === "connect"));
  });

  it("gives up a dial that ConnectRetryTimer overtakes, and dials anew", () => {
    const peer = new TestPeer().start();
    peer.expire("connectRetryTimer");
    assert.equal(peer.fsm.state, "Connect");
    assert.deepEqual(peer.doneTo(1), ["close"]);
    assert.deepEqual(peer.doneTo(2), ["connect"]);
    assert.equal(peer.down()?.event, "ConnectRetryTimer_Expires");
  });

  it("jitters ConnectRetryTimer by 0.75 to 1.0 (RFC 4271 §10)", () => {
    for (const [random, delayMs] of [
      [0, 7500],
      [0.5, 8750],
      [1, 10_000],
    ] as const) {
      const peer = new TestPeer();
      peer.random = random;
      peer.start();
      assert.equal(peer.ledger.timers.get("connectRetryTimer"), delayMs);
    }
  });

  it("goes on dialling beside an accepted connection that sends no OPEN", () => {
    const peer = new TestPeer().start();
    const accepted = peer.accept();
    assert.equal(peer.fsm.state, "OpenSent");
    peer.fails(1);
    assert.equal(peer.down(), undefined);
    peer.expire("connectRetryTimer");
    const dialled = peer.ack();
    assert.deepEqual([...peer.ledger.up], [accepted, dialled]);
  });

  it("gives up its dial as soon as an accepted connection has a good OPEN", () => {
    const peer = new TestPeer().start();
    const accepted = peer.accept();
    peer.open(accepted);
    assert.equal(peer.fsm.state, "OpenConfirm");
    assert.deepEqual(peer.doneTo(1), ["close"]);
  });

  it("ignores what is said of connections that it does not have", () => {
    const peer = new TestPeer().start();
    assert.deepEqual(peer.keepalive(99), []);
    assert.deepEqual(peer.fails(99), []);
    assert.deepEqual(peer.fsm.handle({ type: "Tcp_CR_Acked", connection: 99 }), []);
  });
});

describe("IdleHoldTimer (DampPeerOscillations, RFC 4271 §8.1.1)", () => {
  function failTimes(peer: TestPeer, times: number): number[] {
    return Array.from({ length: times }, () => {
      peer.notification(peer.ack(), 2, 2);
      const delayMs = peer.ledger.timers.get("idleHoldTimer") ?? 0;
      peer.expire("idleHoldTimer");
      return delayMs;
    });
  }

  it("holds promptly after one failure, then twice as long with each in a row, up to the maximum", () => {
    const peer = new TestPeer({ idleHoldSeconds: 1, idleHoldMaximumSeconds: 6 }).start();
    assert.deepEqual(failTimes(peer, 5), [1000, 2000, 4000, 6000, 6000]);
    assert.equal(peer.fsm.connectRetryCounter, 5);
  });

  it("still knows its times after thousands of failures", () => {
    const prompt = new TestPeer({ idleHoldSeconds: 0 }).start();
    assert.equal(failTimes(prompt, 3000).at(-1), 0);
    const peer = new TestPeer({ idleHoldSeconds: 0.5, idleHoldMaximumSeconds: 60 }).start();
    assert.equal(failTimes(peer, 3000).at(-1), 60_000);
  });

  it("jitters the hold by 0.75 to 1.0", () => {
    const peer = new TestPeer().start();
    peer.random = 0;
    assert.deepEqual(failTimes(peer, 1), [750]);
  });

  it("dials when it expires; a passive peer waits in Active", () => {
    const peer = new TestPeer().start();
    peer.notification(peer.ack(), 6, 4);
    assert.equal(peer.fsm.state, "Idle");
    peer.expire("idleHoldTimer");
    assert.equal(peer.fsm.state, "Connect");
    const passive = new TestPeer({ passive: true }).start();
    passive.notification(passive.accept(), 6, 4);
    assert.equal(passive.fsm.state, "Idle");
    passive.expire("idleHoldTimer");
    assert.equal(passive.fsm.state, "Active");
  });

  it("is not reset by a session that soon falls again", () => {
    const peer = new TestPeer().start();
    assert.deepEqual(failTimes(peer, 2), [1000, 2000]);
    const connection = peer.ack();
    peer.open(connection);
    peer.keepalive(connection);
    peer.fails(connection);
    assert.equal(peer.ledger.timers.get("idleHoldTimer"), 4000);
  });

  it("is reset once a session has lasted as long as the longest hold", () => {
    const peer = new TestPeer({ idleHoldMaximumSeconds: 60 }).start();
    failTimes(peer, 4);
    const connection = peer.ack();
    peer.open(connection);
    peer.keepalive(connection);
    assert.equal(peer.ledger.timers.get("idleHoldTimer"), 60_000);
    peer.expire("idleHoldTimer");
    assert.equal(peer.fsm.state, "Established");
    peer.fails(connection);
    assert.equal(peer.ledger.timers.get("idleHoldTimer"), 1000);
  });

  it("is reset, and cut short, at ManualStart", () => {
    const peer = new TestPeer().start();
    failTimes(peer, 3);
    peer.notification(peer.ack(), 2, 2);
    peer.handle({ type: "ManualStart" });
    assert.equal(peer.fsm.state, "Connect");
    assert.equal(peer.fsm.connectRetryCounter, 0);
    assert.deepEqual(failTimes(peer, 1), [1000]);
  });

  it("delays the dial after a reset, so that the peer reads why the session ended (RFC 4271 §8.1.2, event 6)", () => {
    const peer = new TestPeer();
    peer.establish();
    const { restart } = peer.fsm;
    peer.handle({ type: "ManualStop", subcode: 4 });
    peer.handle(restart);
    assert.equal(peer.fsm.state, "Idle");
    assert.equal(peer.ledger.timers.get("idleHoldTimer"), 1000);
    peer.expire("idleHoldTimer");
    assert.equal(peer.fsm.state, "Connect");
    peer.handle({ type: "ManualStop", subcode: 4 });
    peer.handle(peer.fsm.restart);
    assert.equal(peer.fsm.state, "Connect", "who has no session has nothing to read");
  });

  it("lets a peer in that comes during the hold", () => {
    const peer = new TestPeer().start();
    peer.notification(peer.ack(), 6, 4);
    const connection = peer.accept();
    assert.equal(peer.fsm.state, "OpenSent");
    peer.open(connection);
    assert.equal(peer.ledger.timers.has("idleHoldTimer"), false);
    peer.keepalive(connection);
    assert.equal(peer.fsm.state, "Established");
  });

  it("is not prolonged by a peer that comes during the hold and fails again", () => {
    const peer = new TestPeer().start();
    peer.notification(peer.ack(), 6, 4);
    peer.open(peer.accept(), { asn: 65000 });
    assert.equal(peer.fsm.state, "Idle");
    assert.ok(!peer.actions.some((action) => action.type === "startPeerTimer"));
    peer.expire("idleHoldTimer");
    assert.equal(peer.fsm.state, "Connect");
  });

  it("dials beside a peer that came during the hold and sends no OPEN", () => {
    const peer = new TestPeer().start();
    peer.notification(peer.ack(), 6, 4);
    peer.accept();
    peer.expire("idleHoldTimer");
    assert.equal(peer.fsm.state, "OpenSent");
    assert.equal(peer.ledger.dialling.size, 1);
  });
});

describe("ManualStop (RFC 4271 §8.2.2, RFC 9003)", () => {
  it("leaves no connection when it comes during a dial", () => {
    const peer = new TestPeer().start();
    peer.handle({ type: "ManualStop" });
    assert.equal(peer.fsm.state, "Idle");
    assert.deepEqual(peer.doneTo(1), ["close"]);
    assert.deepEqual([peer.ledger.dialling.size, peer.ledger.timers.size], [0, 0]);
    assert.deepEqual(peer.down(), {
      event: "ManualStop",
      text: "stopped by the operator",
      wasEstablished: false,
    });
  });

  it("sends Cease 6/2 with the operator's text in OpenSent, OpenConfirm and Established", () => {
    for (const steps of [0, 1, 2]) {
      const peer = new TestPeer().start();
      const connection = peer.ack();
      if (steps > 0) peer.open(connection);
      if (steps > 1) peer.keepalive(connection);
      peer.handle({ type: "ManualStop", message: "bye" });
      assert.deepEqual(peer.sentNotificationMessage(connection), {
        code: 6,
        subcode: 2,
        data: Uint8Array.of(3, 0x62, 0x79, 0x65),
      });
      assert.equal(peer.down()?.wasEstablished, steps === 2);
      assert.equal(peer.down()?.direction, "sent");
      assert.equal(peer.down()?.text, 'stopped by the operator: "bye"');
      assert.deepEqual([peer.ledger.up.size, peer.ledger.timers.size], [0, 0]);
    }
  });

  it("sends the subcode that it is given", () => {
    const peer = new TestPeer();
    const connection = peer.establish();
    peer.handle({ type: "ManualStop", subcode: 3 });
    assert.equal(peer.sentNotification(connection), "6/3");
  });

  it("ends both connections where there are two", () => {
    const peer = new TestPeer().start();
    const [dialled, accepted] = [peer.ack(), peer.accept()];
    peer.handle({ type: "ManualStop" });
    assert.equal(peer.sentNotification(dialled), "6/2");
    assert.equal(peer.sentNotification(accepted), "6/2");
  });

  it("ends the idle hold without a word", () => {
    const peer = new TestPeer().start();
    peer.notification(peer.ack(), 6, 4);
    const actions = peer.handle({ type: "ManualStop" });
    assert.deepEqual(actions, [{ type: "stopPeerTimer", timer: "idleHoldTimer" }]);
  });

  it("does not retry by itself, and starts afresh at ManualStart", () => {
    const peer = new TestPeer();
    peer.establish();
    peer.handle({ type: "ManualStop" });
    assert.deepEqual(peer.handle({ type: "IdleHoldTimer_Expires" }), []);
    assert.deepEqual(peer.handle({ type: "ConnectRetryTimer_Expires" }), []);
    peer.start();
    assert.equal(peer.fsm.state, "Connect");
  });

  it("refuses a peer that comes afterwards with Cease 6/5 (RFC 4486)", () => {
    const peer = new TestPeer();
    const connection = peer.accept();
    assert.equal(peer.fsm.state, "Idle");
    assert.equal(peer.sentNotification(connection), "6/5");
    assert.deepEqual(peer.doneTo(connection), ["sendNotification", "close"]);
  });

  it("counts how often Established was reached over stops and starts", () => {
    const peer = new TestPeer();
    peer.establish();
    peer.handle({ type: "ManualStop" });
    peer.establish();
    assert.equal(peer.fsm.establishedTransitions, 2);
  });
});
