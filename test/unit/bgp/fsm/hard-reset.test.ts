import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hardened, isGraceful } from "../../../../src/bgp/fsm/hard-reset.ts";
import { negotiate } from "../../../../src/bgp/fsm/negotiate.ts";
import type { NotificationMessage } from "../../../../src/bgp/message/message.ts";
import { gracefulRestart, ipv4Unicast, peerIdentifier, peerOpen } from "./test-peer.ts";

function negotiated(ours: boolean, theirs: boolean): ReturnType<typeof negotiate> {
  const open = (notification: boolean): ReturnType<typeof peerOpen> =>
    peerOpen({ capabilities: [ipv4Unicast, { ...gracefulRestart(), notification }] });
  return negotiate({ ...open(ours), bgpIdentifier: peerIdentifier + 1 }, open(theirs));
}

const both = negotiated(true, true);
const notification = (code: number, subcode: number, ...data: number[]): NotificationMessage => ({
  code,
  subcode,
  data: Uint8Array.from(data),
});

describe("the N bit of graceful restart (RFC 8538)", () => {
  test("is in force when both sides set it", () => {
    assert.equal(both.gracefulNotification, true);
    assert.equal(negotiated(true, false).gracefulNotification, false);
    assert.equal(negotiated(false, true).gracefulNotification, false);
  });

  test("has NOTIFICATIONs leave routes to graceful restart, but for a Hard Reset", () => {
    const one = negotiated(true, false);
    for (const said of [notification(4, 0), notification(3, 1), notification(6, 4)]) {
      assert.equal(isGraceful(said, both), true);
      assert.equal(isGraceful(said, one), false);
      assert.equal(isGraceful(said, undefined), false);
    }
    assert.equal(isGraceful(notification(6, 9, 6, 2), both), false);
    assert.equal(isGraceful(undefined, one), true);
  });

  test("has what parts for good go within a Hard Reset, whole (§3.1, §4.2.1)", () => {
    assert.deepEqual(
      hardened(notification(6, 2, 1, 0x61), both),
      notification(6, 9, 6, 2, 1, 0x61),
    );
    assert.deepEqual(hardened(notification(6, 1), both), notification(6, 9, 6, 1));
    assert.deepEqual(hardened(notification(6, 3), both), notification(6, 9, 6, 3));
    for (const plain of [notification(6, 4), notification(6, 7), notification(4, 0)]) {
      assert.equal(hardened(plain, both), plain);
    }
    const shutdown = notification(6, 2);
    assert.equal(hardened(shutdown, negotiated(false, true)), shutdown);
    assert.equal(hardened(shutdown, undefined), shutdown);
  });
});
