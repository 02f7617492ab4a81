import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cease } from "../../../../src/bgp/fsm/cease.ts";
import { received } from "../../../../src/bgp/fsm/down-reason.ts";

describe("cease", () => {
  it("carries the operator's text with its length (RFC 9003 §2)", () => {
    const data = Uint8Array.of(3, 0x62, 0x79, 0x65);
    assert.deepEqual(cease(2, "bye"), { code: 6, subcode: 2, data });
    assert.deepEqual(cease(4, "bye"), { code: 6, subcode: 4, data });
  });

  it("carries no data without a text, nor with subcodes that have none", () => {
    assert.equal(cease(2).data.length, 0);
    assert.equal(cease(7, "bye").data.length, 0);
  });
});

describe("received", () => {
  it("says what the peer said, text and all", () => {
    const reason = received(cease(2, "maintenance"));
    assert.equal(
      reason.text,
      'the peer sent NOTIFICATION 6/2, Cease/Administrative Shutdown: "maintenance"',
    );
    assert.equal(reason.direction, "received");
    assert.equal(reason.event, "NotifMsg");
  });
});
