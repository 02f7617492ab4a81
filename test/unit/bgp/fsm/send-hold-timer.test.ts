import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PeerFsmConfig } from "../../../../src/bgp/fsm/peer-config.ts";
import type { OpenMessage } from "../../../../src/bgp/message/message.ts";
import { TestPeer } from "./test-peer.ts";

/** What the send hold timer is started with once the session is Established; `undefined` where it does not run. */
function started(config: Partial<PeerFsmConfig>, open: Partial<OpenMessage>): number | undefined {
  const peer = new TestPeer(config).start();
  const connection = peer.ack();
  peer.open(connection, open);
  assert.equal(peer.ledger.timers.get(`sendHoldTimer ${connection}`), undefined, "in OpenConfirm");
  peer.keepalive(connection);
  return peer.ledger.timers.get(`sendHoldTimer ${connection}`);
}

describe("SendHoldTimer (RFC 9687)", () => {
  it("runs in Established for eight minutes, or twice the hold time if that is more", () => {
    assert.equal(started({}, {}), 480_000);
    assert.equal(started({ holdTimeSeconds: 300 }, { holdTimeSeconds: 400 }), 600_000);
  });

  it("runs as long as it is configured, and not at all for 0", () => {
    assert.equal(started({ sendHoldTimeSeconds: 20 }, {}), 20_000);
    assert.equal(started({ sendHoldTimeSeconds: 0 }, {}), undefined);
  });

  it("does not run where the hold time is 0", () => {
    assert.equal(started({ sendHoldTimeSeconds: 20 }, { holdTimeSeconds: 0 }), undefined);
  });

  it("ends the session with 8/0 when it expires", () => {
    const peer = new TestPeer();
    const connection = peer.establish();
    peer.expire(`sendHoldTimer ${connection}`);
    assert.equal(peer.sentNotification(connection), "8/0");
    assert.equal(peer.fsm.state, "Idle");
    assert.deepEqual(peer.down(), {
      wasEstablished: true,
      event: "SendHoldTimer_Expires",
      text: "the peer has taken nothing of what we sent for 480 s",
      direction: "sent",
      notification: { code: 8, subcode: 0, data: new Uint8Array(0) },
    });
    assert.deepEqual(peer.handle({ type: "SendHoldTimer_Expires", connection }), []);
  });
});
