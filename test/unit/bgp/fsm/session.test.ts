import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  FsmError,
  MessageHeaderError,
  OpenMessageError,
  RouteRefreshError,
  UpdateMessageError,
} from "../../../../src/bgp/errors.ts";
import type { ConnectionId } from "../../../../src/bgp/fsm/event.ts";
import { TestPeer } from "./test-peer.ts";

interface Stage {
  readonly peer: TestPeer;
  readonly connection: ConnectionId;
}

function openSent(): Stage {
  const peer = new TestPeer().start();
  return { peer, connection: peer.ack() };
}

function openConfirm(): Stage {
  const stage = openSent();
  stage.peer.open(stage.connection);
  assert.equal(stage.peer.fsm.state, "OpenConfirm");
  assert.equal(stage.peer.fsm.negotiated, undefined);
  return stage;
}

function established(): Stage {
  const peer = new TestPeer();
  return { peer, connection: peer.establish() };
}

const stages = { OpenSent: openSent, OpenConfirm: openConfirm, Established: established };

/** Checks that the session ended with this NOTIFICATION and is to be retried. */
function assertEnded({ peer, connection }: Stage, notification: string | undefined): void {
  assert.equal(peer.sentNotification(connection), notification);
  assert.equal(peer.doneTo(connection).at(-1), "close");
  assert.equal(peer.fsm.state, "Idle");
  assert.equal(peer.fsm.connectRetryCounter, 1);
  assert.ok(peer.ledger.timers.has("idleHoldTimer"));
}

describe("OpenSent (RFC 4271 §8.2.2)", () => {
  it("answers a good OPEN with KEEPALIVE and starts both timers of the connection", () => {
    const { peer, connection } = openSent();
    peer.open(connection, { holdTimeSeconds: 30 });
    assert.equal(peer.fsm.state, "OpenConfirm");
    assert.deepEqual(peer.doneTo(connection), [
      "sendKeepalive",
      "startTimer holdTimer 30000",
      "startTimer keepaliveTimer 10000",
    ]);
  });

  it("answers an OPEN from another AS with 2/2", () => {
    const stage = openSent();
    stage.peer.open(stage.connection, { asn: 65000 });
    assertEnded(stage, "2/2");
    assert.equal(stage.peer.down()?.event, "BGPOpenMsgErr");
    assert.equal(stage.peer.down()?.text, "the peer says it is AS 65000, expected 64512");
  });

  it("answers an OPEN with our own identifier in our AS with 2/3 (RFC 6286)", () => {
    const stage = openSent();
    stage.peer.open(stage.connection, { bgpIdentifier: stage.peer.config.localIdentifier });
    assertEnded(stage, "2/3");
  });

  it("answers KEEPALIVE in OpenSent with FSM Error 5/1 (RFC 4271 §8.2.2, RFC 6608 §3)", () => {
    const stage = openSent();
    stage.peer.keepalive(stage.connection);
    assertEnded(stage, "5/1");
    assert.equal(stage.peer.down()?.text, "the peer sent a KEEPALIVE in OpenSent");
  });

  it("answers UPDATE and ROUTE-REFRESH in OpenSent with 5/1", () => {
    for (const type of ["UpdateMsg", "RouteRefreshMsg"] as const) {
      const stage = openSent();
      stage.peer.handle({ type, connection: stage.connection });
      assertEnded(stage, "5/1");
    }
  });

  it("goes to Active, not Idle, when the TCP connection fails, and retries by ConnectRetryTimer", () => {
    const { peer, connection } = openSent();
    peer.fails(connection);
    assert.equal(peer.fsm.state, "Active");
    assert.equal(peer.ledger.timers.get("connectRetryTimer"), 10_000);
    assert.equal(peer.down()?.event, "TcpConnectionFails");
  });

  it("ignores a KeepaliveTimer that does not run", () => {
    const { peer, connection } = openSent();
    assert.deepEqual(peer.handle({ type: "KeepaliveTimer_Expires", connection }), []);
  });
});

describe("OpenConfirm (RFC 4271 §8.2.2)", () => {
  it("is Established by a KEEPALIVE, and says what was negotiated", () => {
    const { peer, connection } = openConfirm();
    peer.keepalive(connection);
    assert.equal(peer.fsm.state, "Established");
    assert.equal(peer.fsm.establishedConnection, connection);
    assert.equal(peer.fsm.negotiated?.holdTimeSeconds, 90);
    assert.deepEqual(peer.doneTo(connection), [
      "startTimer holdTimer 90000",
      "startTimer sendHoldTimer 480000",
      "established",
    ]);
    assert.equal(peer.fsm.establishedTransitions, 1);
  });

  it("answers UPDATE in OpenConfirm with 5/2 (RFC 6608 §3)", () => {
    const stage = openConfirm();
    stage.peer.update(stage.connection);
    assertEnded(stage, "5/2");
  });

  it("answers a second OPEN on the same connection with 5/2", () => {
    const stage = openConfirm();
    stage.peer.open(stage.connection);
    assertEnded(stage, "5/2");
  });

  it("answers ROUTE-REFRESH in OpenConfirm with 5/2", () => {
    const stage = openConfirm();
    stage.peer.handle({ type: "RouteRefreshMsg", connection: stage.connection });
    assertEnded(stage, "5/2");
  });

  it("sends KEEPALIVE when KeepaliveTimer expires, and stays", () => {
    const { peer, connection } = openConfirm();
    peer.expire(`keepaliveTimer ${connection}`);
    assert.deepEqual(peer.doneTo(connection), ["sendKeepalive", "startTimer keepaliveTimer 30000"]);
    assert.equal(peer.fsm.state, "OpenConfirm");
  });

  it("goes to Idle when the TCP connection fails", () => {
    const stage = openConfirm();
    stage.peer.fails(stage.connection);
    assertEnded(stage, undefined);
    assert.equal(stage.peer.down()?.wasEstablished, false);
  });
});

describe("Established (RFC 4271 §8.2.2)", () => {
  it("answers OPEN in Established with 5/3 (RFC 6608 §3)", () => {
    const stage = established();
    stage.peer.open(stage.connection);
    assertEnded(stage, "5/3");
    assert.equal(stage.peer.down()?.wasEstablished, true);
    assert.equal(stage.peer.fsm.establishedConnection, undefined);
    assert.equal(stage.peer.fsm.negotiated, undefined);
  });

  it("restarts HoldTimer on UPDATE and on KEEPALIVE, without making anything new", () => {
    const { peer, connection } = established();
    const first = peer.update(connection);
    assert.deepEqual(peer.doneTo(connection), ["startTimer holdTimer 90000"]);
    assert.equal(peer.keepalive(connection), first);
  });

  it("takes ROUTE-REFRESH in silence", () => {
    const { peer, connection } = established();
    assert.deepEqual(peer.handle({ type: "RouteRefreshMsg", connection }), []);
  });

  it("goes to Idle when the TCP connection fails, with no NOTIFICATION in the reason", () => {
    const stage = established();
    stage.peer.fails(stage.connection);
    assertEnded(stage, undefined);
    assert.deepEqual(stage.peer.down(), {
      event: "TcpConnectionFails",
      text: "connection reset",
      wasEstablished: true,
    });
  });
});

for (const [state, enter] of Object.entries(stages)) {
  describe(`Messages that break off in ${state}`, () => {
    it("ends at the peer's NOTIFICATION without one of its own", () => {
      const stage = enter();
      stage.peer.notification(stage.connection, 6, 4);
      assertEnded(stage, undefined);
      assert.equal(stage.peer.down()?.event, "NotifMsg");
      assert.equal(stage.peer.down()?.direction, "received");
      assert.equal(stage.peer.down()?.notification?.subcode, 4);
    });

    it("answers a message header error with its NOTIFICATION and data (RFC 4271 §6.1)", () => {
      const stage = enter();
      const error = new MessageHeaderError(2, "length of 12", Uint8Array.of(0, 12));
      stage.peer.malformed(stage.connection, error);
      assertEnded(stage, "1/2");
      const { data } = stage.peer.sentNotificationMessage(stage.connection) ?? {};
      assert.deepEqual(data, Uint8Array.of(0, 12));
      assert.equal(stage.peer.down()?.event, "BGPHeaderErr");
      assert.equal(stage.peer.down()?.text, "length of 12");
    });

    it("answers a malformed OPEN as it does an OPEN", () => {
      const stage = enter();
      stage.peer.malformed(stage.connection, new OpenMessageError(1, "version 3"));
      assertEnded(stage, state === "Established" ? "5/3" : "2/1");
    });

    it("answers a malformed UPDATE as it does an UPDATE", () => {
      const stage = enter();
      stage.peer.malformed(stage.connection, new UpdateMessageError(1, "no room for attributes"));
      const answers: Record<string, string> = { OpenSent: "5/1", OpenConfirm: "5/2" };
      assertEnded(stage, answers[state] ?? "3/1");
    });

    it("answers a malformed ROUTE-REFRESH as it does a ROUTE-REFRESH (RFC 7313 §5)", () => {
      const stage = enter();
      stage.peer.malformed(stage.connection, new RouteRefreshError(1, "length of 3"));
      const answers: Record<string, string> = { OpenSent: "5/1", OpenConfirm: "5/2" };
      assertEnded(stage, answers[state] ?? "7/1");
    });

    it("sends other errors as they are", () => {
      const stage = enter();
      stage.peer.malformed(stage.connection, new FsmError(0, "odd"));
      assertEnded(stage, "5/0");
      assert.equal(stage.peer.down()?.event, "MessageError");
    });
  });
}
