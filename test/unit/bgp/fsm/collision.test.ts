import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConnectionId } from "../../../../src/bgp/fsm/event.ts";
import type { OpenMessage } from "../../../../src/bgp/message/message.ts";
import { gracefulRestart, ipv4Unicast, localIdentifier, TestPeer } from "./test-peer.ts";

const lower = localIdentifier - 1;
const higher = localIdentifier + 1;

const offering = (restarted = false) => [ipv4Unicast, gracefulRestart(restarted)];

interface Collision {
  readonly peer: TestPeer;
  readonly dialled: ConnectionId;
  readonly accepted: ConnectionId;
}

function bothUp(peer = new TestPeer()): Collision {
  peer.start();
  return { peer, dialled: peer.ack(), accepted: peer.accept() };
}

describe("Connection collision (RFC 4271 §6.8)", () => {
  it("sends OPEN on both connections and decides nothing before the peer's", () => {
    const { peer, dialled, accepted } = bothUp();
    assert.deepEqual(peer.doneTo(accepted), ["sendOpen", "startTimer holdTimer 240000"]);
    assert.deepEqual([...peer.ledger.up], [dialled, accepted]);
    peer.open(dialled);
    assert.deepEqual([...peer.ledger.up], [dialled, accepted]);
    assert.equal(peer.fsm.state, "OpenConfirm");
  });

  for (const [name, identifier, localSurvives] of [
    ["our own dial when our identifier is higher", lower, true],
    ["the peer's dial when its identifier is higher", higher, false],
  ] as const) {
    for (const first of ["dialled", "accepted"] as const) {
      it(`keeps ${name}, with the first OPEN on the ${first} one`, () => {
        const collision = bothUp();
        const { peer, dialled, accepted } = collision;
        const second = first === "dialled" ? accepted : dialled;
        peer.open(collision[first], { bgpIdentifier: identifier });
        peer.open(second, { bgpIdentifier: identifier });
        const [kept, lost] = localSurvives ? [dialled, accepted] : [accepted, dialled];
        assert.equal(peer.sentNotification(lost), "6/7");
        assert.equal(peer.sentNotification(kept), undefined);
        assert.deepEqual([...peer.ledger.up], [kept]);
        assert.equal(peer.fsm.state, "OpenConfirm");
        assert.equal(peer.down(), undefined);
        peer.keepalive(kept);
        assert.equal(peer.fsm.establishedConnection, kept);
      });
    }
  }

  it("compares identifiers as unsigned numbers", () => {
    const { peer, dialled, accepted } = bothUp();
    peer.open(dialled, { bgpIdentifier: 0xf000_0001 });
    peer.open(accepted, { bgpIdentifier: 0xf000_0001 });
    assert.deepEqual([...peer.ledger.up], [accepted]);
  });

  for (const [asn, localSurvives] of [
    [64511, true],
    [4_200_000_000, false],
  ] as const) {
    it(`lets the higher AS number decide between equal identifiers: ${asn} (RFC 6286 §2.3)`, () => {
      const { peer, dialled, accepted } = bothUp(new TestPeer({ peerAsn: "any" }));
      peer.open(dialled, { asn, bgpIdentifier: localIdentifier });
      peer.open(accepted, { asn, bgpIdentifier: localIdentifier });
      assert.deepEqual([...peer.ledger.up], [localSurvives ? dialled : accepted]);
    });
  }

  it("closes the connection with a bad OPEN, whoever would have won", () => {
    const { peer, dialled, accepted } = bothUp();
    peer.open(accepted, { bgpIdentifier: lower });
    peer.open(dialled, { bgpIdentifier: lower, asn: 65000 });
    assert.equal(peer.sentNotification(dialled), "2/2");
    assert.equal(peer.down(), undefined);
    assert.equal(peer.fsm.state, "OpenConfirm");
    assert.deepEqual([...peer.ledger.up], [accepted]);
  });

  it("goes on with the other connection when one is lost", () => {
    const { peer, dialled, accepted } = bothUp();
    peer.fails(dialled);
    assert.equal(peer.fsm.state, "OpenSent");
    assert.equal(peer.down(), undefined);
    assert.ok(peer.ledger.timers.has("connectRetryTimer"), "dials again beside the other");
    peer.open(accepted);
    peer.keepalive(accepted);
    assert.equal(peer.fsm.establishedConnection, accepted);
  });

  it("closes a second connection that sends no OPEN by its own timer, the first untouched", () => {
    const { peer, dialled, accepted } = bothUp();
    peer.open(dialled);
    peer.keepalive(dialled);
    peer.expire(`holdTimer ${accepted}`);
    assert.equal(peer.sentNotification(accepted), "4/0");
    assert.deepEqual(peer.doneTo(dialled), []);
    assert.equal(peer.down(), undefined);
    assert.equal(peer.fsm.state, "Established");
    assert.equal(peer.fsm.connectRetryCounter, 0);
  });

  it("closes a second connection that starts with nonsense, the first untouched", () => {
    const peer = new TestPeer();
    const first = peer.establish();
    const second = peer.accept();
    peer.keepalive(second);
    assert.equal(peer.sentNotification(second), "5/1");
    assert.equal(peer.fsm.establishedConnection, first);
  });

  it("takes a newer incoming connection in place of one that is not Established", () => {
    for (const confirmed of [false, true]) {
      const peer = new TestPeer({ passive: true }).start();
      const older = peer.accept();
      if (confirmed) peer.open(older);
      const newer = peer.accept();
      assert.equal(peer.sentNotification(older), "6/7");
      assert.deepEqual([...peer.ledger.up], [newer]);
      assert.equal(peer.fsm.state, "OpenSent");
    }
  });

  it("dials again when a confirmed connection gives way to one that has yet to send OPEN", () => {
    const peer = new TestPeer().start();
    peer.open(peer.accept());
    peer.accept();
    assert.ok(peer.ledger.timers.has("connectRetryTimer"));
  });
});

describe("A second connection in Established", () => {
  it("is held back without our OPEN, and refused with 6/7 once its own has come", () => {
    for (const bgpIdentifier of [lower, higher]) {
      const peer = new TestPeer();
      const first = peer.establish({ bgpIdentifier });
      const second = peer.accept();
      assert.deepEqual(peer.doneTo(second), ["startTimer holdTimer 240000"]);
      peer.open(second, { bgpIdentifier });
      assert.deepEqual(peer.doneTo(second), ["sendNotification", "stopTimer holdTimer", "close"]);
      assert.equal(peer.sentNotification(second), "6/7");
      assert.equal(peer.fsm.establishedConnection, first);
      assert.equal(peer.down(), undefined);
    }
  });

  it("is refused as well when both come from the peer, without graceful restart", () => {
    const peer = new TestPeer();
    const first = peer.establishAccepted();
    const second = peer.accept();
    peer.open(second);
    assert.equal(peer.sentNotification(second), "6/7");
    assert.equal(peer.fsm.establishedConnection, first);
  });

  it("takes over, with our OPEN now sent, when the first is lost before it has sent its OPEN", () => {
    const peer = new TestPeer();
    const first = peer.establish();
    const second = peer.accept();
    peer.fails(first);
    assert.equal(peer.down()?.wasEstablished, true);
    assert.equal(peer.fsm.state, "OpenSent");
    assert.equal(peer.doneTo(second)[0], "sendOpen");
    peer.open(second);
    peer.keepalive(second);
    assert.equal(peer.fsm.establishedConnection, second);
  });

  it("survives the first where we dialled it before: it goes on by itself", () => {
    const { peer, dialled, accepted } = bothUp();
    peer.open(accepted);
    peer.keepalive(accepted);
    peer.notification(accepted, 6, 4);
    assert.equal(peer.fsm.state, "OpenSent");
    assert.equal(peer.ledger.timers.has("idleHoldTimer"), false);
    peer.open(dialled);
    peer.keepalive(dialled);
    assert.equal(peer.fsm.establishedConnection, dialled);
  });

  it("is ended with the session by ManualStop", () => {
    const peer = new TestPeer();
    peer.establish();
    const second = peer.accept();
    peer.handle({ type: "ManualStop" });
    assert.equal(peer.sentNotification(second), "6/2");
    assert.equal(peer.fsm.state, "Idle");
  });
});

function assertReplaced(peer: TestPeer, first: ConnectionId, second: ConnectionId): void {
  assert.equal(peer.doneTo(first).at(-1), "close");
  assert.equal(peer.sentNotification(first), undefined);
  assert.deepEqual(peer.down(), {
    event: "OpenCollisionDump",
    text: "the peer opened a new connection (graceful restart, RFC 4724 section 5)",
    wasEstablished: true,
  });
  assert.equal(peer.fsm.state, "OpenConfirm");
  assert.equal(peer.fsm.establishedConnection, undefined);
  peer.keepalive(second);
  assert.equal(peer.fsm.establishedConnection, second);
  assert.equal(peer.fsm.establishedTransitions, 2);
}

describe("A second connection in Established with graceful restart (RFC 4724 §5)", () => {
  const restartable = (): TestPeer => new TestPeer({ capabilities: () => offering() });
  const open = (bgpIdentifier: number, restarted = false): Partial<OpenMessage> => ({
    bgpIdentifier,
    capabilities: offering(restarted),
  });

  it("replaces the first when the peer dialled both", () => {
    const peer = restartable();
    const first = peer.establishAccepted(open(lower));
    const second = peer.accept();
    peer.open(second, open(lower));
    assert.deepEqual(peer.doneTo(second).slice(0, 2), ["sendOpen", "sendKeepalive"]);
    assertReplaced(peer, first, second);
  });

  it("replaces the first when the session has lasted", () => {
    const peer = restartable();
    const first = peer.establish(open(lower));
    peer.expire(`keepaliveTimer ${first}`);
    const second = peer.accept();
    peer.open(second, open(lower));
    assertReplaced(peer, first, second);
  });

  it("takes a session without KEEPALIVEs for lasting when the longest idle hold is over", () => {
    const peer = restartable();
    const first = peer.establish({ ...open(lower), holdTimeSeconds: 0 });
    peer.expire("idleHoldTimer");
    const second = peer.accept();
    peer.open(second, open(lower));
    assertReplaced(peer, first, second);
  });

  it("replaces the first when the peer now says that it restarted", () => {
    const peer = restartable();
    const first = peer.establish(open(lower, false));
    const second = peer.accept();
    peer.open(second, open(lower, true));
    assertReplaced(peer, first, second);
  });

  for (const identifier of [lower, higher]) {
    const rank = identifier === lower ? "lower" : "higher";

    it(`is refused with 6/7 when it may be a dial that crossed ours, ${rank} identifier`, () => {
      const peer = restartable();
      const first = peer.establish(open(identifier));
      const second = peer.accept();
      peer.open(second, open(identifier));
      assert.equal(peer.sentNotification(second), "6/7");
      assert.equal(peer.fsm.establishedConnection, first);
    });

    it(`is refused with 6/7 when it was up before the session, ${rank} identifier`, () => {
      const { peer, dialled, accepted } = bothUp(restartable());
      peer.open(accepted, open(identifier));
      peer.keepalive(accepted);
      peer.expire(`keepaliveTimer ${accepted}`);
      peer.open(dialled, open(identifier));
      assert.equal(peer.sentNotification(dialled), "6/7");
      assert.equal(peer.fsm.establishedConnection, accepted);
    });
  }

  it("is refused when the peer's capability names no family", () => {
    const peer = restartable();
    const none = { ...gracefulRestart(), families: [] };
    const changes = { bgpIdentifier: lower, capabilities: [ipv4Unicast, none] };
    const first = peer.establishAccepted(changes);
    const second = peer.accept();
    peer.open(second, changes);
    assert.equal(peer.sentNotification(second), "6/7");
    assert.equal(peer.fsm.establishedConnection, first);
  });

  it("leaves the first alone when its OPEN is bad", () => {
    const peer = restartable();
    const first = peer.establishAccepted(open(lower));
    const second = peer.accept();
    peer.open(second, { ...open(lower), asn: 65000 });
    assert.equal(peer.sentNotification(second), "2/2");
    assert.equal(peer.fsm.establishedConnection, first);
  });
});
